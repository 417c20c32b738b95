"""The operations on TrainingJob."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from preflight.sagemaker.api.errors import ResourceInUse, ValidationException, guessed
from preflight.sagemaker.api.operation import Answer, operation
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.roles import require_assumable_role
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.jobs.experiment_config import require_experiment
from preflight.sagemaker.jobs.running import RunningJobs
from preflight.sagemaker.resources.table import Table
from preflight.sagemaker.training import channel_rules, debugger, rules
from preflight.sagemaker.training.algorithm import runs_script
from preflight.sagemaker.training.description import TRAINING_JOB
from preflight.sagemaker.training.record import TrainingJobRecord, Tuned
from preflight.sagemaker.training.request import (
    CreateTrainingJob,
    DeleteTrainingJob,
    DescribeTrainingJob,
    ListTrainingJobs,
    StopTrainingJob,
    UpdateTrainingJob,
)
from preflight.sagemaker.training.warm_pool import keep_for, pool_status, reuse
from preflight.sagemaker.training.work import TrainingWork, time_limits


class TrainingJobs:
    def __init__(self, context: ServiceContext, running: RunningJobs) -> None:
        self._context = context
        self._running = running
        self._lock = context.resources.lock
        self._table: Table[TrainingJobRecord] = Table(context.resources, TRAINING_JOB)

    @operation(
        CreateTrainingJob, refuses=(*rules.REFUSED, *channel_rules.REFUSED, debugger.RULE_ACTION, debugger.REMOTE_DEBUG)
    )
    def create(self, scope: Scope, request: CreateTrainingJob) -> Answer:
        job = self.make(scope, request)
        self.require_startable(job)
        self._start(job, on_change=lambda: self._table.announce(job))
        return {"TrainingJobArn": job.arn}

    def require_startable(self, job: TrainingJobRecord) -> None:
        """Raises ServiceError, as CreateTrainingJob does, unless ``job`` can be started."""
        services, scope, request = self._context.services, job.scope, job.request
        self._table.require_free(scope, job.name)
        rules.require_valid(request, scope.region)
        require_experiment(self._context.resources, scope, request.experiment_config)
        require_assumable_role(services, scope, request.role_arn)
        self._context.launcher.require_image(job.image, scope.region, script=runs_script(request))
        channel_rules.require_data(services, scope, request)
        rules.require_buckets(services, scope, request)
        rules.require_keys(services, scope, request)

    def start_tuned(
        self, scope: Scope, request: CreateTrainingJob, tuned: Tuned, on_change: Callable[[], None]
    ) -> TrainingJobRecord:
        """Start a training job of a tuning job, which has checked all of it and counts how many run.

        ``on_change`` is called after each of its states.
        """
        job = self.make(scope, request, tuned)

        def tell() -> None:
            self._table.announce(job)
            on_change()

        self._start(job, tell, needs_slot=False)
        return job

    def make(self, scope: Scope, request: CreateTrainingJob, tuned: Tuned | None = None) -> TrainingJobRecord:
        """The record of a job that ``request`` asks for; it is not there yet."""
        name = request.training_job_name
        return TrainingJobRecord(scope=scope, name=name, arn=self._table.arn(scope, name), request=request, tuned=tuned)

    def find(self, scope: Scope, name: str) -> TrainingJobRecord | None:
        return self._table.find(scope, name)

    def _start(self, job: TrainingJobRecord, on_change: Callable[[], None], *, needs_slot: bool = True) -> None:
        work = TrainingWork(self._context, job)
        limits = time_limits(job.request.stopping_condition)
        with self._lock:
            others = self._table.of(job.scope)
            self._table.add(job, job.request.tags)
            reuse(others, job)
            self._running.start(job, work, limits, on_change, needs_slot=needs_slot)

    @operation(DescribeTrainingJob)
    def describe(self, scope: Scope, request: DescribeTrainingJob) -> Answer:
        return self._table.describe(scope, request.training_job_name)

    @operation(ListTrainingJobs)
    def list(self, scope: Scope, request: ListTrainingJobs) -> Answer:
        """No job has a training plan: CreateTrainingJob refuses them."""
        pool, has_plan = request.warm_pool_status_equals, request.training_plan_arn_equals is not None

        def is_asked_for(summary: dict[str, Any]) -> bool:
            return not has_plan and pool in (None, summary.get("WarmPoolStatus", {}).get("Status"))

        return self._table.page(scope, request, is_asked_for)

    @operation(StopTrainingJob)
    def stop(self, scope: Scope, request: StopTrainingJob) -> Answer:
        self._running.stop(self._table.require(scope, request.training_job_name))
        return {}

    @operation(UpdateTrainingJob, refuses=(debugger.UPDATED_RULE_ACTION, debugger.UPDATED_REMOTE_DEBUG))
    def update(self, scope: Scope, request: UpdateTrainingJob) -> Answer:
        """Profiler settings while the job runs; KeepAlivePeriodInSeconds while its warm pool is there."""
        config, more_rules = request.profiler_config, request.profiler_rule_configurations
        with self._lock:
            job = self._table.require(scope, request.training_job_name)
            if (config or more_rules or request.remote_debug_config) and job.is_final:
                raise ValidationException(
                    guessed(f"The request was rejected because the training job is in status {job.status}")
                )
            debugger.require_no_remote_debug(request.remote_debug_config, debugger.UPDATED_REMOTE_DEBUG)
            debugger.require_profiling(config, more_rules, debugger.UPDATED_RULE_ACTION)
            if request.resource_config:
                _require_pool(job)
                keep_for(job, request.resource_config.keep_alive_period_in_seconds)
            rules_now = job.request.profiler_rule_configurations + more_rules
            config_now = job.request.profiler_config
            if config:
                config_now = config_now.updated(config) if config_now else config
            job.request = job.request.model_copy(
                update={"profiler_config": config_now, "profiler_rule_configurations": rules_now}
            )
            job.touch()
        return {"TrainingJobArn": job.arn}

    @operation(DeleteTrainingJob)
    def delete(self, scope: Scope, request: DeleteTrainingJob) -> Answer:
        """The name is free afterwards; what the job left in S3 and the logs stays."""
        with self._lock:
            job = self._table.require(scope, request.training_job_name)
            if not job.is_final:
                raise ResourceInUse(
                    guessed(f"The training job {job.arn} cannot be deleted because it is in status {job.status}.")
                )
            if pool_status(job, datetime.now(UTC)) == "Available":
                raise ResourceInUse(
                    guessed(f"The training job {job.arn} cannot be deleted because its warm pool is Available.")
                )
            self._table.remove(job)
        return {}


def _require_pool(job: TrainingJobRecord) -> None:
    """Raises ValidationException unless the job has a warm pool, or will have."""
    status = pool_status(job, datetime.now(UTC))
    if status not in ("InUse", "Available"):
        raise ValidationException(
            guessed(
                f"KeepAlivePeriodInSeconds of the training job {job.arn} cannot be updated: its warm pool is "
                f"{status or 'not requested'}."
            )
        )
