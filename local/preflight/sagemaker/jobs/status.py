"""The states of a training job (TrainingJobStatus: SecondaryStatus), as on AWS::

    InProgress: Starting ─► Pending ─► Downloading ─► Training ─► Uploading ─► Completed: Completed
                             │             │             │
                             │             │             ├─► Uploading ─► Stopped: MaxRuntimeExceeded
                             │             │             └─► Stopping: Stopping ─► Stopped: Stopped
                             │             └─── any of these may end Failed: Failed, with a FailureReason
                             └─► Stopped: MaxWaitTimeExceeded

Pending is a job's state only while others have the places to train.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from preflight.sagemaker.api.errors import ValidationException

FAILURE_REASON_CHARACTERS = 1_024


class Stopped(Exception):
    """The job was asked to stop, or ran out of time, before its container ran. Holds the secondary status."""


class TrainingStatus:
    """Where a job is and how it came there. Changes under ``lock``, the stores', and then tells ``on_change``."""

    def __init__(self, lock: threading.RLock, on_change: Callable[[], None]) -> None:
        self._lock = lock
        self._on_change = on_change
        self._stop_asked = threading.Event()
        self.status = "InProgress"
        self.creation_time = self.last_modified = datetime.now(UTC)
        self.transitions: list[dict[str, Any]] = [
            {"Status": "Starting", "StartTime": self.creation_time, "StatusMessage": "Starting the training job"}
        ]
        self.start_time: datetime | None = None
        self.end_time: datetime | None = None
        self.failure_reason: str | None = None

    @property
    def secondary(self) -> str:
        secondary: str = self.transitions[-1]["Status"]
        return secondary

    @property
    def is_final(self) -> bool:
        return self.end_time is not None

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
            if secondary_status == "Downloading" and self.start_time is None:
                self.start_time = datetime.now(UTC)
            self._enter(secondary_status, message)

    def upload(self) -> None:
        """Enter Uploading; a job that is stopping uploads, too, and stays Stopping."""
        with self._lock:
            if not self.stop_asked:
                self._enter("Uploading", "Uploading generated training model")

    def ask_to_stop(self) -> None:
        """Raises ValidationException, in AWS's words, if the job has ended."""
        with self._lock:
            if self.is_final:
                raise ValidationException(
                    f"The request was rejected because the training job is in status {self.status}"
                )
            if not self.stop_asked:
                self.status = "Stopping"
                self._enter("Stopping", "Stopping the training job")
                self._stop_asked.set()

    def complete(self) -> None:
        """The job has done its work; it was stopped if it was asked to be before this moment."""
        with self._lock:
            if self.stop_asked:
                self.stop("Stopped")
            else:
                self._end("Completed", "Completed", "Training job completed")

    def stop(self, secondary_status: str) -> None:
        """End as Stopped: Stopped, MaxRuntimeExceeded or MaxWaitTimeExceeded."""
        messages = {
            "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
            "MaxWaitTimeExceeded": "Training job wait time exceeded MaxWaitTimeInSeconds provided",  # words guessed
        }
        self._end("Stopped", secondary_status, messages.get(secondary_status, "Training job stopped"))

    def fail(self, reason: str) -> None:
        with self._lock:
            self.failure_reason = reason[:FAILURE_REASON_CHARACTERS]
            self._end("Failed", "Failed", "Training job failed")

    def touch(self) -> None:
        """The job was modified, its state was not."""
        with self._lock:
            self.last_modified = datetime.now(UTC)

    def _enter(self, secondary_status: str, message: str, final_status: str | None = None) -> None:
        """Every change comes by here. A new message in the same state replaces the old one, as on AWS."""
        now = datetime.now(UTC)
        with self._lock:
            self.last_modified = now
            if self.transitions[-1]["Status"] == secondary_status:
                self.transitions[-1]["StatusMessage"] = message
                return
            self.transitions[-1]["EndTime"] = now
            self.transitions.append({"Status": secondary_status, "StartTime": now, "StatusMessage": message})
            if final_status:
                self.status = final_status
                self.end_time = self.transitions[-1]["EndTime"] = now
            self._on_change()

    def _end(self, status: str, secondary_status: str, message: str) -> None:
        self._enter(secondary_status, message, status)
