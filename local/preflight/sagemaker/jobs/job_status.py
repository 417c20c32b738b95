"""The states of a job (Status: SecondaryStatus), as on AWS; those of a training job are the richest::

    InProgress: Starting ─► Pending ─► Downloading ─► Training ─► Uploading ─► Completed: Completed
                             │             │             │
                             │             │             ├─► Uploading ─► Stopped: MaxRuntimeExceeded
                             │             │             └─► Stopping: Stopping ─► Stopped: Stopped
                             │             └─── any of these may end Failed: Failed, with a FailureReason
                             └─► Stopped: MaxWaitTimeExceeded

Pending is a job's state only while others have the places to run. A kind of job that shows no SecondaryStatus goes
through states of its own choice all the same.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.jobs.record import FAILURE_REASON_CHARACTERS, JobRecord, Transition


class Stopped(Exception):
    """The job was asked to stop, or ran out of time: the secondary status it ends in."""


def require_not_final(record: JobRecord) -> None:
    """Raises ValidationException, in AWS's words, if the job has ended."""
    if record.is_final:
        raise ValidationException(f"The request was rejected because the {record.noun} is in status {record.status}")


class JobStatus:
    """Takes a job's ``record`` from state to state, under ``lock``, and tells ``on_change`` each."""

    def __init__(self, record: JobRecord, lock: threading.RLock, on_change: Callable[[], None]) -> None:
        self._record = record
        self._lock = lock
        self._on_change = on_change
        self._stop_asked = threading.Event()

    @property
    def stop_asked(self) -> bool:
        return self._stop_asked.is_set()

    def require_going(self) -> None:
        """Raises Stopped if the job has been asked to stop."""
        if self.stop_asked:
            raise Stopped("Stopped")

    def proceed(self, secondary_status: str, message: str) -> None:
        """Enter the next state. Raises Stopped if the job has been asked to stop."""
        with self._lock:
            self.require_going()
            self._enter(secondary_status, message)

    def finish(self, secondary_status: str, message: str) -> None:
        """Enter a state that a job passes also while it stops; then it stays Stopping."""
        with self._lock:
            if not self.stop_asked:
                self._enter(secondary_status, message)

    def start_clock(self) -> None:
        """From now on the job is billed."""
        with self._lock:
            self._record.start_time = datetime.now(UTC)

    def ask_to_stop(self) -> None:
        """Raises ValidationException, in AWS's words, if the job has ended."""
        with self._lock:
            require_not_final(self._record)
            if not self.stop_asked:
                self._record.status = "Stopping"
                self._enter("Stopping", f"Stopping the {self._record.noun}")
                self._stop_asked.set()

    def complete(self) -> None:
        """The job has done its work; it was stopped if it was asked to be before this moment."""
        with self._lock:
            if self.stop_asked:
                self.stop("Stopped")
            else:
                self._end("Completed", "Completed", f"{self._record.noun.capitalize()} completed")

    def stop(self, secondary_status: str) -> None:
        """End as Stopped: Stopped, MaxRuntimeExceeded or MaxWaitTimeExceeded."""
        subject = self._record.noun.capitalize()
        messages = {
            "MaxRuntimeExceeded": f"{subject} runtime exceeded MaxRuntimeInSeconds provided",
            "MaxWaitTimeExceeded": guessed(f"{subject} wait time exceeded MaxWaitTimeInSeconds provided"),
        }
        self._end("Stopped", secondary_status, messages.get(secondary_status, f"{subject} stopped"))

    def fail(self, reason: str) -> None:
        with self._lock:
            self._record.failure_reason = reason[:FAILURE_REASON_CHARACTERS]
            self._end("Failed", "Failed", f"{self._record.noun.capitalize()} failed")

    def _enter(self, secondary_status: str, message: str, final_status: str | None = None) -> None:
        """Every change comes by here. A new message in the same state replaces the old one, as on AWS."""
        now = datetime.now(UTC)
        record = self._record
        with self._lock:
            record.last_modified = now
            if record.secondary_status == secondary_status:
                record.transitions[-1].message = message
                return
            record.transitions[-1].end_time = now
            entered = Transition(status=secondary_status, start_time=now, message=message)
            record.transitions.append(entered)
            if final_status:
                record.status = final_status
                record.end_time = entered.end_time = now
            self._on_change()

    def _end(self, status: str, secondary_status: str, message: str) -> None:
        self._enter(secondary_status, message, status)
