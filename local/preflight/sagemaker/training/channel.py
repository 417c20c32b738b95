"""An input channel of a training job.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-access-training-data.html
"""

from dataclasses import dataclass

from preflight.sagemaker.data.s3_input import S3Input
from preflight.sagemaker.training.request import InputChannel


@dataclass(frozen=True, kw_only=True)
class Channel(S3Input):
    """``groups`` are the instance groups that get it; empty for all."""

    content_type: str | None
    record_wrapper: str
    groups: tuple[str, ...]

    @classmethod
    def of(cls, channel: InputChannel, default_mode: str) -> "Channel":
        source = channel.data_source.s3_data_source
        assert source is not None  # CreateTrainingJob asks for it
        return cls(
            name=channel.channel_name,
            path=f"input/data/{channel.channel_name}",
            s3_uri=source.s3_uri,
            data_type=source.s3_data_type,
            distribution=source.s3_data_distribution_type,
            input_mode=channel.input_mode or default_mode,
            content_type=channel.content_type,
            record_wrapper=channel.record_wrapper_type,
            is_gzipped=channel.compression_type == "Gzip",
            seed=channel.shuffle_config.seed if channel.shuffle_config else None,
            groups=source.instance_group_names,
        )

    def configuration(self) -> dict[str, str]:
        """Its entry in inputdataconfig.json. AWS tells the container File for FastFile, too."""
        entry = {
            "TrainingInputMode": "File" if self.input_mode == "FastFile" else self.input_mode,
            "S3DistributionType": self.distribution,
            "RecordWrapperType": self.record_wrapper,
        }
        if self.content_type is not None:
            entry["ContentType"] = self.content_type
        return entry
