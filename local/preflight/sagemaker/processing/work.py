"""ProcessingWork: what a processing job does, from the S3 inputs to the S3 outputs.

https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
"""

import json
import uuid
from collections.abc import Callable, Mapping
from functools import partial

from botocore.exceptions import BotoCoreError

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.aws.s3 import S3_ERRORS, S3Uri
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.data import outputs
from preflight.sagemaker.data.errors import ArtifactError
from preflight.sagemaker.data.folder_sync import FolderSync
from preflight.sagemaker.data.s3_input import S3Input
from preflight.sagemaker.jobs.cluster import HOMOGENEOUS_GROUP, Exit, Host, HostGroup, make_hosts, metering
from preflight.sagemaker.jobs.cluster_run import ClusterRun
from preflight.sagemaker.jobs.job import JobFailure
from preflight.sagemaker.jobs.job_status import JobStatus, Stopped
from preflight.sagemaker.jobs.record import JobRecord
from preflight.sagemaker.jobs.role import role_environment
from preflight.sagemaker.jobs.time_limits import TimeLimits
from preflight.sagemaker.launching.container import ContainerSpec, Limits
from preflight.sagemaker.launching.folders import remove_folder
from preflight.sagemaker.processing.configuration import processing_job_configuration
from preflight.sagemaker.processing.exit_message import NotUtf8, read_exit_message
from preflight.sagemaker.processing.paths import below_opt_ml
from preflight.sagemaker.processing.record import ProcessingJobRecord
from preflight.sagemaker.processing.request import CreateProcessingJob, ProcessingS3Output
from preflight.sagemaker.telemetry.logs import LogStream

LOG_GROUP = "/aws/sagemaker/ProcessingJobs"


class ProcessingWork:
    """The work of ``job``, step by step: bring the inputs, run the containers, upload what they leave."""

    def __init__(self, context: ServiceContext, job: ProcessingJobRecord) -> None:
        self._context = context
        self._job = job
        self._scope = job.scope
        # A name may be used again once its job is deleted; the folder is this job's only.
        unique = f"{job.name}-{uuid.uuid4().hex[:8]}"
        self._folder = context.folder(job.scope.account_id, job.scope.region, "processing-jobs", unique)
        group = HostGroup(HOMOGENEOUS_GROUP, job.cluster.instance_type, job.cluster.instance_count)
        self._hosts = make_hosts([group], self._folder)
        self._services = context.services.acting_as(job.request.role_arn, job.scope)
        self._services_environment: Mapping[str, str] = {}
        self._cluster = ClusterRun(context, self._services, job.scope)
        self._outputs = _outputs(job.request)

    def run(self, record: JobRecord, status: JobStatus) -> None:
        self._require_image()
        self._prepare(status.require_going)
        status.start_clock()
        status.proceed("Processing", "Processing in progress")
        try:
            ended = self._process()
        finally:
            self._keep_message()
        if status.stop_asked:
            return
        if ended.out_of_time:
            raise Stopped("MaxRuntimeExceeded")
        if ended.code:
            raise JobFailure("AlgorithmError: See job logs for more information")
        self._upload()

    def terminate(self, grace_seconds: float) -> None:
        self._cluster.terminate(grace_seconds)

    def remove(self) -> None:
        remove_folder(self._folder)

    def _require_image(self) -> None:
        """AWS looks for it no sooner."""
        try:
            self._context.launcher.require_image(self._job.image, self._scope.region, script=True)
        except ValidationException as error:
            raise JobFailure(
                f"ClientError: API error (404): manifest for {self._job.image} not found: manifest unknown: Requested "
                f"image not found ({error.message})"
            ) from error

    def _prepare(self, check: Callable[[], None]) -> None:
        """Make each host's folders and bring its input; ``check`` may raise to give up."""
        self._services_environment = role_environment(self._services)
        for host in self._hosts:
            self._write_configuration(host)
        folders = [host.folder for host in self._hosts]
        for source in _inputs(self._job.request):
            try:
                self._cluster.inputs.bring(source, folders, check)
            except BotoCoreError as error:
                raise _download_failure(
                    f"ListObjectsV2 failed for {source.uri} nextToken:[null]: Unable to execute request to S3"
                ) from error
            except (ArtifactError, *S3_ERRORS) as error:
                raise _download_failure(error) from error

    def _write_configuration(self, host: Host) -> None:
        hosts = {"current_host": host.name, "hosts": [each.name for each in self._hosts]}
        configuration = {
            "processingjobconfig.json": processing_job_configuration(self._job),
            "resourceconfig.json": hosts,
        }
        for below in ("config", "output", *(path for path, _ in self._outputs)):
            (host.folder / below).mkdir(parents=True, exist_ok=True)
        for name, content in configuration.items():
            (host.folder / "config" / name).write_text(json.dumps(content))

    def _process(self) -> Exit:
        """Run the containers to their end."""
        limit = self._job.request.stopping_condition.max_runtime_in_seconds
        try:
            return self._cluster.run(self._launch, self._hosts, limit)
        except ArtifactError as error:
            raise _download_failure(error) from error

    def _launch(self, host: Host) -> None:
        created, role = int(self._job.creation_time.timestamp()), self._job.request.role_arn
        stream = LogStream(self._scope, LOG_GROUP, f"{self._job.name}/{host.name}-{created}", role)
        application = self._job.request.app_specification
        syncs = [
            FolderSync(self._services, self._scope, host.folder, path, S3Uri.parse(output.s3_uri), self._key_id)
            for path, output in self._outputs
            if output.s3_upload_mode == "Continuous"
        ]
        self._cluster.launch(
            host,
            ContainerSpec(
                image=self._job.image,
                region=self._scope.region,
                folder=host.folder,
                environment={
                    **self._job.request.environment,
                    "AWS_REGION": self._scope.region,
                    "AWS_DEFAULT_REGION": self._scope.region,
                },
                services_environment=self._services_environment,
                on_line=partial(self._context.logs.write, stream),
                owner_arn=self._job.arn,
                script=True,
                entrypoint=application.container_entrypoint,
                arguments=application.container_arguments,
                brought_back=("output", *(path for path, _ in self._outputs)),
                limits=Limits(instance_type=host.instance_type),
                metering=metering(self._job, LOG_GROUP, host),
                hostname=host.name,
                hosts=[each.name for each in self._hosts],
                network=self._folder.name if len(self._hosts) > 1 else "",
            ),
            syncs,
        )

    def _upload(self) -> None:
        """Of a file that two hosts have, the later host's is kept."""
        if self._cluster.unsaved:
            raise _upload_failure(self._cluster.unsaved)
        for path, output in self._outputs:
            if output.s3_upload_mode != "EndOfJob":
                continue
            uri, folders = S3Uri.parse(output.s3_uri).below(""), [host.folder / path for host in self._hosts]
            try:
                outputs.upload(self._services, self._scope, folders, self._folder, uri, self._key_id)
            except (ArtifactError, *S3_ERRORS) as error:
                raise _upload_failure(f"Unable to upload to {uri}: {error}") from error

    def _keep_message(self) -> None:
        """Show what the containers have to say, before the job's end is seen."""
        try:
            message = read_exit_message(host.folder for host in self._hosts)
        except NotUtf8 as error:
            raise JobFailure(str(error)) from error
        with self._context.resources.lock:
            self._job.exit_message = message

    @property
    def _key_id(self) -> str:
        return self._job.request.processing_output_config.kms_key_id or ""


def time_limits(request: CreateProcessingJob) -> TimeLimits:
    return TimeLimits(request.stopping_condition.max_runtime_in_seconds)


def _inputs(request: CreateProcessingJob) -> list[S3Input]:
    """What SageMaker brings. An input that is AppManaged is the container's own to fetch."""
    return [
        S3Input(
            name=entry.input_name,
            path=below_opt_ml(source.local_path),
            s3_uri=source.s3_uri,
            data_type=source.s3_data_type,
            distribution=source.s3_data_distribution_type,
            input_mode=source.s3_input_mode,
            is_gzipped=source.s3_compression_type == "Gzip",
        )
        for entry in request.processing_inputs
        if (source := entry.s3_input) and source.local_path and not entry.app_managed
    ]


def _outputs(request: CreateProcessingJob) -> list[tuple[str, ProcessingS3Output]]:
    """What SageMaker uploads, each with its folder below /opt/ml."""
    return [
        (below_opt_ml(target.local_path), target)
        for output in request.processing_output_config.outputs
        if (target := output.s3_output) and target.local_path and not output.app_managed
    ]


def _download_failure(error: object) -> JobFailure:
    return JobFailure(f"ClientError: Failed to download data. {error}")


def _upload_failure(error: object) -> JobFailure:
    return JobFailure(guessed(f"ClientError: Failed to upload data. {error}"))
