"""The requests of the operations on TrainingJob, as typed objects.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
"""

from pydantic import Field

from preflight.sagemaker.api.listing import ListByStatusRequest
from preflight.sagemaker.api.shape import Shape, Structure, described
from preflight.sagemaker.jobs.experiment_config import ExperimentConfig
from preflight.sagemaker.resources.tags import Tag


class MetricDefinition(Shape):
    name: str
    regex: str


class TrainingImageConfig(Shape):
    training_repository_access_mode: str | None = described()


class AlgorithmSpecification(Shape):
    training_image: str | None = None
    training_input_mode: str
    metric_definitions: tuple[MetricDefinition, ...] = ()
    container_entrypoint: tuple[str, ...] | None = None
    container_arguments: tuple[str, ...] | None = None
    enable_sage_maker_metrics_time_series: bool = described(False)
    training_image_config: TrainingImageConfig = TrainingImageConfig()


class S3DataSource(Shape):
    s3_data_type: str
    s3_uri: str
    s3_data_distribution_type: str = "FullyReplicated"
    attribute_names: tuple[str, ...] = ()
    instance_group_names: tuple[str, ...] = ()


class DataSource(Shape):
    s3_data_source: S3DataSource | None = None


class ShuffleConfig(Shape):
    seed: int


class InputChannel(Shape):
    channel_name: str
    data_source: DataSource
    content_type: str | None = None
    compression_type: str = "None"
    record_wrapper_type: str = "None"
    input_mode: str | None = None
    shuffle_config: ShuffleConfig | None = None


class OutputDataConfig(Shape):
    s3_output_path: str
    compression_type: str = "GZIP"
    kms_key_id: str = ""


class InstanceGroup(Shape):
    instance_type: str
    instance_count: int
    instance_group_name: str


class ResourceConfig(Shape):
    instance_type: str | None = None
    instance_count: int | None = None
    instance_groups: tuple[InstanceGroup, ...] = ()
    keep_alive_period_in_seconds: int | None = None
    volume_size_in_gb: int | None = described(alias="VolumeSizeInGB")
    volume_kms_key_id: str | None = described()


class StoppingCondition(Shape):
    """How long a job may wait and run, in seconds."""

    max_runtime_in_seconds: int = 86_400
    max_wait_time_in_seconds: int | None = None
    max_pending_time_in_seconds: int | None = None


class CheckpointConfig(Shape):
    s3_uri: str
    local_path: str = "/opt/ml/checkpoints"


class TensorBoardOutputConfig(Shape):
    s3_output_path: str
    local_path: str = "/opt/ml/output/tensorboard"


class DebugHookConfig(Shape):
    local_path: str | None = described()
    s3_output_path: str = described(...)


class ProfilerConfig(Shape):
    s3_output_path: str | None = described()
    profiling_interval_in_milliseconds: int | None = described()
    disable_profiler: bool | None = described()


class RuleConfiguration(Shape):
    """DebugRuleConfiguration and ProfilerRuleConfiguration, which are the same."""

    rule_configuration_name: str
    local_path: str | None = None
    s3_output_path: str | None = None
    rule_evaluator_image: str | None = None
    instance_type: str | None = None
    volume_size_in_gb: int | None = Field(None, alias="VolumeSizeInGB")
    rule_parameters: dict[str, str] = Field(default_factory=dict)


class RemoteDebugConfig(Shape):
    enable_remote_debug: bool = described(False)


class CreateTrainingJob(Shape):
    training_job_name: str
    hyper_parameters: dict[str, str] = Field(default_factory=dict)
    algorithm_specification: AlgorithmSpecification | None = None
    role_arn: str
    input_data_config: tuple[InputChannel, ...] = ()
    output_data_config: OutputDataConfig
    resource_config: ResourceConfig | None = None
    stopping_condition: StoppingCondition = StoppingCondition()
    checkpoint_config: CheckpointConfig | None = None
    tensor_board_output_config: TensorBoardOutputConfig | None = None
    enable_managed_spot_training: bool = False
    environment: dict[str, str] = Field(default_factory=dict)
    tags: tuple[Tag, ...] = ()
    vpc_config: Structure | None = described()
    enable_network_isolation: bool = described(False)
    enable_inter_container_traffic_encryption: bool = described(False)
    debug_hook_config: DebugHookConfig | None = None
    debug_rule_configurations: tuple[RuleConfiguration, ...] = described(())
    profiler_config: ProfilerConfig | None = None
    profiler_rule_configurations: tuple[RuleConfiguration, ...] = described(())
    experiment_config: ExperimentConfig | None = None
    remote_debug_config: RemoteDebugConfig | None = None
    retry_strategy: Structure | None = described()
    infra_check_config: Structure | None = described()


class DescribeTrainingJob(Shape):
    training_job_name: str


class ListTrainingJobs(ListByStatusRequest):
    warm_pool_status_equals: str | None = None
    training_plan_arn_equals: str | None = None


class StopTrainingJob(Shape):
    training_job_name: str


class ResourceConfigForUpdate(Shape):
    keep_alive_period_in_seconds: int


class UpdateTrainingJob(Shape):
    training_job_name: str
    resource_config: ResourceConfigForUpdate | None = None
    profiler_config: ProfilerConfig | None = None
    profiler_rule_configurations: tuple[RuleConfiguration, ...] = described(())
    remote_debug_config: RemoteDebugConfig | None = None


class DeleteTrainingJob(Shape):
    training_job_name: str
