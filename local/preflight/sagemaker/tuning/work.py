"""TuningWork: what a tuning job does. It starts training jobs, learns from what they come to, and starts others."""

import threading
import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from preflight.sagemaker.api.errors import ValidationException
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.jobs.job import JobFailure
from preflight.sagemaker.jobs.job_status import JobStatus
from preflight.sagemaker.jobs.record import JobRecord
from preflight.sagemaker.jobs.running import RunningJobs
from preflight.sagemaker.training.operations import TrainingJobs
from preflight.sagemaker.training.record import Tuned
from preflight.sagemaker.tuning.child import Child, failure_reason, is_hopeless
from preflight.sagemaker.tuning.completion import has_converged, is_over
from preflight.sagemaker.tuning.definition import Definition
from preflight.sagemaker.tuning.description import early_stopping_type
from preflight.sagemaker.tuning.early_stopping import is_worse_than_median
from preflight.sagemaker.tuning.record import Trial, TuningJobRecord
from preflight.sagemaker.tuning.rules import epochs_of, number_of_jobs
from preflight.sagemaker.tuning.strategy import Observation, Search, Strategy, make_strategy

LOOK_SECONDS = 0.2  # how often the metrics of what runs are looked at; an end is seen at once


class _Tried:
    """A child and what it is to the strategy that suggested it."""

    def __init__(self, child: Child, strategy: Strategy, number: int) -> None:
        self.child = child
        self.strategy = strategy
        self.number = number
        self.is_told = False


class TuningWork:
    """The work of ``job``. ``prior`` is what other tuning jobs have found out, for a warm start."""

    def __init__(
        self,
        context: ServiceContext,
        job: TuningJobRecord,
        definitions: Sequence[Definition],
        training: TrainingJobs,
        running: RunningJobs,
        prior: Sequence[Observation],
    ) -> None:
        self._lock = context.resources.lock
        self._job = job
        self._config = job.request.hyper_parameter_tuning_job_config
        self._definitions = tuple(definitions)
        self._training = training
        self._running = running
        self._prior = prior
        self._tried: list[_Tried] = []
        self._is_ending = threading.Event()
        self._news = threading.Event()

    def run(self, record: JobRecord, status: JobStatus) -> None:
        status.start_clock()
        try:
            self._search(self._strategies())
        finally:
            self._end()
        if not status.stop_asked and (reason := failure_reason(self._children)):
            raise JobFailure(reason)

    def terminate(self, grace_seconds: float) -> None:
        """The training jobs are stopped as StopTrainingJob does; when the stack goes down, it kills them itself."""
        self._is_ending.set()
        self._news.set()

    def remove(self) -> None:
        """Its training jobs have ended, and took away what they had."""

    @property
    def _children(self) -> list[Child]:
        return [tried.child for tried in self._tried]

    @property
    def _maximizes(self) -> bool:
        return self._definitions[0].objective.maximizes

    def _strategies(self) -> list[Strategy]:
        return [
            make_strategy(
                self._config.strategy,
                Search(
                    definition.space,
                    definition.objective.maximizes,
                    self._job.seed + place,
                    self._prior,
                    *(epochs_of(self._config, definition) if self._config.strategy == "Hyperband" else ()),
                ),
            )
            for place, definition in enumerate(self._definitions)
        ]

    def _search(self, strategies: Sequence[Strategy]) -> None:
        """Try one combination after the other, as many at once as are asked for."""
        left = number_of_jobs(self._config, self._definitions)
        while not self._is_ending.is_set():
            with self._lock:
                going = self._learn()
                self._give_up(going)
                is_done, is_in_vain = self._is_over(), is_hopeless(self._children)
            if is_done:
                return
            for _ in range(self._config.resource_limits.max_parallel_training_jobs - len(going)):
                if left > 0 and not is_in_vain and not self._is_ending.is_set():
                    left = left - 1 if self._start_next(strategies) else 0
            if not going and (left == 0 or is_in_vain) and self._all_told():
                return
            self._news.wait(LOOK_SECONDS)
            self._news.clear()

    def _all_told(self) -> bool:
        return all(tried.is_told for tried in self._tried)

    def _learn(self) -> list[_Tried]:
        """Tell the strategies what has ended; those that have not."""
        for tried in self._tried:
            if tried.child.job.is_final and not tried.is_told:
                tried.strategy.tell(tried.number, tried.child.objective)
                tried.is_told = True
        return [tried for tried in self._tried if not tried.is_told]

    def _give_up(self, going: Sequence[_Tried]) -> None:
        """Stop what promises nothing by its metric so far."""
        earlier = [_objectives(child) for child in self._children if child.has_succeeded]
        stops_early = early_stopping_type(self._job) == "Auto"
        for tried in going:
            job, objectives = tried.child.job, _objectives(tried.child)
            if job.secondary_status != "Training" or not objectives:
                continue
            is_given_up = tried.strategy.report(tried.number, objectives)
            if is_given_up or (stops_early and is_worse_than_median(objectives, earlier, maximizes=self._maximizes)):
                self._running.stop(job)

    def _is_over(self) -> bool:
        if self._job.converged is None and has_converged(self._children, maximizes=self._maximizes):
            self._job.converged = datetime.now(UTC)
        return is_over(self._job, self._children, maximizes=self._maximizes)

    def _start_next(self, strategies: Sequence[Strategy]) -> bool:
        """Start a training job of the definition that has had the fewest; False if nothing is left to try."""
        had = [trial.definition for trial in self._job.trials]
        for place in sorted(range(len(strategies)), key=had.count):
            suggestion = strategies[place].suggest()
            if suggestion is not None:
                child = self._start(place, suggestion.values)
                self._tried.append(_Tried(child, strategies[place], suggestion.number))
                return True
        return False

    def _start(self, place: int, values: dict[str, str]) -> Child:
        definition = self._definitions[place]
        name = f"{self._job.name}-{len(self._job.trials) + 1:03d}-{uuid.uuid4().hex[:8]}"
        trial = Trial(training_job_name=name, definition=place, hyper_parameters=values)
        tuned = Tuned(job_arn=self._job.arn, objective=definition.objective.metric_name)
        request = definition.training_request(name, values, self._job.request.tags)
        job = self._training.start_tuned(self._job.scope, request, tuned, on_change=self._child_changed)
        with self._lock:
            self._job.trials.append(trial)
            self._job.touch()
        return Child(trial, job)

    def _child_changed(self) -> None:
        self._job.touch()
        self._news.set()

    def _end(self) -> None:
        """Stop what still runs, and see it to its end."""
        for child in self._children:
            with suppress(ValidationException):  # it has ended
                self._running.stop(child.job)
        for child in self._children:
            self._running.wait(child.job.arn)


def _objectives(child: Child) -> Sequence[float]:
    return child.job.tuned.values if child.job.tuned else ()
