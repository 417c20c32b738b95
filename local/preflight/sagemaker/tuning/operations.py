"""The operations on HyperParameterTuningJob."""

import secrets
from collections.abc import Sequence

from preflight.sagemaker.api.errors import ResourceLimitExceeded, ValidationException, guessed
from preflight.sagemaker.api.operation import Answer, operation
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.jobs.running import RunningJobs
from preflight.sagemaker.jobs.time_limits import TimeLimits
from preflight.sagemaker.resources.table import Table
from preflight.sagemaker.training.operations import TrainingJobs
from preflight.sagemaker.tuning import rules
from preflight.sagemaker.tuning.child import Child
from preflight.sagemaker.tuning.definition import Definition, definitions_of
from preflight.sagemaker.tuning.description import CHILDREN, summarize_child, tuning_job_kind
from preflight.sagemaker.tuning.record import TuningJobRecord
from preflight.sagemaker.tuning.request import (
    CreateHyperParameterTuningJob,
    DeleteHyperParameterTuningJob,
    DescribeHyperParameterTuningJob,
    ListHyperParameterTuningJobs,
    ListTrainingJobsForHyperParameterTuningJob,
    StopHyperParameterTuningJob,
)
from preflight.sagemaker.tuning.warm_start import observations, parent_names, require_parents
from preflight.sagemaker.tuning.work import TuningWork

MAX_CONCURRENT_JOBS = 100
_SEEDS = 2**31


class TuningJobs:
    def __init__(self, context: ServiceContext, running: RunningJobs, training: TrainingJobs) -> None:
        self._context = context
        self._running = running
        self._training = training
        self._lock = context.resources.lock
        kind = tuning_job_kind(self._children, self._parents_children)
        self._table: Table[TuningJobRecord] = Table(context.resources, kind)

    @operation(CreateHyperParameterTuningJob)
    def create(self, scope: Scope, request: CreateHyperParameterTuningJob) -> Answer:
        name, config = request.hyper_parameter_tuning_job_name, request.hyper_parameter_tuning_job_config
        self._table.require_free(scope, name)
        definitions = definitions_of(request, scope.region)
        rules.require_valid(request, definitions)
        parents = [self._table.require(scope, parent) for parent in parent_names(request)]
        if parents:
            require_parents(request, definitions[0], parents, rules.number_of_jobs(config, definitions))
        for definition in definitions:
            self._require_startable(scope, name, definition)
        seed = secrets.randbelow(_SEEDS) if config.random_seed is None else config.random_seed
        job = TuningJobRecord(scope=scope, name=name, arn=self._table.arn(scope, name), request=request, seed=seed)
        with self._lock:
            prior = observations([child for parent in parents for child in self._children(parent)])
            work = TuningWork(self._context, job, definitions, self._training, self._running, prior)
            self._require_room(scope)
            self._table.add(job, request.tags)
            self._running.start(job, work, TimeLimits(), on_change=lambda: self._table.announce(job), needs_slot=False)
        return {"HyperParameterTuningJobArn": job.arn}

    @operation(DescribeHyperParameterTuningJob)
    def describe(self, scope: Scope, request: DescribeHyperParameterTuningJob) -> Answer:
        return self._table.describe(scope, request.hyper_parameter_tuning_job_name)

    @operation(ListHyperParameterTuningJobs)
    def list(self, scope: Scope, request: ListHyperParameterTuningJobs) -> Answer:
        return self._table.page(scope, request)

    @operation(ListTrainingJobsForHyperParameterTuningJob)
    def list_training_jobs(self, scope: Scope, request: ListTrainingJobsForHyperParameterTuningJob) -> Answer:
        with self._lock:
            job = self._table.require(scope, request.hyper_parameter_tuning_job_name)
            summaries = [summarize_child(job, child) for child in self._children(job)]
        return CHILDREN.page(summaries, request.listing())

    @operation(StopHyperParameterTuningJob)
    def stop(self, scope: Scope, request: StopHyperParameterTuningJob) -> Answer:
        job = self._table.require(scope, request.hyper_parameter_tuning_job_name)
        with self._lock:
            if job.is_final:
                raise ValidationException(
                    guessed(f"The hyperparameter tuning job {job.name} is already in the status {job.status}.")
                )
            if job.status != "Stopping":
                self._running.stop(job)
        return {}

    @operation(DeleteHyperParameterTuningJob)
    def delete(self, scope: Scope, request: DeleteHyperParameterTuningJob) -> Answer:
        """The name is free afterwards; its training jobs stay."""
        with self._lock:
            job = self._table.require(scope, request.hyper_parameter_tuning_job_name)
            if not job.is_final:
                raise ValidationException(
                    guessed(
                        f"The hyperparameter tuning job {job.name} cannot be deleted: it is not in a terminal state."
                    )
                )
            self._table.remove(job)
        return {}

    def _require_startable(self, scope: Scope, name: str, definition: Definition) -> None:
        """Raises ServiceError, as CreateTrainingJob does, unless a training job of ``definition`` can be started."""
        request = definition.training_request(f"{name}-001-00000000", {})
        self._training.require_startable(self._training.make(scope, request))

    def _require_room(self, scope: Scope) -> None:
        used = sum(not job.is_final for job in self._table.of(scope))
        if used >= MAX_CONCURRENT_JOBS:
            quota = guessed("Number of concurrent hyperparameter tuning jobs")
            raise ResourceLimitExceeded.of(quota, MAX_CONCURRENT_JOBS, used, 1, unit="Jobs")

    def _children(self, job: TuningJobRecord) -> Sequence[Child]:
        """Its training jobs, but those that were deleted."""
        found = ((trial, self._training.find(job.scope, trial.training_job_name)) for trial in job.trials)
        return [Child(trial, training) for trial, training in found if training]

    def _parents_children(self, job: TuningJobRecord) -> Sequence[tuple[str, Child]]:
        """Those of the tuning jobs that it was warm started from, as far as they are there."""
        parents = (self._table.find(job.scope, name) for name in parent_names(job.request))
        return [(parent.name, child) for parent in parents if parent for child in self._children(parent)]
