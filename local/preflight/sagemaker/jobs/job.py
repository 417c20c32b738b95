"""Job: one job at work, from its creation to its one end, whatever it does.

What a kind of job brings is its ``Work``; the thread, the place among those that run at once, the states, the stop and
the one end with a reason are the same for all.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

from preflight.sagemaker.api.errors import ServiceError, guessed
from preflight.sagemaker.jobs.job_status import JobStatus, Stopped
from preflight.sagemaker.jobs.record import JobRecord
from preflight.sagemaker.jobs.time_limits import TimeLimits

LOG = logging.getLogger(__name__)

STOP_GRACE_SECONDS = 120  # between SIGTERM and SIGKILL, as on AWS
SLOT_POLL_SECONDS = 0.2


class JobFailure(Exception):
    """The job has failed; the text is its FailureReason."""


class Work(Protocol):
    """What one job does. It is made anew from the job's record, and used once."""

    def run(self, record: JobRecord, status: JobStatus) -> None:
        """Do it, telling ``status`` the states on the way; return when it is done, stopped or not.

        Raises:
            JobFailure: with the FailureReason.
            Stopped: with the secondary status, if it ran out of time or did not begin before it was asked to stop.
        """

    def terminate(self, grace_seconds: float) -> None:
        """SIGTERM to all that runs for it, or will, and SIGKILL after the grace; returns at once."""

    def remove(self) -> None:
        """Nothing of it is left on this machine."""


class Job:
    """Carries ``work`` through."""

    def __init__(
        self,
        record: JobRecord,
        work: Work,
        *,
        limits: TimeLimits,
        slots: threading.BoundedSemaphore | None,
        lock: threading.RLock,
        on_change: Callable[[], None],
        on_end: Callable[[], None],
    ) -> None:
        """``slots`` are the places among which it waits for one; None: it runs at once.

        ``on_change`` is told each state; ``on_end`` is called last, when nothing of the job runs any more.
        """
        self.record = record
        self._work = work
        self._limits = limits
        self._slots = slots
        self._on_end = on_end
        self._status = JobStatus(record, lock, on_change)
        self._thread = threading.Thread(target=self._live, name=f"{record.noun} {record.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Whether it has ended, and nothing of it runs any more, within that time."""
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Ask it to stop; what it has made by then is kept. Raises ValidationException if it has ended."""
        self._status.ask_to_stop()
        self._work.terminate(STOP_GRACE_SECONDS)

    def kill(self) -> None:
        """End what runs for it at once: the stack goes down."""
        self._work.terminate(0)

    def _live(self) -> None:
        status = self._status
        try:
            with self._slot():
                self._work.run(self.record, status)
            status.complete()
        except Stopped as stopped:
            status.stop(str(stopped))
        except JobFailure as failure:
            status.fail(str(failure))
        except ServiceError as error:
            status.fail(f"ClientError: {error.message}")
        except Exception as error:
            LOG.exception("The %s %s failed inside Preflight.", self.record.noun, self.record.name)
            status.fail(f"InternalServerError: {type(error).__name__}: {error}")
        finally:
            self._work.remove()
            self._on_end()

    @contextlib.contextmanager
    def _slot(self) -> Iterator[None]:
        """Wait for one of the few places to run, if it needs one, as a job on AWS waits for instances."""
        self._status.proceed("Starting", "Launching requested ML instances")
        if self._slots is None:
            yield
            return
        while not self._slots.acquire(timeout=SLOT_POLL_SECONDS):
            self._status.proceed("Pending", guessed(f"Waiting for other {self.record.noun}s to end"))
            if exceeded := self._limits.exceeded_waiting(self.record.seconds_waited):
                raise Stopped(exceeded)
        try:
            yield
        finally:
            self._slots.release()
