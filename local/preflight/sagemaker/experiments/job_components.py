"""The trial component of each job, made and kept up to date from what the job's state changes tell.

Its name is the job's and a suffix; ExperimentConfig puts it into a trial. Jobs know nothing of this.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.experiments.component_operations import change
from preflight.sagemaker.experiments.records import MetricSummary, Source, TrialComponentRecord, TrialRecord
from preflight.sagemaker.experiments.request import (
    CreateTrial,
    CreateTrialComponent,
    RawMetricData,
    TrialComponentMembers,
)
from preflight.sagemaker.experiments.tables import ExperimentTables
from preflight.sagemaker.resources.table import Change, Description

Artifacts = Iterator[tuple[str, dict[str, str]]]


@dataclass(frozen=True)
class _JobKind:
    """How one kind of job is told of. ``noun`` begins the names of its members."""

    noun: str
    suffix: str
    start: str
    end: str
    inputs: Callable[[Description], Artifacts]
    outputs: Callable[[Description], Artifacts]
    parameters: Callable[[Description], Mapping[str, Any]]


class JobComponents:
    """An observer of the resources."""

    def __init__(self, tables: ExperimentTables) -> None:
        self._tables = tables

    def observe(self, told: Change) -> None:
        """Called under the lock of the resources."""
        kind = _KINDS.get(told.kind)
        if kind is None:
            return
        job = told.description
        name = f"{job[f'{kind.noun}Name']}{kind.suffix}"
        component = self._tables.components.find(told.scope, name) or self._new(told.scope, name, told.arn, kind, job)
        change(component, _members(kind, job), {})
        for metric in job.get("FinalMetricDataList", ()):
            data = RawMetricData(metric_name=metric["MetricName"], timestamp=metric["Timestamp"], value=metric["Value"])
            component.metrics[data.metric_name] = MetricSummary.of(data)

    def _new(self, scope: Scope, name: str, arn: str, kind: _JobKind, job: Description) -> TrialComponentRecord:
        config = job.get("ExperimentConfig") or {}
        request = CreateTrialComponent(trial_component_name=name, display_name=config.get("TrialComponentDisplayName"))
        component = TrialComponentRecord(
            scope=scope,
            name=name,
            arn=self._tables.components.arn(scope, name),
            request=request,
            source=Source(arn=arn, type=f"SageMaker{kind.noun}"),
        )
        if trial := self._trial_of(scope, config, name):
            component.trials[trial.name] = trial.request.experiment_name
        self._tables.components.add(component)
        return component

    def _trial_of(self, scope: Scope, config: Mapping[str, str], component: str) -> TrialRecord | None:
        """The trial that is asked for; a new one of the experiment if none is named."""
        if "TrialName" in config:
            return self._tables.trials.find(scope, config["TrialName"])
        if "ExperimentName" not in config:
            return None
        request = CreateTrial(trial_name=component, experiment_name=config["ExperimentName"])
        trial = TrialRecord(scope=scope, name=component, arn=self._tables.trials.arn(scope, component), request=request)
        if self._tables.trials.find(scope, component) is None:
            self._tables.trials.add(trial)
        return trial


def _members(kind: _JobKind, job: Description) -> TrialComponentMembers:
    status = job[f"{kind.noun}Status"]
    reason = job.get("FailureReason") or ""
    second = f", secondary status: {job['SecondaryStatus']}" if "SecondaryStatus" in job else ""
    members = {
        "status": {"PrimaryStatus": status, "Message": f"Status: {status}{second}, failure reason: {reason}."},
        "start_time": job.get(kind.start),
        "end_time": job.get(kind.end),
        "parameters": {name: _parameter(value) for name, value in kind.parameters(job).items()},
        "input_artifacts": dict(kind.inputs(job)),
        "output_artifacts": dict(kind.outputs(job)),
    }
    return TrialComponentMembers.model_validate({name: value for name, value in members.items() if value is not None})


def _parameter(value: Any) -> dict[str, Any]:
    """What reads as a number is one."""
    try:
        return {"NumberValue": float(value)}
    except ValueError:
        return {"StringValue": str(value)}


def _artifact(name: str, uri: str, media_type: str | None = None) -> tuple[str, dict[str, str]]:
    return name, {**({"MediaType": media_type} if media_type else {}), "Value": uri}


def _resources(config: Mapping[str, Any]) -> dict[str, Any]:
    members = ("InstanceCount", "InstanceType", "VolumeSizeInGB")
    return {f"SageMaker.{member}": config[member] for member in members if member in config}


def _training_parameters(job: Description) -> dict[str, Any]:
    return {**_resources(job["ResourceConfig"]), **job.get("HyperParameters", {})}


def _training_inputs(job: Description) -> Artifacts:
    if image := job["AlgorithmSpecification"].get("TrainingImage"):
        yield _artifact("SageMaker.ImageUri", image)
    for channel in job.get("InputDataConfig", ()):
        if source := channel["DataSource"].get("S3DataSource"):
            yield _artifact(channel["ChannelName"], source["S3Uri"], channel.get("ContentType"))


def _training_outputs(job: Description) -> Artifacts:
    yield _artifact("SageMaker.ModelArtifact", job["ModelArtifacts"]["S3ModelArtifacts"])


def _processing_inputs(job: Description) -> Artifacts:
    yield _artifact("SageMaker.ImageUri", job["AppSpecification"]["ImageUri"])
    for each in job.get("ProcessingInputs", ()):
        if source := each.get("S3Input"):
            yield _artifact(each["InputName"], source["S3Uri"])


def _processing_outputs(job: Description) -> Artifacts:
    for each in job.get("ProcessingOutputConfig", {}).get("Outputs", ()):
        if target := each.get("S3Output"):
            yield _artifact(each["OutputName"], target["S3Uri"])


def _transform_inputs(job: Description) -> Artifacts:
    yield _artifact("SageMaker.ModelName", job["ModelName"])
    source = job["TransformInput"]
    yield _artifact(
        "SageMaker.TransformInput", source["DataSource"]["S3DataSource"]["S3Uri"], source.get("ContentType")
    )


def _transform_outputs(job: Description) -> Artifacts:
    yield _artifact("SageMaker.TransformOutput", job["TransformOutput"]["S3OutputPath"])


_KINDS: Mapping[str, _JobKind] = {
    "Training Job": _JobKind(
        noun="TrainingJob",
        suffix="-aws-training-job",
        start="TrainingStartTime",
        end="TrainingEndTime",
        inputs=_training_inputs,
        outputs=_training_outputs,
        parameters=_training_parameters,
    ),
    "Processing Job": _JobKind(
        noun="ProcessingJob",
        suffix="-aws-processing-job",
        start="ProcessingStartTime",
        end="ProcessingEndTime",
        inputs=_processing_inputs,
        outputs=_processing_outputs,
        parameters=lambda job: _resources(job["ProcessingResources"]["ClusterConfig"]),
    ),
    "Transform Job": _JobKind(
        noun="TransformJob",
        suffix="-aws-transform-job",
        start="TransformStartTime",
        end="TransformEndTime",
        inputs=_transform_inputs,
        outputs=_transform_outputs,
        parameters=lambda job: _resources(job["TransformResources"]),
    ),
}
