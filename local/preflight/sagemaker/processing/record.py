"""ProcessingJobRecord: all that is known of one processing job."""

from typing import ClassVar

from preflight.sagemaker.jobs.record import JobRecord
from preflight.sagemaker.processing.request import CreateProcessingJob, ProcessingClusterConfig


class ProcessingJobRecord(JobRecord):
    """``exit_message`` is what the containers left in /opt/ml/output/message."""

    noun: ClassVar[str] = "processing job"

    request: CreateProcessingJob
    exit_message: str | None = None

    @property
    def image(self) -> str:
        return self.request.app_specification.image_uri

    @property
    def cluster(self) -> ProcessingClusterConfig:
        return self.request.processing_resources.cluster_config
