"""A tuning job as DescribeHyperParameterTuningJob, the lists and events show it. Call under the resources' lock."""

import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from preflight.sagemaker.api.errors import ResourceInUse, ResourceNotFound, guessed
from preflight.sagemaker.api.listing import Item, Listing
from preflight.sagemaker.resources.table import Kind
from preflight.sagemaker.training.description import describe_channel
from preflight.sagemaker.tuning.child import Child, best, not_improving
from preflight.sagemaker.tuning.definition import Definition, definitions_of, resource_config
from preflight.sagemaker.tuning.record import TuningJobRecord
from preflight.sagemaker.tuning.request import ParameterRanges

IDENTICAL = "IdenticalDataAndAlgorithm"

ChildrenOf = Callable[[TuningJobRecord], Sequence[Child]]

_RANGES = ("IntegerParameterRanges", "ContinuousParameterRanges", "CategoricalParameterRanges")


def describe(job: TuningJobRecord, children: Sequence[Child], parents: Sequence[tuple[str, Child]]) -> dict[str, Any]:
    """``parents`` are the training jobs of the tuning jobs it was warm started from, each with that one's name."""
    request = job.request
    asked = request.as_asked()
    definitions = definitions_of(request, job.scope.region)
    description: dict[str, Any] = {
        "HyperParameterTuningJobName": job.name,
        "HyperParameterTuningJobArn": job.arn,
        "HyperParameterTuningJobConfig": _config(job),
        **_definitions(request.training_job_definitions != (), definitions),
        "HyperParameterTuningJobStatus": job.status,
        "CreationTime": job.creation_time,
        "HyperParameterTuningEndTime": job.end_time,
        "LastModifiedTime": job.last_modified,
        **_counters(children),
        **_best(job, definitions[0].objective.maximizes, children, parents),
        **{key: asked[key] for key in ("WarmStartConfig", "Autotune") if key in asked},
        "FailureReason": job.failure_reason,
        "TuningJobCompletionDetails": _completion(job, children, maximizes=definitions[0].objective.maximizes),
        "ConsumedResources": {"RuntimeInSeconds": _runtime(job)},
    }
    return {key: value for key, value in description.items() if value is not None}


def summarize(job: TuningJobRecord, children: Sequence[Child]) -> dict[str, Any]:
    """One of HyperParameterTuningJobSummaries."""
    config = job.request.hyper_parameter_tuning_job_config
    summary = {
        "HyperParameterTuningJobName": job.name,
        "HyperParameterTuningJobArn": job.arn,
        "HyperParameterTuningJobStatus": job.status,
        "Strategy": config.strategy,
        "CreationTime": job.creation_time,
        "HyperParameterTuningEndTime": job.end_time,
        "LastModifiedTime": job.last_modified,
        **_counters(children),
        "ResourceLimits": config.resource_limits.as_asked(),
    }
    return {key: value for key, value in summary.items() if value is not None}


def summarize_child(job: TuningJobRecord, child: Child) -> dict[str, Any]:
    """One of TrainingJobSummaries, and BestTrainingJob."""
    training = child.job
    definition = definitions_of(job.request, job.scope.region)[child.trial.definition]
    metric = {"MetricName": definition.objective.metric_name, "Value": child.objective}
    summary = {
        "TrainingJobDefinitionName": definition.shape.definition_name,
        "TrainingJobName": training.name,
        "TrainingJobArn": training.arn,
        "CreationTime": training.creation_time,
        "TrainingStartTime": training.start_time,
        "TrainingEndTime": training.end_time,
        "TrainingJobStatus": training.status,
        "TunedHyperParameters": child.trial.hyper_parameters,
        "FailureReason": training.failure_reason,
        "FinalHyperParameterTuningJobObjectiveMetric": None if child.objective is None else metric,
        "ObjectiveStatus": child.objective_status,
    }
    return {key: value for key, value in summary.items() if value is not None}


def _config(job: TuningJobRecord) -> dict[str, Any]:
    config = job.request.hyper_parameter_tuning_job_config
    shown = {**config.as_asked(), "TrainingJobEarlyStoppingType": early_stopping_type(job)}
    if config.parameter_ranges is not None:
        shown["ParameterRanges"] = _ranges(config.parameter_ranges)
    return shown


def early_stopping_type(job: TuningJobRecord) -> str:
    asked = job.request.hyper_parameter_tuning_job_config.training_job_early_stopping_type
    may_choose = job.request.autotune and job.request.hyper_parameter_tuning_job_config.strategy != "Hyperband"
    return asked or ("Auto" if may_choose else "Off")


def _ranges(ranges: ParameterRanges) -> dict[str, Any]:
    empty: dict[str, Any] = {kind: [] for kind in _RANGES}
    return {**empty, **ranges.as_asked()}


def _definitions(are_several: bool, definitions: Sequence[Definition]) -> dict[str, Any]:
    shown = [_definition(definition) for definition in definitions]
    return {"TrainingJobDefinitions": shown} if are_several else {"TrainingJobDefinition": shown[0]}


def _definition(definition: Definition) -> dict[str, Any]:
    """As it was asked for, with what SageMaker adds.

    Of HyperParameterTuningResourceConfig the SDK's ``attach`` reads what is the same in ResourceConfig.
    """
    shape = definition.shape
    asked = shape.as_asked()
    metrics = {"MetricDefinitions": [metric.as_asked() for metric in definition.metrics]}
    channels = [describe_channel(channel) for channel in shape.input_data_config]
    ranges, flexible = shape.hyper_parameter_ranges, shape.hyper_parameter_tuning_resource_config
    return {
        **asked,
        **({"ResourceConfig": resource_config(flexible)} if flexible else {}),
        **({"HyperParameterRanges": _ranges(ranges)} if ranges else {}),
        "StaticHyperParameters": definition.static,
        "AlgorithmSpecification": {**asked["AlgorithmSpecification"], **metrics},
        **({"InputDataConfig": channels} if channels else {}),
        "EnableNetworkIsolation": shape.enable_network_isolation,
        "EnableInterContainerTrafficEncryption": shape.enable_inter_container_traffic_encryption,
        "EnableManagedSpotTraining": shape.enable_managed_spot_training,
    }


def _counters(children: Sequence[Child]) -> dict[str, dict[str, int]]:
    statuses = [child.job.status for child in children]
    objectives = [child.objective_status for child in children]
    return {
        "TrainingJobStatusCounters": {
            "Completed": statuses.count("Completed"),
            "InProgress": statuses.count("InProgress") + statuses.count("Stopping"),
            "RetryableError": 0,
            "NonRetryableError": statuses.count("Failed"),
            "Stopped": statuses.count("Stopped"),
        },
        "ObjectiveStatusCounters": {status: objectives.count(status) for status in ("Succeeded", "Pending", "Failed")},
    }


def _best(
    job: TuningJobRecord, maximizes: bool, children: Sequence[Child], parents: Sequence[tuple[str, Child]]
) -> dict[str, Any]:
    """BestTrainingJob; of a warm start on the same data OverallBestTrainingJob, too."""
    found = best(children, maximizes=maximizes)
    shown = {"BestTrainingJob": summarize_child(job, found)} if found else {}
    warm_start = job.request.warm_start_config
    if warm_start and warm_start.warm_start_type == IDENTICAL:
        owners = {child.job.name: owner for owner, child in parents}
        overall = best([*(child for _, child in parents), *children], maximizes=maximizes)
        if overall:
            owner = owners.get(overall.job.name, job.name)
            shown["OverallBestTrainingJob"] = {**summarize_child(job, overall), "TuningJobName": owner}
    return shown


def _completion(job: TuningJobRecord, children: Sequence[Child], *, maximizes: bool) -> dict[str, Any]:
    details: dict[str, Any] = {
        "NumberOfTrainingJobsObjectiveNotImproving": not_improving(children, maximizes=maximizes)
    }
    return {**details, "ConvergenceDetectedTime": job.converged} if job.converged else details


def _runtime(job: TuningJobRecord) -> int:
    return round(((job.end_time or datetime.now(UTC)) - job.creation_time).total_seconds())


def _taken(arn: str) -> ResourceInUse:
    name = arn.rpartition("/")[2]
    return ResourceInUse(f"A hyperparameter tuning job with the name, {name}, already exists. Choose a different name.")


def missing(arn: str) -> ResourceNotFound:
    return ResourceNotFound(
        f"Amazon SageMaker can't find a tuning job{guessed(f' with the name {arn.rpartition("/")[2]}.')}"
    )


def tuning_job_kind(
    children_of: ChildrenOf, parents_of: "Callable[[TuningJobRecord], Sequence[tuple[str, Child]]]"
) -> Kind[TuningJobRecord]:
    return Kind(
        record=TuningJobRecord,
        arn_kind="hyper-parameter-tuning-job",
        event="HyperParameter Tuning Job",
        listing=Listing(
            result_key="HyperParameterTuningJobSummaries",
            name_key="HyperParameterTuningJobName",
            status_key="HyperParameterTuningJobStatus",
            default_order="Ascending",
        ),
        describe=lambda job: describe(job, children_of(job), parents_of(job)),
        summarize=lambda job: summarize(job, children_of(job)),
        taken=_taken,
        missing=missing,
        searched_as="HyperParameterTuningJob",
    )


def _sortable(summary: Item) -> str | None:
    """The objective as text that sorts as the number does; None without one."""
    metric = summary.get("FinalHyperParameterTuningJobObjectiveMetric")
    if metric is None:
        return None
    value = metric["Value"]
    (bits,) = struct.unpack(">Q", struct.pack(">d", value))
    return f"{bits ^ ((1 << 64) - 1) if bits >> 63 else bits | 1 << 63:016x}"


CHILDREN = Listing(
    result_key="TrainingJobSummaries",
    name_key="TrainingJobName",
    status_key="TrainingJobStatus",
    default_order="Ascending",
    more_columns={"FinalObjectiveMetricValue": _sortable},
)
