"""The requests of the operations on HyperParameterTuningJob, as typed objects.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateHyperParameterTuningJob.html
"""

from pydantic import Field

from preflight.sagemaker.api.listing import ListByStatusRequest, ListRequest
from preflight.sagemaker.api.shape import Shape, Structure, described
from preflight.sagemaker.resources.tags import Tag
from preflight.sagemaker.training.request import (
    CheckpointConfig,
    InputChannel,
    MetricDefinition,
    OutputDataConfig,
    ResourceConfig,
    StoppingCondition,
)


class HyperbandStrategyConfig(Shape):
    """How many epochs a training job runs at least, and at most."""

    min_resource: int | None = None
    max_resource: int | None = None


class HyperParameterTuningJobStrategyConfig(Shape):
    hyperband_strategy_config: HyperbandStrategyConfig | None = None


class HyperParameterTuningJobObjective(Shape):
    type: str
    metric_name: str

    @property
    def maximizes(self) -> bool:
        return self.type == "Maximize"


class ResourceLimits(Shape):
    max_number_of_training_jobs: int | None = None
    max_parallel_training_jobs: int
    max_runtime_in_seconds: int | None = None


class NumericParameterRange(Shape):
    """IntegerParameterRange and ContinuousParameterRange, which are the same."""

    name: str
    min_value: str
    max_value: str
    scaling_type: str = "Auto"


class CategoricalParameterRange(Shape):
    name: str
    values: tuple[str, ...]


class AutoParameter(Shape):
    name: str
    value_hint: str


class ParameterRanges(Shape):
    integer_parameter_ranges: tuple[NumericParameterRange, ...] = ()
    continuous_parameter_ranges: tuple[NumericParameterRange, ...] = ()
    categorical_parameter_ranges: tuple[CategoricalParameterRange, ...] = ()
    auto_parameters: tuple[AutoParameter, ...] = ()

    def names(self) -> list[str]:
        """Of every hyperparameter that is searched, by kind and in their order."""
        kinds = (
            self.integer_parameter_ranges,
            self.continuous_parameter_ranges,
            self.categorical_parameter_ranges,
            self.auto_parameters,
        )
        return [each.name for kind in kinds for each in kind]


class BestObjectiveNotImproving(Shape):
    max_number_of_training_jobs_not_improving: int | None = None


class ConvergenceDetected(Shape):
    complete_on_convergence: str = "Disabled"


class TuningJobCompletionCriteria(Shape):
    target_objective_metric_value: float | None = None
    best_objective_not_improving: BestObjectiveNotImproving = BestObjectiveNotImproving()
    convergence_detected: ConvergenceDetected | None = None


class HyperParameterTuningJobConfig(Shape):
    strategy: str
    strategy_config: HyperParameterTuningJobStrategyConfig | None = None
    hyper_parameter_tuning_job_objective: HyperParameterTuningJobObjective | None = None
    resource_limits: ResourceLimits
    parameter_ranges: ParameterRanges | None = None
    training_job_early_stopping_type: str | None = None
    tuning_job_completion_criteria: TuningJobCompletionCriteria = TuningJobCompletionCriteria()
    random_seed: int | None = None


class HyperParameterAlgorithmSpecification(Shape):
    training_image: str | None = None
    training_input_mode: str
    metric_definitions: tuple[MetricDefinition, ...] = ()


class HyperParameterTuningInstanceConfig(Shape):
    instance_type: str
    instance_count: int
    volume_size_in_gb: int = Field(alias="VolumeSizeInGB")


class HyperParameterTuningResourceConfig(Shape):
    instance_type: str | None = None
    instance_count: int | None = None
    volume_size_in_gb: int | None = Field(None, alias="VolumeSizeInGB")
    volume_kms_key_id: str | None = None
    allocation_strategy: str | None = described()
    instance_configs: tuple[HyperParameterTuningInstanceConfig, ...] = ()


class HyperParameterTrainingJobDefinition(Shape):
    definition_name: str | None = None
    tuning_objective: HyperParameterTuningJobObjective | None = None
    hyper_parameter_ranges: ParameterRanges | None = None
    static_hyper_parameters: dict[str, str] = Field(default_factory=dict)
    algorithm_specification: HyperParameterAlgorithmSpecification
    role_arn: str
    input_data_config: tuple[InputChannel, ...] = ()
    vpc_config: Structure | None = described()
    output_data_config: OutputDataConfig
    resource_config: ResourceConfig | None = None
    hyper_parameter_tuning_resource_config: HyperParameterTuningResourceConfig | None = None
    stopping_condition: StoppingCondition
    enable_network_isolation: bool = described(False)
    enable_inter_container_traffic_encryption: bool = described(False)
    enable_managed_spot_training: bool = False
    checkpoint_config: CheckpointConfig | None = None
    retry_strategy: Structure | None = described()
    environment: dict[str, str] = Field(default_factory=dict)


class ParentHyperParameterTuningJob(Shape):
    hyper_parameter_tuning_job_name: str | None = None


class HyperParameterTuningJobWarmStartConfig(Shape):
    parent_hyper_parameter_tuning_jobs: tuple[ParentHyperParameterTuningJob, ...]
    warm_start_type: str


class Autotune(Shape):
    mode: str


class CreateHyperParameterTuningJob(Shape):
    hyper_parameter_tuning_job_name: str
    hyper_parameter_tuning_job_config: HyperParameterTuningJobConfig
    training_job_definition: HyperParameterTrainingJobDefinition | None = None
    training_job_definitions: tuple[HyperParameterTrainingJobDefinition, ...] = ()
    warm_start_config: HyperParameterTuningJobWarmStartConfig | None = None
    tags: tuple[Tag, ...] = ()
    autotune: Autotune | None = None


class DescribeHyperParameterTuningJob(Shape):
    hyper_parameter_tuning_job_name: str


class ListHyperParameterTuningJobs(ListByStatusRequest):
    sort_by: str = "Name"


class ListTrainingJobsForHyperParameterTuningJob(Shape):
    hyper_parameter_tuning_job_name: str
    next_token: str | None = None
    max_results: int | None = None
    status_equals: str | None = None
    sort_by: str = "Name"
    sort_order: str | None = None

    def listing(self) -> ListRequest:
        """What of it every List operation has."""
        members = self.model_dump(include={"next_token", "max_results", "status_equals", "sort_by", "sort_order"})
        return ListByStatusRequest(**members)


class StopHyperParameterTuningJob(Shape):
    hyper_parameter_tuning_job_name: str


class DeleteHyperParameterTuningJob(Shape):
    hyper_parameter_tuning_job_name: str
