"""TransformWork: what a transform job does; its instances side by side, each with its share of the objects.

https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html
"""

import threading
import uuid
from functools import partial

from preflight.sagemaker.api.errors import guessed
from preflight.sagemaker.aws.s3 import S3_ERRORS, S3Uri
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.data.errors import ArtifactError, reason
from preflight.sagemaker.data.objects import InputObject, objects_below, objects_of_manifest, share
from preflight.sagemaker.jobs.job import JobFailure
from preflight.sagemaker.jobs.job_status import JobStatus
from preflight.sagemaker.jobs.record import JobRecord
from preflight.sagemaker.jobs.role import role_environment
from preflight.sagemaker.launching.container import Metering
from preflight.sagemaker.launching.folders import remove_folder
from preflight.sagemaker.serving.instance import at_once
from preflight.sagemaker.serving.served_model import Place, ServedModel, ServingError
from preflight.sagemaker.telemetry.cloudwatch import Source
from preflight.sagemaker.telemetry.logs import LogStream
from preflight.sagemaker.transform.association import Association
from preflight.sagemaker.transform.capture import capture
from preflight.sagemaker.transform.failures import PING_FAILURE, failure_reason
from preflight.sagemaker.transform.parameters import batch_variables
from preflight.sagemaker.transform.record import TransformJobRecord
from preflight.sagemaker.transform.transformation import Transformation

LOG_GROUP = "/aws/sagemaker/TransformJobs"
STARTUP_TIMEOUT_SECONDS = 30 * 60
VOLUME_GB = 30  # page: "Storage in Batch Transform"


class TransformWork:
    """The work of ``job``: start the model, have it answer every object, end it."""

    def __init__(self, context: ServiceContext, job: TransformJobRecord) -> None:
        self._context = context
        self._job = job
        self._services = context.services.acting_as(job.model.role_arn, job.scope)
        unique = f"{job.name}-{uuid.uuid4().hex[:8]}"
        self._folder = context.folder(job.scope.account_id, job.scope.region, "transform-jobs", unique)
        self._served = ServedModel(context, job.model, _place(job), self._folder)
        count = job.request.transform_resources.instance_count
        self._instances = [self._served.new_instance() for _ in range(count)]
        self._is_over = threading.Event()  # an instance has given up, and the job with it

    def run(self, record: JobRecord, status: JobStatus) -> None:
        status.require_going()
        status.start_clock()
        role_environment(self._services)  # or nothing could be read
        try:
            self._start(status)
            transformations = self._transform(status)
        finally:
            at_once([instance.stop for instance in self._instances])
            self._context.logs.flush()  # whoever sees the job's end finds its log whole
        self._capture([source for one in transformations for source in one.done])
        if errors := [error for one in transformations for error in one.errors]:
            raise JobFailure(failure_reason(errors[0]))

    def terminate(self, grace_seconds: float) -> None:
        for instance in self._instances:
            instance.terminate(grace_seconds)

    def remove(self) -> None:
        remove_folder(self._folder)

    def _start(self, status: JobStatus) -> None:
        """Return once every instance answers ``/ping``."""
        try:
            self._served.fetch_data(status.require_going)
        except ServingError as error:
            raise JobFailure(guessed(f"ClientError: {error}")) from error
        failed = any(at_once([instance.start for instance in self._instances]))
        status.require_going()
        if failed:
            raise JobFailure(PING_FAILURE)

    def _transform(self, status: JobStatus) -> list[Transformation]:
        objects = self._find_objects()
        assert self._job.start_time is not None
        association = Association.of(self._job.request, self._job.start_time)

        def check() -> None:
            status.require_going()
            if self._is_over.is_set():
                raise _GivenUp

        transformations = [
            Transformation(self._context, self._services, self._job, instance, association, check)
            for instance in self._instances
        ]
        at_once(
            [
                partial(self._run_one, transformation, share(objects, place, len(transformations), None, 0))
                for place, transformation in enumerate(transformations)
            ]
        )
        return transformations

    def _run_one(self, transformation: Transformation, objects: list[InputObject]) -> None:
        try:
            transformation.run(objects)
        except _GivenUp:
            return
        except BaseException:
            self._is_over.set()
            raise

    def _find_objects(self) -> list[InputObject]:
        source = self._job.request.transform_input.data_source.s3_data_source
        find = objects_of_manifest if source.s3_data_type == "ManifestFile" else objects_below
        try:
            objects = find(self._services, self._job.scope, S3Uri.parse(source.s3_uri))
        except (ArtifactError, *S3_ERRORS) as error:
            raise JobFailure(guessed(f"ClientError: {reason(error)}")) from error
        if not objects:
            raise JobFailure(guessed(f"ClientError: No S3 objects found under S3 URL {source.s3_uri}."))
        return objects

    def _capture(self, objects: list[InputObject]) -> None:
        started = self._job.start_time
        assert started is not None
        try:
            capture(self._services, self._job.scope, self._job.request, started, objects)
        except S3_ERRORS as error:
            raise JobFailure(guessed(f"ClientError: Unable to capture the data: {reason(error)}")) from error


class _GivenUp(Exception):
    """Another instance's end is the job's."""


def _place(job: TransformJobRecord) -> Place:
    created = int(job.creation_time.timestamp())
    return Place(
        scope=job.scope,
        owner_arn=job.arn,
        instance_type=job.request.transform_resources.instance_type,
        memory_mb=None,
        startup_timeout_seconds=STARTUP_TIMEOUT_SECONDS,
        volume_gb=VOLUME_GB,
        log_stream=lambda instance_id: LogStream(
            job.scope, LOG_GROUP, f"{job.name}/{instance_id}-{created}", job.model.role_arn
        ),
        environment=batch_variables(job.request),
        metering=lambda instance_id: Metering(
            Source(job.scope, LOG_GROUP, (("Host", f"{job.name}/{instance_id}"),)), instance_id, has_disk=False
        ),
        replaces_containers=False,
        invocation_timeout_seconds=job.request.model_client_config.invocations_timeout_in_seconds,
    )
