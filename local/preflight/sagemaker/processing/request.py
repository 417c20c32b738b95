"""The requests of the operations on ProcessingJob, as typed objects.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateProcessingJob.html
"""

from pydantic import Field

from preflight.sagemaker.api.listing import ListByStatusRequest
from preflight.sagemaker.api.shape import Shape, Structure, described
from preflight.sagemaker.jobs.experiment_config import ExperimentConfig
from preflight.sagemaker.resources.tags import Tag


class ProcessingS3Input(Shape):
    s3_uri: str
    local_path: str | None = None
    s3_data_type: str
    s3_input_mode: str = "File"
    s3_data_distribution_type: str = "FullyReplicated"
    s3_compression_type: str = "None"


class ProcessingInput(Shape):
    input_name: str
    app_managed: bool = False
    s3_input: ProcessingS3Input | None = None


class ProcessingS3Output(Shape):
    s3_uri: str
    local_path: str | None = None
    s3_upload_mode: str


class ProcessingOutput(Shape):
    output_name: str
    app_managed: bool = False
    s3_output: ProcessingS3Output | None = None


class ProcessingOutputConfig(Shape):
    outputs: tuple[ProcessingOutput, ...] = ()
    kms_key_id: str | None = None


class ProcessingClusterConfig(Shape):
    instance_count: int
    instance_type: str
    volume_size_in_gb: int = described(..., alias="VolumeSizeInGB")
    volume_kms_key_id: str | None = described()


class ProcessingResources(Shape):
    cluster_config: ProcessingClusterConfig


class ProcessingStoppingCondition(Shape):
    """How long a job may run, in seconds."""

    max_runtime_in_seconds: int = 86_400


class AppSpecification(Shape):
    image_uri: str
    container_entrypoint: tuple[str, ...] | None = None
    container_arguments: tuple[str, ...] | None = None


class NetworkConfig(Shape):
    enable_inter_container_traffic_encryption: bool = described(False)
    enable_network_isolation: bool = False
    vpc_config: Structure | None = described()


class CreateProcessingJob(Shape):
    processing_job_name: str
    processing_inputs: tuple[ProcessingInput, ...] = ()
    processing_output_config: ProcessingOutputConfig = ProcessingOutputConfig()
    processing_resources: ProcessingResources
    stopping_condition: ProcessingStoppingCondition = ProcessingStoppingCondition()
    app_specification: AppSpecification
    environment: dict[str, str] = Field(default_factory=dict)
    network_config: NetworkConfig | None = None
    role_arn: str
    tags: tuple[Tag, ...] = ()
    experiment_config: ExperimentConfig | None = None


class DescribeProcessingJob(Shape):
    processing_job_name: str


class ListProcessingJobs(ListByStatusRequest):
    pass


class StopProcessingJob(Shape):
    processing_job_name: str


class DeleteProcessingJob(Shape):
    processing_job_name: str
