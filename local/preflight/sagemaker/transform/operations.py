"""The operations on TransformJob."""

from collections.abc import Callable

from preflight.sagemaker.api.operation import Answer, operation
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.jobs.experiment_config import require_experiment
from preflight.sagemaker.jobs.running import RunningJobs
from preflight.sagemaker.jobs.time_limits import TimeLimits
from preflight.sagemaker.resources.table import Table
from preflight.sagemaker.serving.model_operations import Models
from preflight.sagemaker.transform import rules
from preflight.sagemaker.transform.association import Association
from preflight.sagemaker.transform.description import TRANSFORM_JOB
from preflight.sagemaker.transform.record import TransformJobRecord
from preflight.sagemaker.transform.request import (
    CreateTransformJob,
    DescribeTransformJob,
    ListTransformJobs,
    StopTransformJob,
)
from preflight.sagemaker.transform.work import TransformWork


class TransformJobs:
    def __init__(self, context: ServiceContext, running: RunningJobs, models: Models) -> None:
        self._context = context
        self._running = running
        self._models = models
        self._lock = context.resources.lock
        self._table: Table[TransformJobRecord] = Table(context.resources, TRANSFORM_JOB)

    @operation(CreateTransformJob, refuses=rules.REFUSED)
    def create(self, scope: Scope, request: CreateTransformJob) -> Answer:
        name = request.transform_job_name
        self._table.require_free(scope, name)
        rules.require_valid(request)
        require_experiment(self._context.resources, scope, request.experiment_config)
        model = self._models.table.require(scope, request.model_name)
        rules.require_batch_model(request, model)
        rules.require_keys(self._context.services, scope, request)
        arn = self._table.arn(scope, name)
        job = TransformJobRecord(scope=scope, name=name, arn=arn, request=request, model=model)
        Association.of(request, job.creation_time)
        work = TransformWork(self._context, job)
        with self._lock:
            self._table.add(job, request.tags)
            self._running.start(job, work, TimeLimits(), on_change=self._teller(job))
        return {"TransformJobArn": job.arn}

    @operation(DescribeTransformJob)
    def describe(self, scope: Scope, request: DescribeTransformJob) -> Answer:
        return self._table.describe(scope, request.transform_job_name)

    @operation(ListTransformJobs)
    def list(self, scope: Scope, request: ListTransformJobs) -> Answer:
        return self._table.page(scope, request)

    @operation(StopTransformJob)
    def stop(self, scope: Scope, request: StopTransformJob) -> Answer:
        self._running.stop(self._table.require(scope, request.transform_job_name))
        return {}

    def _teller(self, job: TransformJobRecord) -> Callable[[], None]:
        """Announces the job's status when it has changed: it shows no states in between."""
        told = job.status

        def tell() -> None:
            nonlocal told
            if job.status != told:
                told = job.status
                self._table.announce(job)

        return tell
