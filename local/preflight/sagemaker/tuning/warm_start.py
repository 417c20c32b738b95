"""A warm start: the tuning jobs before this one, what is asked of them, and what is learnt from them.

https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-warm-start.html
"""

from collections.abc import Sequence

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.tuning.child import Child
from preflight.sagemaker.tuning.definition import Definition, definitions_of
from preflight.sagemaker.tuning.description import IDENTICAL
from preflight.sagemaker.tuning.record import TuningJobRecord
from preflight.sagemaker.tuning.request import CreateHyperParameterTuningJob, ParentHyperParameterTuningJob
from preflight.sagemaker.tuning.strategy import Observation

MAX_JOBS = 500  # of the parents and the new job together
MAX_CHANGED = 10  # hyperparameters that were static and are searched now, or the other way round

# What may be another; the first is what AWS says of TransferLearning.
_MAY_CHANGE = (
    *("algorithmSpecification", "inputDataConfig", "outputDataConfig", "staticHyperParameters", "roleArn"),
    *("resourceConfig", "stoppingCondition", "vpcConfig", "enableManagedSpotTraining", "checkpointConfig"),
)
_MAY_CHANGE_IDENTICAL = _MAY_CHANGE[2:]
# What is not looked at here: compared by the rules below, or a name.
_OTHERWISE_COMPARED = ("definitionName", "tuningObjective", "hyperParameterRanges")


def parent_names(request: CreateHyperParameterTuningJob) -> list[str]:
    """Raises ValidationException for a parent that is not named, or named twice."""
    if request.warm_start_config is None:
        return []
    parents = request.warm_start_config.parent_hyper_parameter_tuning_jobs
    names = [_name(parent) for parent in parents]
    if len(set(names)) < len(names):
        raise ValidationException(guessed("Parent hyperparameter tuning jobs must be unique."))
    return names


def require_parents(
    request: CreateHyperParameterTuningJob, definition: Definition, parents: Sequence[TuningJobRecord], jobs: int
) -> None:
    """Raises ValidationException unless a tuning job of ``definition`` with ``jobs`` can start from ``parents``."""
    assert request.warm_start_config is not None
    is_identical = request.warm_start_config.warm_start_type == IDENTICAL
    for parent in parents:
        if not parent.is_final:
            raise ValidationException(
                guessed(f"The parent hyperparameter tuning job {parent.name} must be in a terminal state.")
            )
        _require_alike(definition, parent, may_change=_MAY_CHANGE_IDENTICAL if is_identical else _MAY_CHANGE)
    total = jobs + sum(len(parent.trials) for parent in parents)
    if total > MAX_JOBS:
        raise ValidationException(
            guessed(
                f"The training jobs of the parents and of this job would be {total}; at most {MAX_JOBS} are allowed."
            )
        )


def observations(children: Sequence[Child]) -> list[Observation]:
    """What the training jobs of the parents have come to."""
    return [
        Observation(child.job.request.hyper_parameters, child.objective)
        for child in children
        if child.has_succeeded and child.objective is not None
    ]


def _name(parent: ParentHyperParameterTuningJob) -> str:
    if parent.hyper_parameter_tuning_job_name is None:
        raise ValidationException(guessed("ParentHyperParameterTuningJobs must be given by name."))
    return parent.hyper_parameter_tuning_job_name


def _require_alike(definition: Definition, parent: TuningJobRecord, may_change: Sequence[str]) -> None:
    others = definitions_of(parent.request, parent.scope.region)
    if len(others) > 1:
        raise ValidationException(guessed("A tuning job with several training job definitions cannot be a parent."))
    other = others[0]
    if other.objective != definition.objective:
        raise ValidationException(
            guessed(f"The objective metric must be that of the parent hyperparameter tuning job {parent.name}.")
        )
    if _all_names(definition) != _all_names(other):
        raise ValidationException(
            "The set of tunable plus static HyperParameter names is not the same across current and parent tuning "
            "jobs. Please ensure this set is constant when warm starting. Note that previously static HyperParameters "
            "can be tuned in warm start jobs and vice versa."
        )
    moved = set(definition.ranges.names()) ^ set(other.ranges.names())
    if len(moved) > MAX_CHANGED:
        raise ValidationException(
            guessed(f"At most {MAX_CHANGED} hyperparameters can change from static to tunable or back.")
        )
    if _members(definition, may_change) != _members(other, may_change):
        raise ValidationException(
            "Only the following fields in TrainingJobDefinition are allowed to change: "
            f"[{', '.join(sorted(may_change, key=_MAY_CHANGE.index))}]."
        )


def _all_names(definition: Definition) -> set[str]:
    return {*definition.ranges.names(), *definition.static}


def _members(definition: Definition, may_change: Sequence[str]) -> dict[str, object]:
    """What must stay as it was."""
    asked = definition.shape.as_asked()
    left_out = {*may_change, *_OTHERWISE_COMPARED}
    return {key: value for key, value in asked.items() if f"{key[:1].lower()}{key[1:]}" not in left_out}
