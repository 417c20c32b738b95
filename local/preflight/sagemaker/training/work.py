"""TrainingWork: what a training job does, from the S3 input to the S3 model.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from preflight.sagemaker.aws.s3 import S3_ERRORS, S3Uri
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.data import outputs
from preflight.sagemaker.data.errors import ArtifactError
from preflight.sagemaker.data.folder_sync import FolderSync
from preflight.sagemaker.jobs.cluster import (
    HOMOGENEOUS_GROUP,
    Exit,
    Host,
    HostGroup,
    make_hosts,
    metering,
    resource_configuration,
)
from preflight.sagemaker.jobs.cluster_run import ClusterRun
from preflight.sagemaker.jobs.job import JobFailure
from preflight.sagemaker.jobs.job_status import JobStatus, Stopped
from preflight.sagemaker.jobs.record import JobRecord
from preflight.sagemaker.jobs.role import role_environment
from preflight.sagemaker.jobs.time_limits import TimeLimits
from preflight.sagemaker.launching.container import ContainerSpec, Limits
from preflight.sagemaker.launching.folders import remove_folder
from preflight.sagemaker.telemetry.logs import LogStream
from preflight.sagemaker.training.algorithm import runs_script
from preflight.sagemaker.training.channel import Channel
from preflight.sagemaker.training.description import job_metrics
from preflight.sagemaker.training.metrics import OBJECTIVE_METRIC, MetricReader
from preflight.sagemaker.training.output_location import OutputLocation
from preflight.sagemaker.training.record import MetricData, TrainingJobRecord
from preflight.sagemaker.training.request import AlgorithmSpecification, ResourceConfig, StoppingCondition

LOG_GROUP = "/aws/sagemaker/TrainingJobs"


class TrainingWork:
    """The work of ``job``, step by step: bring the input, run the containers, upload what they leave."""

    def __init__(self, context: ServiceContext, job: TrainingJobRecord) -> None:
        self._context = context
        self._job = job
        self._scope = job.scope
        self._services = context.services.acting_as(job.request.role_arn, job.scope)
        self._services_environment: Mapping[str, str] = {}
        # A name may be used again once its job is deleted; the folder is this job's only.
        unique = f"{job.name}-{uuid.uuid4().hex[:8]}"
        self._folder = context.folder(job.scope.account_id, job.scope.region, "training-jobs", unique)
        default_mode = job.specification.training_input_mode
        self._channels = [Channel.of(entry, default_mode) for entry in job.request.input_data_config]
        self._hosts = make_hosts(_groups(job.resources), self._folder)
        self._cluster = ClusterRun(context, self._services, job.scope)
        self._metrics = MetricReader(job_metrics(job), self._take_metric)
        self._syncs: dict[str, list[FolderSync]] = {host.name: [] for host in self._hosts}

    def run(self, record: JobRecord, status: JobStatus) -> None:
        if record.secondary_status == "Starting":
            status.proceed("Starting", "Preparing the instances for training")
        status.start_clock()
        status.proceed("Downloading", "Downloading input data")
        self._prepare(status.require_going)
        status.proceed("Downloading", "Downloading the training image")
        note = self._context.launcher.warning(
            self._job.image, self._scope.region, script=runs_script(self._job.request)
        )
        status.proceed("Training", " ".join(["Training image download completed. Training in progress.", note]).strip())
        limit, exceeded = time_limits(self._job.request.stopping_condition).for_running(record.seconds_waited)
        ended = self._train(limit)
        failed = ended.code != 0 and not ended.out_of_time and not status.stop_asked
        status.finish("Uploading", "Uploading generated training model")
        try:
            self._upload()  # of a failed job, too
        finally:
            if failed:
                raise JobFailure(ended.failure_reason())
        if ended.out_of_time and not status.stop_asked:
            raise Stopped(exceeded)

    def terminate(self, grace_seconds: float) -> None:
        self._cluster.terminate(grace_seconds)

    def remove(self) -> None:
        remove_folder(self._folder)

    def _prepare(self, check: Callable[[], None]) -> None:
        """Make each host's folders and bring its input; ``check`` may raise to give up."""
        is_isolated = self._job.request.enable_network_isolation
        self._services_environment = role_environment(self._services, is_isolated=is_isolated)
        try:
            for host in self._hosts:
                self._write_configuration(host)
                self._syncs[host.name] = self._make_syncs(host, check)
            for channel in self._channels:
                hosts = [host.folder for host in self._hosts if _gets(host, channel)]
                self._cluster.inputs.bring(channel, hosts, check)
        except (ArtifactError, *S3_ERRORS) as error:
            raise _download_failure(error) from error

    def _train(self, limit_seconds: float) -> Exit:
        """Run the containers to their end."""
        try:
            return self._cluster.run(self._launch, self._hosts, limit_seconds)
        except ArtifactError as error:
            raise _download_failure(error) from error

    def _upload(self) -> None:
        if self._cluster.unsaved:
            raise _upload_failure(self._cluster.unsaved)
        output = OutputLocation.of(self._job.request)
        for below, uri in (("model", output.model), ("output/data", output.data)):
            folders = [host.folder / below for host in self._hosts]
            try:
                outputs.upload(self._services, self._scope, folders, self._folder, uri, output.kms_key_id)
            except (ArtifactError, *S3_ERRORS) as error:
                raise _upload_failure(f"Unable to upload {uri}: {error}") from error

    def _write_configuration(self, host: Host) -> None:
        """Make the folders ``host``'s container expects, and the files below input/config."""
        request = self._job.request
        channels_here = [channel for channel in self._channels if _gets(host, channel)]
        configuration: dict[str, object] = {
            "hyperparameters.json": request.hyper_parameters,
            "inputdataconfig.json": {channel.name: channel.configuration() for channel in channels_here},
            "resourceconfig.json": resource_configuration(host, self._hosts),
        }
        if request.checkpoint_config:
            configuration["checkpointconfig.json"] = {"LocalPath": request.checkpoint_config.local_path}
        folder = host.folder / "input" / "config"
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in configuration.items():
            (folder / name).write_text(json.dumps(content))
        for output in ("model", "output/data"):
            (host.folder / output).mkdir(parents=True, exist_ok=True)

    def _make_syncs(self, host: Host, check: Callable[[], None]) -> list[FolderSync]:
        """What CheckpointConfig and TensorBoardOutputConfig ask for on one host; checkpoints are there already."""
        request, services = self._job.request, self._services
        syncs = []
        if checkpoints := request.checkpoint_config:
            sync = FolderSync(services, self._scope, host.folder, "checkpoints", S3Uri.parse(checkpoints.s3_uri))
            sync.fill(check)
            syncs.append(sync)
        if tensor_board := request.tensor_board_output_config:
            below = S3Uri.parse(tensor_board.s3_output_path).below(f"{self._job.name}/tensorboard-output")
            syncs.append(FolderSync(services, self._scope, host.folder, "output/tensorboard", below))
        return syncs

    def _launch(self, host: Host) -> None:
        created = int(self._job.creation_time.timestamp())
        stream = LogStream(
            self._scope, LOG_GROUP, f"{self._job.name}/{host.name}-{created}", self._job.request.role_arn
        )

        def take(line: str) -> None:
            self._context.logs.write(stream, line.replace("\t", "#011"))
            self._metrics.read(line)

        specification = self._job.specification
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
                    "TRAINING_JOB_NAME": self._job.name,
                    "TRAINING_JOB_ARN": self._job.arn,
                },
                services_environment=self._services_environment,
                on_line=take,
                owner_arn=self._job.arn,
                script=runs_script(self._job.request),
                entrypoint=specification.container_entrypoint,
                arguments=_arguments(specification),
                brought_back=("model", "output", "checkpoints"),
                limits=Limits(instance_type=host.instance_type),
                metering=metering(self._job, LOG_GROUP, host),
                hostname=host.name,
                hosts=[each.name for each in self._hosts],
                network=self._folder.name if len(self._hosts) > 1 else "",
            ),
            self._syncs[host.name],
        )

    def _take_metric(self, name: str, value: float) -> None:
        with self._context.resources.lock:
            self._job.final_metrics[name] = MetricData(value=value, timestamp=datetime.now(UTC))
            if self._job.tuned and name == OBJECTIVE_METRIC:
                self._job.tuned.values.append(value)
        self._context.metrics.training_metric(self._scope, self._job.name, self._job.request.role_arn, name, value)


def time_limits(condition: StoppingCondition) -> TimeLimits:
    return TimeLimits(
        condition.max_runtime_in_seconds, condition.max_wait_time_in_seconds, condition.max_pending_time_in_seconds
    )


def _groups(resources: ResourceConfig) -> list[HostGroup]:
    """What ResourceConfig asks for, in one form."""
    if resources.instance_groups:
        return [
            HostGroup(group.instance_group_name, group.instance_type, group.instance_count)
            for group in resources.instance_groups
        ]
    # CreateTrainingJob asks for both, or for groups.
    assert resources.instance_type is not None and resources.instance_count is not None
    return [HostGroup(HOMOGENEOUS_GROUP, resources.instance_type, resources.instance_count)]


def _arguments(specification: AlgorithmSpecification) -> Sequence[str]:
    """The image's command is ``train``, unless the request has arguments or an entry point of its own."""
    if specification.container_arguments is not None:
        return specification.container_arguments
    return () if specification.container_entrypoint else ("train",)


def _gets(host: Host, channel: Channel) -> bool:
    return not channel.groups or host.group in channel.groups


def _download_failure(error: Exception) -> JobFailure:
    return JobFailure(f"ClientError: Data download failed:{error}")


def _upload_failure(error: object) -> JobFailure:
    return JobFailure(f"ClientError: Artifact upload failed:{error}")
