"""Where a training job's model and its other output go in S3.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html
"""

from dataclasses import dataclass

from preflight.sagemaker.aws.s3 import S3Uri
from preflight.sagemaker.training.request import CreateTrainingJob


@dataclass(frozen=True)
class OutputLocation:
    """``<S3OutputPath>/<job>/output``, as archives or file by file."""

    folder: S3Uri
    compressed: bool
    kms_key_id: str

    @classmethod
    def of(cls, request: CreateTrainingJob) -> "OutputLocation":
        config = request.output_data_config
        folder = S3Uri.parse(config.s3_output_path).below(f"{request.training_job_name}/output")
        return cls(folder, config.compression_type == "GZIP", config.kms_key_id)

    @property
    def model(self) -> S3Uri:
        return self.folder.below("model.tar.gz" if self.compressed else "model/")

    @property
    def data(self) -> S3Uri:
        return self.folder.below("output.tar.gz" if self.compressed else "data/")
