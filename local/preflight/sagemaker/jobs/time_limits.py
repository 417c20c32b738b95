"""StoppingCondition: how long a job may wait and run, in seconds."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class TimeLimits:
    """``runtime`` counts from the container's start, ``wait`` (spot only) and ``pending`` from the job's creation.

    A job that has none runs to its end.
    """

    runtime: float = math.inf
    wait: int | None = None
    pending: int | None = None

    def exceeded_waiting(self, waited: float) -> str | None:
        """The secondary status a job ends in that has not started after ``waited``; None while it may wait on."""
        if self.wait is not None and waited >= self.wait:
            return "MaxWaitTimeExceeded"
        return "Stopped" if self.pending is not None and waited >= self.pending else None

    def for_running(self, waited: float) -> tuple[float, str]:
        """How long it may run that starts after ``waited``, and the secondary status it ends in after that."""
        if self.wait is not None and self.wait - waited < self.runtime:
            return max(0.0, self.wait - waited), "MaxWaitTimeExceeded"
        return self.runtime, "MaxRuntimeExceeded"
