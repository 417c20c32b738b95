"""What is known of a pipeline, and of one execution of it with its steps."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from preflight.sagemaker.jobs.record import JobRecord
from preflight.sagemaker.pipelines.experiment import Experiment
from preflight.sagemaker.resources.record import Record


class PipelineRecord(Record):
    display_name: str
    description: str | None = None
    definition: str
    role_arn: str
    version: int = 1
    max_parallel: int | None = None
    last_modified: datetime = Field(default_factory=lambda: datetime.now(UTC))
    last_run: datetime | None = None
    token: str


class StepRecord(BaseModel):
    """One step that has begun. ``properties`` is what other steps see of it."""

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

    @property
    def has_succeeded(self) -> bool:
        return self.status == "Succeeded"


class ExecutionRecord(JobRecord):
    """``name`` is its id. It keeps the definition that it runs, and the role that its steps act as."""

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
    steps: dict[str, StepRecord] = Field(default_factory=dict)
