"""Child: a training job of a tuning job, and what the tuning job makes of it."""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from preflight.sagemaker.api.errors import guessed
from preflight.sagemaker.training.metrics import OBJECTIVE_METRIC
from preflight.sagemaker.training.record import TrainingJobRecord
from preflight.sagemaker.tuning.record import Trial

JOBS_WITHOUT_SUCCESS = 5  # after so many the tuning job gives up
IMPROVEMENT = 0.01  # less is none


@dataclass(frozen=True)
class Child:
    """Read it under the resources' lock."""

    trial: Trial
    job: TrainingJobRecord

    @property
    def objective(self) -> float | None:
        """The last value of the objective, once the job has ended; a float32, as AWS has it."""
        metric = self.job.final_metrics.get(OBJECTIVE_METRIC)
        if metric is None or not self.job.is_final:
            return None
        (rounded,) = struct.unpack("f", struct.pack("f", metric.value))
        return float(rounded)

    @property
    def objective_status(self) -> str:
        if not self.job.is_final:
            return "Pending"
        return "Failed" if self.objective is None else "Succeeded"

    @property
    def has_succeeded(self) -> bool:
        """Whether it has a model, and an objective to compare it by. One that was stopped has both."""
        return self.job.status != "Failed" and self.objective is not None


def best(children: Iterable[Child], *, maximizes: bool) -> Child | None:
    """The first of the best; None as long as none has succeeded."""
    succeeded = [child for child in children if child.has_succeeded]
    return max(succeeded, key=lambda child: _gain(child, maximizes=maximizes), default=None)


def not_improving(children: Iterable[Child], *, maximizes: bool) -> int:
    """How many training jobs have ended since one improved the objective."""
    count, highest = 0, None
    for child in _in_order(children):
        gain = _gain(child, maximizes=maximizes)
        if highest is None or gain > highest + abs(highest) * IMPROVEMENT:
            count = 0
        else:
            count += 1
        highest = gain if highest is None else max(highest, gain)
    return count


def failure_reason(children: Sequence[Child]) -> str | None:
    """Why a tuning job with these training jobs has failed; None if it has not.

    The words are of 2025, seen after five attempts; before, the first sentence was the same.
    """
    ended = [child for child in children if child.job.is_final]
    if not ended or any(child.has_succeeded for child in ended):
        return None
    attempts = min(len(ended), JOBS_WITHOUT_SUCCESS)
    if all(child.job.status == "Failed" for child in ended):
        reason = (
            f"No training job succeeded after {attempts} attempts. For additional details, please take a look at the "
            "training job failures by listing training jobs for the hyperparameter tuning job."
        )
        return reason if attempts == JOBS_WITHOUT_SUCCESS else guessed(reason)
    return guessed(
        f"No objective metrics found after running {attempts} training jobs. Please "
        "ensure that the custom algorithm is emitting the objective metric as defined by the regular expression "
        "provided."
    )


def is_hopeless(children: Iterable[Child]) -> bool:
    """Whether so many have ended without success that no more are started."""
    ended = [child for child in children if child.job.is_final]
    return len(ended) >= JOBS_WITHOUT_SUCCESS and not any(child.has_succeeded for child in ended)


def _in_order(children: Iterable[Child]) -> list[Child]:
    """Those that have succeeded, by their end."""
    succeeded = [child for child in children if child.has_succeeded]
    return sorted(succeeded, key=lambda child: child.job.end_time or child.job.creation_time)


def _gain(child: Child, *, maximizes: bool) -> float:
    """The more, the better."""
    assert child.objective is not None  # it has succeeded
    return child.objective if maximizes else -child.objective
