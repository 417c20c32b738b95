"""Definition: one of the things that a tuning job tunes, and the training jobs that are made of it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.resources.tags import Tag
from preflight.sagemaker.training.algorithm import find_algorithm
from preflight.sagemaker.training.description import metric_definitions
from preflight.sagemaker.training.metrics import with_objective
from preflight.sagemaker.training.request import CreateTrainingJob, MetricDefinition
from preflight.sagemaker.tuning.autotune import choose_ranges
from preflight.sagemaker.tuning.request import (
    CreateHyperParameterTuningJob,
    HyperParameterTrainingJobDefinition,
    HyperParameterTuningJobObjective,
    HyperParameterTuningResourceConfig,
    ParameterRanges,
)
from preflight.sagemaker.tuning.search_space import SearchSpace, Values

OBJECTIVE_HYPERPARAMETER = "_tuning_objective_metric"  # by which a training job knows what it is tuned for

# Members that a training job's request has under the same names.
_CARRIED = (
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "VpcConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "RetryStrategy",
    "Environment",
)


@dataclass(frozen=True)
class Definition:
    """``shape`` as it was asked for; ``ranges`` are what is searched, with what Autotune has chosen."""

    shape: HyperParameterTrainingJobDefinition
    objective: HyperParameterTuningJobObjective
    ranges: ParameterRanges
    region: str

    @cached_property
    def space(self) -> SearchSpace:
        return SearchSpace.read(self.ranges)

    @cached_property
    def static(self) -> Values:
        return {**self.shape.static_hyper_parameters, OBJECTIVE_HYPERPARAMETER: self.objective.metric_name}

    @cached_property
    def algorithm(self) -> str | None:
        """The built-in algorithm; None if it is a script, or an image of the caller's."""
        return find_algorithm(self.training_request("job", {}), self.region)

    @cached_property
    def metrics(self) -> tuple[MetricDefinition, ...]:
        """The metrics that its training jobs are asked for, the objective once more among them."""
        definitions = metric_definitions(self.training_request("job", {}), self.region)
        return with_objective(definitions, self.objective.metric_name)

    def training_request(self, name: str, values: Values, tags: Iterable[Tag] = ()) -> CreateTrainingJob:
        """The training job that tries ``values``."""
        asked = self.shape.as_asked()
        members: dict[str, Any] = {member: asked[member] for member in _CARRIED if member in asked}
        if resources := self.shape.hyper_parameter_tuning_resource_config:
            members["ResourceConfig"] = resource_config(resources)
        if checkpoints := asked.get("CheckpointConfig"):
            # Each job's own; the others' would be taken for a beginning of it.
            members["CheckpointConfig"] = {**checkpoints, "S3Uri": f"{checkpoints['S3Uri'].rstrip('/')}/{name}"}
        return CreateTrainingJob.model_validate(
            {
                **members,
                "TrainingJobName": name,
                "HyperParameters": {**self.static, **values},
                "Tags": [tag.as_asked() for tag in tags],
            }
        )


def definitions_of(request: CreateHyperParameterTuningJob, region: str) -> tuple[Definition, ...]:
    """What ``request`` asks to tune.

    Raises:
        ValidationException: it leaves out what to tune, or what for, or has it twice.
    """
    config = request.hyper_parameter_tuning_job_config
    several = request.training_job_definitions
    if (request.training_job_definition is None) == (not several):
        raise ValidationException(
            guessed("Exactly one of TrainingJobDefinition and TrainingJobDefinitions must be specified.")
        )
    if several and (config.hyper_parameter_tuning_job_objective or config.parameter_ranges):
        raise ValidationException(
            guessed(
                "HyperParameterTuningJobObjective and ParameterRanges cannot be specified with TrainingJobDefinitions: "
                "each definition has its own TuningObjective and HyperParameterRanges."
            )
        )
    shapes = several or (request.training_job_definition,)
    return tuple(_definition(request, shape, region) for shape in shapes if shape)


def _definition(
    request: CreateHyperParameterTuningJob, shape: HyperParameterTrainingJobDefinition, region: str
) -> Definition:
    config = request.hyper_parameter_tuning_job_config
    objective = config.hyper_parameter_tuning_job_objective or shape.tuning_objective
    if objective is None:
        raise ValidationException(guessed("An objective is required for a hyperparameter tuning job."))
    ranges = config.parameter_ranges or shape.hyper_parameter_ranges or ParameterRanges()
    definition = Definition(shape, objective, ranges, region)
    if request.autotune is None:
        return definition
    return replace(definition, ranges=choose_ranges(ranges, definition.algorithm, shape.static_hyper_parameters))


def resource_config(resources: HyperParameterTuningResourceConfig) -> dict[str, Any]:
    """The first choice of instances: there is always room for it here."""
    asked = resources.as_asked()
    configs: list[dict[str, Any]] = asked.pop("InstanceConfigs", [])
    asked.pop("AllocationStrategy", None)
    return {**asked, **(configs[0] if configs else {})}
