"""The operations on ProcessingJob."""

from preflight.sagemaker.api.errors import ResourceInUse, ValidationException, guessed
from preflight.sagemaker.api.operation import Answer, operation
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.roles import require_assumable_role
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.jobs.experiment_config import require_experiment
from preflight.sagemaker.jobs.running import RunningJobs
from preflight.sagemaker.processing import rules
from preflight.sagemaker.processing.description import PROCESSING_JOB
from preflight.sagemaker.processing.record import ProcessingJobRecord
from preflight.sagemaker.processing.request import (
    CreateProcessingJob,
    DeleteProcessingJob,
    DescribeProcessingJob,
    ListProcessingJobs,
    StopProcessingJob,
)
from preflight.sagemaker.processing.work import ProcessingWork, time_limits
from preflight.sagemaker.resources.table import Table


class ProcessingJobs:
    def __init__(self, context: ServiceContext, running: RunningJobs) -> None:
        self._context = context
        self._running = running
        self._lock = context.resources.lock
        self._table: Table[ProcessingJobRecord] = Table(context.resources, PROCESSING_JOB)

    @operation(CreateProcessingJob, refuses=rules.REFUSED)
    def create(self, scope: Scope, request: CreateProcessingJob) -> Answer:
        name = request.processing_job_name
        self._table.require_free(scope, name)
        rules.require_valid(request)
        require_experiment(self._context.resources, scope, request.experiment_config)
        job = ProcessingJobRecord(scope=scope, name=name, arn=self._table.arn(scope, name), request=request)
        require_assumable_role(self._context.services, scope, request.role_arn)
        rules.require_keys(self._context.services, scope, request)
        self._require_launcher(scope, job)
        work = ProcessingWork(self._context, job)
        with self._lock:
            self._table.add(job, request.tags)
            self._running.start(job, work, time_limits(request), on_change=lambda: self._table.announce(job))
        return {"ProcessingJobArn": job.arn}

    @operation(DescribeProcessingJob)
    def describe(self, scope: Scope, request: DescribeProcessingJob) -> Answer:
        return self._table.describe(scope, request.processing_job_name)

    @operation(ListProcessingJobs)
    def list(self, scope: Scope, request: ListProcessingJobs) -> Answer:
        return self._table.page(scope, request)

    @operation(StopProcessingJob)
    def stop(self, scope: Scope, request: StopProcessingJob) -> Answer:
        self._running.stop(self._table.require(scope, request.processing_job_name))
        return {}

    @operation(DeleteProcessingJob)
    def delete(self, scope: Scope, request: DeleteProcessingJob) -> Answer:
        """The name is free afterwards; what the job left in S3 and the logs stays."""
        with self._lock:
            job = self._table.require(scope, request.processing_job_name)
            if not job.is_final:
                raise ResourceInUse(
                    guessed(f"The processing job {job.arn} cannot be deleted because it is in status {job.status}.")
                )
            self._table.remove(job)
        return {}

    def _require_launcher(self, scope: Scope, job: ProcessingJobRecord) -> None:
        """Raises UnsupportedByPreflight if nothing here runs such an image; whether it is there, the job will see."""
        try:
            self._context.launcher.require_image(job.image, scope.region, script=True)
        except ValidationException:
            return
