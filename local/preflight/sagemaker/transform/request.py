"""The requests of the operations on TransformJob, as typed objects.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html
"""

from pydantic import Field

from preflight.sagemaker.api.listing import ListByStatusRequest
from preflight.sagemaker.api.shape import Shape, described
from preflight.sagemaker.jobs.experiment_config import ExperimentConfig
from preflight.sagemaker.resources.tags import Tag


class S3DataSource(Shape):
    s3_data_type: str
    s3_uri: str


class DataSource(Shape):
    s3_data_source: S3DataSource


class TransformInput(Shape):
    data_source: DataSource
    content_type: str | None = None
    compression_type: str = "None"
    split_type: str = "None"


class TransformOutput(Shape):
    s3_output_path: str
    accept: str | None = None
    assemble_with: str = "None"
    kms_key_id: str = ""


class DataCaptureConfig(Shape):
    destination_s3_uri: str
    kms_key_id: str = ""
    generate_inference_id: bool = False


class TransformResources(Shape):
    instance_type: str
    instance_count: int
    volume_kms_key_id: str | None = described()
    transform_ami_version: str | None = described()


class ModelClientConfig(Shape):
    """How long a model may take to answer, in seconds, and how often it is asked again."""

    invocations_timeout_in_seconds: int = 600
    invocations_max_retries: int = 3


class DataProcessing(Shape):
    input_filter: str = "$"
    output_filter: str = "$"
    join_source: str = "None"


class CreateTransformJob(Shape):
    transform_job_name: str
    model_name: str
    max_concurrent_transforms: int | None = None
    model_client_config: ModelClientConfig = ModelClientConfig()
    max_payload_in_mb: int | None = Field(None, alias="MaxPayloadInMB")
    batch_strategy: str | None = None
    environment: dict[str, str] = Field(default_factory=dict)
    transform_input: TransformInput
    transform_output: TransformOutput
    data_capture_config: DataCaptureConfig | None = None
    transform_resources: TransformResources
    data_processing: DataProcessing = DataProcessing()
    tags: tuple[Tag, ...] = ()
    experiment_config: ExperimentConfig | None = None


class DescribeTransformJob(Shape):
    transform_job_name: str


class ListTransformJobs(ListByStatusRequest):
    pass


class StopTransformJob(Shape):
    transform_job_name: str
