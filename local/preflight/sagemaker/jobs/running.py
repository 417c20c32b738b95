"""RunningJobs: the jobs at work, by ARN. One that has ended is let go."""

import threading
from collections.abc import Callable

from preflight.sagemaker.jobs.job import Job, Work
from preflight.sagemaker.jobs.job_status import Stopped, require_not_final
from preflight.sagemaker.jobs.record import JobRecord
from preflight.sagemaker.jobs.time_limits import TimeLimits


class RunningJobs:
    """Of every kind, account and region.

    As many as there are ``slots`` run at once, the others wait; so do not those that need none: they run nothing
    themselves, or whoever starts them counts them.
    """

    def __init__(self, slots: int, lock: threading.RLock) -> None:
        self._slots = threading.BoundedSemaphore(slots)
        self._lock = lock
        self._jobs: dict[str, Job] = {}
        self._is_closed = False

    def start(
        self,
        record: JobRecord,
        work: Work,
        limits: TimeLimits,
        on_change: Callable[[], None],
        *,
        needs_slot: bool = True,
    ) -> None:
        """Set a new job to work; ``on_change`` is told each of its states.

        Raises:
            Stopped: the stack goes down.
        """
        job = Job(
            record,
            work,
            limits=limits,
            slots=self._slots if needs_slot else None,
            lock=self._lock,
            on_change=on_change,
            on_end=lambda: self._let_go(record.arn, job),
        )
        with self._lock:
            if self._is_closed:
                raise Stopped("Stopped")
            self._jobs[record.arn] = job
        job.start()

    def stop(self, record: JobRecord) -> None:
        """Ask it to stop. Raises ValidationException, in AWS's words, if it has ended."""
        with self._lock:
            require_not_final(record)
            job = self._jobs[record.arn]
        job.stop()

    def wait(self, arn: str, timeout_seconds: float | None = None) -> bool:
        """Whether nothing of that job runs any more within that time."""
        with self._lock:
            job = self._jobs.get(arn)
        return job is None or job.wait(timeout_seconds)

    def close(self) -> None:
        """End all that runs: the stack goes down."""
        with self._lock:
            self._is_closed = True
            jobs = list(self._jobs.values())
        for job in jobs:
            job.kill()

    def _let_go(self, arn: str, job: Job) -> None:
        with self._lock:
            if self._jobs.get(arn) is job:
                del self._jobs[arn]
