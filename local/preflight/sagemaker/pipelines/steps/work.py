"""What a type of step does, and what it is given for that."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from preflight.sagemaker.jobs.running import RunningJobs
from preflight.sagemaker.pipelines.callbacks import Callbacks
from preflight.sagemaker.pipelines.calls import RoleCalls
from preflight.sagemaker.pipelines.expressions import Facts
from preflight.sagemaker.pipelines.retries import ExceptionType


class StepFailure(Exception):
    """The step has failed; the text is its FailureReason, ``exception_type`` what a RetryPolicy may name."""

    def __init__(self, reason: str, exception_type: ExceptionType | None = None) -> None:
        super().__init__(reason)
        self.exception_type: ExceptionType | None = exception_type


class StepStopped(Exception):
    """The step has been stopped."""


@dataclass(frozen=True)
class Attempt:
    """One attempt at one step. ``show`` makes Metadata seen; ``name`` is that of what the step makes.

    ``callback_seconds`` is how long an answer is waited for.
    ``experiment`` is what a job says of the execution's experiment.
    """

    name: str
    execution_arn: str
    experiment: Mapping[str, str] | None
    facts: Facts
    calls: RoleCalls
    running: RunningJobs
    callbacks: Callbacks
    stop_asked: threading.Event
    callback_seconds: float
    show: Callable[[dict[str, Any]], None]


class StepWork(Protocol):
    """Made for one attempt, and used once."""

    def run(self) -> dict[str, Any]:
        """Do it; returns the step's properties.

        Raises:
            StepFailure: with the FailureReason.
            StepStopped: it was asked to stop, or its job was.
            Unresolved: an expression has no value.
        """

    def stop(self, *, is_over: bool) -> None:
        """End what runs for it; returns at once. ``is_over``: the stack goes down, and all jobs with it."""
