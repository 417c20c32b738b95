"""JobRecord: where a job is, and how it came there."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from preflight.sagemaker.resources.record import Record

FAILURE_REASON_CHARACTERS = 1_024


class Transition(BaseModel):
    """One of a job's SecondaryStatusTransitions."""

    status: str
    start_time: datetime
    end_time: datetime | None = None
    message: str

    def describe(self) -> dict[str, Any]:
        ended = {"EndTime": self.end_time} if self.end_time else {}
        return {"Status": self.status, "StartTime": self.start_time, **ended, "StatusMessage": self.message}


class JobRecord(Record):
    """What every kind of job has; ``job_status.py`` has the states. ``noun`` is what messages call the job."""

    noun: ClassVar[str]
    status: str = "InProgress"
    transitions: list[Transition] = Field(default_factory=list)
    last_modified: datetime = Field(default_factory=lambda: datetime.now(UTC))
    start_time: datetime | None = None
    end_time: datetime | None = None
    failure_reason: str | None = None

    def model_post_init(self, context: object) -> None:
        if not self.transitions:
            starting = f"Starting the {self.noun}"
            self.transitions = [Transition(status="Starting", start_time=self.creation_time, message=starting)]

    @property
    def secondary_status(self) -> str:
        return self.transitions[-1].status

    @property
    def is_final(self) -> bool:
        return self.end_time is not None

    @property
    def is_settled(self) -> bool:
        return self.is_final

    @property
    def seconds_waited(self) -> float:
        """Since it was created."""
        return (datetime.now(UTC) - self.creation_time).total_seconds()

    @property
    def seconds_taken(self) -> int | None:
        """From its start to its end, as AWS bills them; None until then."""
        if self.start_time is None or self.end_time is None:
            return None
        return max(1, round((self.end_time - self.start_time).total_seconds()))

    def interrupt(self, status: str, reason: str | None) -> None:
        """The stack ended while it ran: kinds whose jobs have parts end them. Call under the resources' lock."""

    def touch(self) -> None:
        """It was modified, its state was not. Call under the resources' lock."""
        self.last_modified = datetime.now(UTC)
