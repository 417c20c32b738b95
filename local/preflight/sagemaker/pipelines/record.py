"""What is known of a pipeline, and of one execution of it with its steps."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from preflight.sagemaker.jobs.record import JobRecord
from preflight.sagemaker.pipelines.experiment import Experiment
from preflight.sagemaker.resources.record import Record


class PipelineVersion(BaseModel):
    """What a creation or an update has made of a pipeline."""

    number: int = 1
    definition: str
    creation_time: datetime = Field(default_factory=lambda: datetime.now(UTC))
    last_modified: datetime | None = None
    display_name: str | None = None
    description: str | None = None
    last_execution_arn: str | None = None


class PipelineRecord(Record):
    """``versions`` are in their order, the newest the last."""

    display_name: str
    description: str | None = None
    role_arn: str
    versions: list[PipelineVersion]
    max_parallel: int | None = None
    last_modified: datetime = Field(default_factory=lambda: datetime.now(UTC))
    last_run: datetime | None = None
    token: str

    @property
    def newest(self) -> PipelineVersion:
        return self.versions[-1]


class StepRecord(BaseModel):
    """One step that has begun. ``properties`` is what other steps see of it.

    ``cache_key`` stands for what it was asked to do, if it may be taken from the cache. ``cached_from`` and
    ``reused_from`` are the execution that its result is of: by the cache, or because the step was not selected.
    """

    name: str
    type: str
    display_name: str | None = None
    description: str | None = None
    status: str = "Starting"
    start_time: datetime = Field(default_factory=lambda: datetime.now(UTC))
    end_time: datetime | None = None
    failure_reason: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    attempts: int = 0
    properties: dict[str, Any] = Field(default_factory=dict)
    cache_key: str | None = None
    cached_from: str | None = None
    reused_from: str | None = None

    @property
    def has_succeeded(self) -> bool:
        return self.status == "Succeeded"

    @property
    def has_run(self) -> bool:
        """Whether its result is its own."""
        return self.has_succeeded and self.cached_from is None and self.reused_from is None


class ExecutionRecord(JobRecord):
    """``name`` is its id. It keeps the definition that it runs, and the role that its steps act as.

    Of a selective one ``selected`` are the steps that run, ``source_arn`` the execution that others are taken from.
    """

    noun: ClassVar[str] = "pipeline execution"

    pipeline_name: str
    pipeline_arn: str
    version: int
    display_name: str
    description: str | None = None
    definition: str
    role_arn: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    max_parallel: int | None = None
    token: str
    experiment: Experiment | None = None
    selected: tuple[str, ...] | None = None
    source_arn: str | None = None
    steps: dict[str, StepRecord] = Field(default_factory=dict)

    def interrupt(self, status: str, reason: str | None) -> None:
        for step in self.steps.values():
            if step.end_time is None:
                step.status, step.failure_reason, step.end_time = status, reason, datetime.now(UTC)
