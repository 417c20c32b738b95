"""What AWS asks of a CreateHyperParameterTuningJob request beyond its model, and what of it runs on AWS only.

What it asks of each training job is for the training family to say.
"""

import math

from preflight.sagemaker.api.errors import ResourceLimitExceeded, ValidationException, guessed
from preflight.sagemaker.jobs.quotas import require_instances
from preflight.sagemaker.tuning.builtin_algorithms import TUNABLE_ALGORITHMS
from preflight.sagemaker.tuning.definition import Definition
from preflight.sagemaker.tuning.request import CreateHyperParameterTuningJob, HyperParameterTuningJobConfig

# https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-limits.html
MAX_PARALLEL = 10
MAX_JOBS = 750
MAX_JOBS_OF_RANDOM = 10_000
MAX_SEARCHED = 30
MAX_STATIC = 100

MAX_RESOURCE = 20_000  # epochs
_EPOCHS = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")  # static hyperparameters that say MaxResource


def require_valid(request: CreateHyperParameterTuningJob, definitions: tuple[Definition, ...]) -> None:
    """Return if AWS would take ``request``, whose definitions these are; what it names need not be there yet.

    Raises:
        ValidationException, ResourceLimitExceeded: in AWS's words where they are known.
    """
    config = request.hyper_parameter_tuning_job_config
    _require_strategy(request, definitions)
    if request.training_job_definitions:
        _require_several(request, definitions)
    for definition in definitions:
        _require_resources(definition)
        _require_objective(definition)
        _require_hyperparameters(request, definition)
    _require_combinations(config, definitions)
    _require_limits(config, definitions)


def number_of_jobs(config: HyperParameterTuningJobConfig, definitions: tuple[Definition, ...]) -> int:
    """How many training jobs it makes at most: a grid has a job for each combination."""
    if config.strategy == "Grid":
        return int(sum(definition.space.combinations for definition in definitions))
    asked = config.resource_limits.max_number_of_training_jobs
    return asked or (MAX_JOBS_OF_RANDOM if config.strategy == "Random" else MAX_JOBS)


def epochs_of(config: HyperParameterTuningJobConfig, definition: Definition) -> tuple[int, int]:
    """How many epochs a training job runs at least and at most. Raises ValidationException if nothing says so."""
    asked = config.strategy_config.hyperband_strategy_config if config.strategy_config else None
    least, most = (asked.min_resource, asked.max_resource) if asked else (None, None)
    if most is None:
        said = (definition.static.get(name, "").strip('"') for name in _EPOCHS)
        most = next((int(value) for value in said if value.isdecimal() and int(value)), None)
    if most is None:
        raise ValidationException(
            guessed(
                "MaxResource is required with the Hyperband strategy, or one of the static hyperparameters "
                f"{', '.join(_EPOCHS)}."
            )
        )
    if most > MAX_RESOURCE or (least or 1) > most:
        raise ValidationException(
            guessed(f"MaxResource must be at least MinResource and at most {MAX_RESOURCE}; it is {most}.")
        )
    return least or 1, most


def _require_strategy(request: CreateHyperParameterTuningJob, definitions: tuple[Definition, ...]) -> None:
    config = request.hyper_parameter_tuning_job_config
    is_hyperband = config.strategy == "Hyperband"
    if config.strategy_config and config.strategy_config.hyperband_strategy_config and not is_hyperband:
        raise ValidationException(guessed("HyperbandStrategyConfig can only be specified with the Hyperband strategy."))
    if is_hyperband:
        if config.training_job_early_stopping_type == "Auto":
            raise ValidationException(
                guessed(
                    "TrainingJobEarlyStoppingType must be Off with the Hyperband strategy, which stops jobs itself."
                )
            )
        for definition in definitions:
            epochs_of(config, definition)


def _require_several(request: CreateHyperParameterTuningJob, definitions: tuple[Definition, ...]) -> None:
    names = [definition.shape.definition_name for definition in definitions]
    if None in names or len(set(names)) < len(names):
        raise ValidationException(guessed("Each of TrainingJobDefinitions needs a DefinitionName of its own."))
    if len({definition.objective.type for definition in definitions}) > 1:
        raise ValidationException(guessed("The Type of TuningObjective must be the same in TrainingJobDefinitions."))
    if request.hyper_parameter_tuning_job_config.training_job_early_stopping_type == "Auto":
        raise ValidationException(guessed("Early stopping is not supported with TrainingJobDefinitions."))
    if request.warm_start_config:
        raise ValidationException(guessed("Warm start is not supported with TrainingJobDefinitions."))


def _require_resources(definition: Definition) -> None:
    one, other = definition.shape.resource_config, definition.shape.hyper_parameter_tuning_resource_config
    if (one is None) == (other is None):
        raise ValidationException(
            guessed("Exactly one of ResourceConfig and HyperParameterTuningResourceConfig must be specified.")
        )
    if other and (other.instance_type is None) == (not other.instance_configs):
        raise ValidationException(
            guessed("HyperParameterTuningResourceConfig needs either InstanceType or InstanceConfigs.")
        )


def _require_objective(definition: Definition) -> None:
    objective = definition.objective
    if definition.algorithm is None:
        if objective.metric_name not in [metric.name for metric in definition.metrics]:
            raise ValidationException(
                "A metric is required for this hyperparameter tuning job objective. Provide a metric in the metric "
                "definitions."
            )
        return
    known = TUNABLE_ALGORITHMS[definition.algorithm].objectives
    if objective.metric_name not in known:
        raise ValidationException(
            guessed(
                f"The objective metric {objective.metric_name} is not supported by the algorithm. Choose one of "
                f"{', '.join(sorted(known))}."
            )
        )
    if objective.type != known[objective.metric_name]:
        raise ValidationException(
            guessed(
                f"The objective type {objective.type} is not supported for the metric {objective.metric_name}: use "
                f"{known[objective.metric_name]}."
            )
        )


def _require_hyperparameters(request: CreateHyperParameterTuningJob, definition: Definition) -> None:
    names = definition.ranges.names()
    if not request.autotune and definition.ranges.auto_parameters:
        raise ValidationException(guessed("AutoParameters can only be specified with Autotune."))
    searched = [dimension.name for dimension in definition.space.dimensions]
    if not searched:
        raise ValidationException(guessed("At least one hyperparameter range is required."))
    if len(set(searched)) < len(searched):
        raise ValidationException(guessed("The names of hyperparameters in the ranges must be unique."))
    if both := set(names) & set(definition.static):
        raise ValidationException(
            guessed(f"Hyperparameters cannot be both static and tunable: {', '.join(sorted(both))}.")
        )
    if len(definition.static) > MAX_STATIC:
        raise ValidationException(
            guessed(f"At most {MAX_STATIC} static hyperparameters are allowed, one that SageMaker adds included.")
        )
    if len(searched) > MAX_SEARCHED:
        raise ResourceLimitExceeded(guessed(f"At most {MAX_SEARCHED} hyperparameters can be searched."))
    if definition.algorithm:
        _require_tunable(definition, definition.algorithm)


def _require_tunable(definition: Definition, algorithm: str) -> None:
    known = TUNABLE_ALGORITHMS[algorithm].ranges
    for kind in ("integer_parameter_ranges", "continuous_parameter_ranges", "categorical_parameter_ranges"):
        tunable = [each.name for each in getattr(known, kind)]
        for asked in getattr(definition.ranges, kind):
            if asked.name not in tunable and not _is_choice_of(asked.name, kind, known.names()):
                raise ValidationException(
                    guessed(
                        f"The hyperparameter {asked.name} cannot be tuned with a range of this kind. Tunable with it: "
                        f"{', '.join(tunable)}."
                    )
                )


def _is_choice_of(name: str, kind: str, tunable: list[str]) -> bool:
    """A choice of values is a range of any hyperparameter: a grid has no other."""
    return kind == "categorical_parameter_ranges" and name in tunable


def _require_combinations(config: HyperParameterTuningJobConfig, definitions: tuple[Definition, ...]) -> None:
    asked = config.resource_limits.max_number_of_training_jobs
    found = sum(definition.space.combinations for definition in definitions)
    if config.strategy == "Grid":
        ranges = [definition.ranges for definition in definitions]
        if any(each.integer_parameter_ranges or each.continuous_parameter_ranges for each in ranges):
            raise ValidationException(guessed("The Grid strategy supports categorical hyperparameters only."))
        return
    if asked is not None and found < asked:
        raise ValidationException(
            "You don't have enough combinations of hyperparameter ranges. The total number of hyperparameter "
            f"combinations for the provided ranges [{float(found)}] must be equal or greater than the value of "
            f"MaxNumberOfJobs, [{asked}]. Provide additional ranges."
        )


def _require_limits(config: HyperParameterTuningJobConfig, definitions: tuple[Definition, ...]) -> None:
    limits, jobs = config.resource_limits, number_of_jobs(config, definitions)
    if config.strategy == "Grid" and limits.max_number_of_training_jobs not in (None, jobs):
        raise ValidationException(
            guessed(
                f"MaxNumberOfTrainingJobs must be the number of combinations of the categorical values, {jobs}, with "
                "the Grid strategy."
            )
        )
    most = MAX_JOBS_OF_RANDOM if config.strategy == "Random" else MAX_JOBS
    for quota, limit, asked in (
        (guessed("Number of parallel training jobs per hyperparameter tuning job"), MAX_PARALLEL, _parallel(config)),
        (guessed("Number of training jobs per hyperparameter tuning job"), most, jobs),
    ):
        if asked > limit:
            raise ResourceLimitExceeded.of(quota, limit, 0, asked, unit="Jobs")
    for definition in definitions:
        resources = definition.training_request("job", {}).resource_config
        if resources and resources.instance_type:
            count = (resources.instance_count or 1) * math.ceil(_parallel(config))
            require_instances(resources.instance_type, count, "training job")


def _parallel(config: HyperParameterTuningJobConfig) -> int:
    return config.resource_limits.max_parallel_training_jobs
