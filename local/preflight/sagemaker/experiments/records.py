"""Experiment, Trial and TrialComponent as records, and as AWS shows them."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field

from preflight.sagemaker.api.errors import ResourceNotFound, ValidationException, guessed
from preflight.sagemaker.api.listing import Listing
from preflight.sagemaker.experiments.request import (
    CreateExperiment,
    CreateTrial,
    CreateTrialComponent,
    RawMetricData,
)
from preflight.sagemaker.resources.record import Record
from preflight.sagemaker.resources.table import Kind


class ExperimentRecord(Record):
    """``request`` is CreateExperiment's, with what UpdateExperiment has changed."""

    request: CreateExperiment
    last_modified: datetime = Field(default_factory=lambda: datetime.now(UTC))


class TrialRecord(Record):
    """``request`` is CreateTrial's, with what UpdateTrial has changed."""

    request: CreateTrial
    last_modified: datetime = Field(default_factory=lambda: datetime.now(UTC))


class MetricSummary(BaseModel):
    """What is kept of the values of one metric: as many as come, nothing grows."""

    time: datetime
    last: float
    smallest: float
    largest: float
    count: int = 1
    mean: float
    squares: float = 0.0  # of the differences from the mean

    @classmethod
    def of(cls, data: RawMetricData) -> "MetricSummary":
        value = data.value
        return cls(time=data.timestamp, last=value, smallest=value, largest=value, mean=value)

    def add(self, data: RawMetricData) -> None:
        """Take in one more value, by Welford's way."""
        self.count += 1
        before = data.value - self.mean
        self.mean += before / self.count
        self.squares += before * (data.value - self.mean)
        self.smallest, self.largest = min(self.smallest, data.value), max(self.largest, data.value)
        if data.timestamp >= self.time:
            self.time, self.last = data.timestamp, data.value

    def describe(self, name: str, source_arn: str) -> dict[str, Any]:
        return {
            "MetricName": name,
            "SourceArn": source_arn,
            "TimeStamp": self.time,
            "Max": self.largest,
            "Min": self.smallest,
            "Last": self.last,
            "Count": self.count,
            "Avg": self.mean,
            "StdDev": math.sqrt(self.squares / self.count),
        }


class Source(BaseModel):
    """The job that a trial component is of."""

    arn: str
    type: str


class TrialComponentRecord(Record):
    """``request`` is CreateTrialComponent's, with all that was changed; ``trials`` are the names of its trials."""

    request: CreateTrialComponent
    source: Source | None = None
    trials: dict[str, str] = Field(default_factory=dict)  # with each the name of its experiment
    metrics: dict[str, MetricSummary] = Field(default_factory=dict)
    last_modified: datetime = Field(default_factory=lambda: datetime.now(UTC))


def describe_experiment(experiment: ExperimentRecord) -> dict[str, Any]:
    return _described(experiment, "Experiment", ("Description",))


def describe_trial(trial: TrialRecord) -> dict[str, Any]:
    return _described(trial, "Trial", ("ExperimentName", "MetadataProperties"))


def describe_component(component: TrialComponentRecord) -> dict[str, Any]:
    """Members that are kept by name are there also when they are empty."""
    shown = ("Status", "StartTime", "EndTime", "MetadataProperties")
    source = component.source and {"SourceArn": component.source.arn, "SourceType": component.source.type}
    return {
        **_described(component, "TrialComponent", shown),
        **({"Source": source, "Sources": [source]} if source else {}),
        "Parameters": component.request.parameters,
        "InputArtifacts": component.request.input_artifacts,
        "OutputArtifacts": component.request.output_artifacts,
        "Metrics": [summary.describe(name, component.arn) for name, summary in component.metrics.items()],
    }


def find_component(component: TrialComponentRecord) -> dict[str, Any]:
    """What Search knows of it."""
    parents = [{"TrialName": trial, "ExperimentName": experiment} for trial, experiment in component.trials.items()]
    return {**describe_component(component), "Parents": parents}


def _summarize(description: dict[str, Any], *left_out: str) -> dict[str, Any]:
    return {key: value for key, value in description.items() if key not in left_out}


def _described(
    record: ExperimentRecord | TrialRecord | TrialComponentRecord, kind: str, as_asked: tuple[str, ...]
) -> dict[str, Any]:
    asked: Mapping[str, Any] = record.request.as_asked()
    return {
        f"{kind}Name": record.name,
        f"{kind}Arn": record.arn,
        "DisplayName": record.request.display_name or record.name,
        "CreationTime": record.creation_time,
        "CreatedBy": {},
        "LastModifiedTime": record.last_modified,
        "LastModifiedBy": {},
        **{key: asked[key] for key in as_asked if asked.get(key) is not None},
    }


def _taken(noun: str) -> Any:
    """Both halves of AWS's words of different years: clients look for either."""

    def taken(arn: str) -> ValidationException:
        name = arn.rpartition("/")[2]
        return ValidationException(
            guessed(
                f"{noun} names must be unique within an AWS account and region. {noun} with name ({name}) already "
                "exists."
            )
        )

    return taken


def _missing(arn: str) -> ResourceNotFound:
    return ResourceNotFound(guessed(f"Resource '{arn}' does not exist."))


EXPERIMENT = Kind(
    record=ExperimentRecord,
    arn_kind="experiment",
    event=None,
    listing=Listing(result_key="ExperimentSummaries", name_key="ExperimentName"),
    describe=describe_experiment,
    summarize=lambda record: _summarize(describe_experiment(record), "CreatedBy", "LastModifiedBy", "Description"),
    taken=_taken("Experiment"),
    missing=_missing,
    searched_as="Experiment",
)
TRIAL = Kind(
    record=TrialRecord,
    arn_kind="experiment-trial",
    event=None,
    listing=Listing(result_key="TrialSummaries", name_key="TrialName"),
    describe=describe_trial,
    summarize=lambda record: _summarize(
        describe_trial(record), "CreatedBy", "LastModifiedBy", "ExperimentName", "MetadataProperties"
    ),
    taken=_taken("Trial"),
    missing=_missing,
    searched_as="ExperimentTrial",
)
TRIAL_COMPONENT = Kind(
    record=TrialComponentRecord,
    arn_kind="experiment-trial-component",
    event=None,
    listing=Listing(result_key="TrialComponentSummaries", name_key="TrialComponentName"),
    describe=describe_component,
    summarize=lambda record: (
        _summarize(
            describe_component(record),
            *("Parameters", "InputArtifacts", "OutputArtifacts", "Metrics", "MetadataProperties", "Source", "Sources"),
        )
        | ({"TrialComponentSource": describe_component(record)["Source"]} if record.source else {})
    ),
    taken=_taken("TrialComponent"),
    missing=_missing,
    searched_as="ExperimentTrialComponent",
    found=find_component,
)
