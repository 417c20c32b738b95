"""One run of a training job: its hosts' folders, input, containers and output."""

import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain
from pathlib import Path
from time import monotonic
from typing import Any

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.s3 import S3_ERRORS
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.data import channels
from preflight.sagemaker.data import outputs as training_outputs
from preflight.sagemaker.data.artifacts import ArtifactError
from preflight.sagemaker.data.channels import Channel
from preflight.sagemaker.data.folder_sync import FolderSync, syncs_of
from preflight.sagemaker.data.objects import share
from preflight.sagemaker.data.outputs import OutputLocation
from preflight.sagemaker.data.pipes import Pipe
from preflight.sagemaker.jobs.cluster import Host, make_hosts, write_configuration
from preflight.sagemaker.jobs.status import FAILURE_REASON_CHARACTERS
from preflight.sagemaker.launching.container import Container, ContainerSpec, Limits
from preflight.sagemaker.launching.folders import remove_folder
from preflight.sagemaker.telemetry.logs import LogStream

STOP_GRACE_SECONDS = 120  # between SIGTERM and SIGKILL, as on AWS
WATCH_SECONDS = 0.2
PIPE_JOIN_SECONDS = 10
CUSTOMER_ERROR_EXIT_CODE = 2  # what the built-in algorithms exit with when the input is at fault


class TrainingFailure(Exception):
    """The job has failed; the text is its FailureReason."""


@dataclass(frozen=True)
class Exit:
    """How the containers ended: the first exit code that is not 0 and its host, or 0."""

    code: int
    host: Host
    out_of_time: bool = False


class TrainingRun:
    """The work of one job, step by step: ``prepare``, ``train``, ``upload``; ``remove`` whatever came of it."""

    def __init__(
        self, context: ServiceContext, scope: Scope, request: Mapping[str, Any], arn: str, folder: Path
    ) -> None:
        self._context = context
        self._scope = scope
        self._request = request
        self._arn = arn
        self._folder = folder
        self._channels = Channel.all_of(request)
        self._hosts = make_hosts(request["ResourceConfig"], folder)
        self._pipes: dict[str, list[Pipe]] = {host.name: [] for host in self._hosts}
        self._syncs: dict[str, list[FolderSync]] = {host.name: [] for host in self._hosts}
        self._containers: list[Container] = []
        self._grace: float | None = None  # set once the containers are to end
        self._input_error: ArtifactError | None = None
        self._unsaved: ArtifactError | None = None
        self._lock = threading.Lock()

    def prepare(self, before_each: Callable[[], None]) -> None:
        """Make each host's folders and bring its input; ``before_each`` object may raise to give up.

        Raises:
            TrainingFailure: the input cannot be read.
        """
        try:
            for host in self._hosts:
                write_configuration(host, self._hosts, self._request, self._channels)
                self._syncs[host.name] = syncs_of(self._context.services, self._scope, self._request, host.folder)
            for channel in self._channels:
                self._bring(channel, before_each)
        except (ArtifactError, *S3_ERRORS) as error:
            raise _download_failure(error) from error

    def train(self, limit_seconds: float, created: datetime, on_line: Callable[[str], None]) -> Exit:
        """Run the containers to their end. Raises TrainingFailure if their input broke off."""
        try:
            for host in self._hosts:
                self._launch(host, f"{host.name}-{int(created.timestamp())}", on_line)
            ended = self._watch(monotonic() + limit_seconds)
        finally:
            self._end_containers()
            self._finish_syncs()
            self._context.logs.flush()  # whoever sees the job's end finds its log whole
        if self._input_error:
            raise _download_failure(self._input_error)
        return ended

    def upload(self) -> None:
        """Raises TrainingFailure if S3 does not take the output, or did not take the last checkpoints."""
        if self._unsaved:
            raise _upload_failure(self._unsaved)
        output = OutputLocation.of(self._request)
        for below, uri in (("model", output.model), ("output/data", output.data)):
            folders = [host.folder / below for host in self._hosts]
            try:
                training_outputs.upload(
                    self._context.services, self._scope, folders, self._folder, uri, output.kms_key_id
                )
            except (ArtifactError, *S3_ERRORS) as error:
                raise _upload_failure(f"Unable to upload {uri}: {error}") from error

    def failure_reason(self, ended: Exit) -> str:
        """FailureReason from the failing host's failure file and exit code, in AWS's form."""
        try:
            with (ended.host.folder / "output" / "failure").open(errors="replace") as failure:
                text = failure.read(FAILURE_REASON_CHARACTERS).strip()
        except OSError:
            text = ""
        kind = "ClientError" if text and ended.code == CUSTOMER_ERROR_EXIT_CODE else "AlgorithmError"
        tail = f", exit code: {ended.code}"
        return f"{kind}: {text}"[: FAILURE_REASON_CHARACTERS - len(tail)] + tail

    def terminate(self, grace_seconds: float) -> None:
        """SIGTERM to every container, those that start later included; returns at once."""
        with self._lock:
            self._grace = grace_seconds
            for container in self._containers:
                container.terminate(grace_seconds)

    def remove(self) -> None:
        remove_folder(self._folder)

    def _bring(self, channel: Channel, before_each: Callable[[], None]) -> None:
        services, scope = self._context.services, self._scope
        objects = channels.find_objects(services, scope, channel)
        hosts = [host for host in self._hosts if host.gets(channel)]
        for place, host in enumerate(hosts):
            parts = len(hosts) if channel.is_sharded else 1
            mine = partial(share, objects, place if channel.is_sharded else 0, parts, channel.seed)
            if channel.input_mode == "Pipe":
                pipe = Pipe(services, scope, channel.name, host.folder, mine, channel.is_gzipped)
                self._pipes[host.name].append(pipe)
            else:
                channels.download(services, scope, channel, mine(0), host.folder, before_each)

    def _launch(self, host: Host, stream_name: str, on_line: Callable[[str], None]) -> None:
        name = self._request["TrainingJobName"]
        stream = LogStream(self._scope, "/aws/sagemaker/TrainingJobs", f"{name}/{stream_name}")

        def take(line: str) -> None:
            self._context.logs.write(stream, line.replace("\t", "#011"))
            on_line(line)

        specification = self._request["AlgorithmSpecification"]
        entrypoint = specification.get("ContainerEntrypoint")
        container = self._context.launcher.launch(
            ContainerSpec(
                image=specification["TrainingImage"],
                region=self._scope.region,
                owner_arn=self._arn,
                folder=host.folder,
                on_line=take,
                environment={
                    **self._request.get("Environment", {}),
                    "AWS_REGION": self._scope.region,
                    "AWS_DEFAULT_REGION": self._scope.region,
                    "TRAINING_JOB_NAME": name,
                    "TRAINING_JOB_ARN": self._arn,
                },
                entrypoint=entrypoint,
                arguments=specification.get("ContainerArguments", () if entrypoint else ("train",)),
                brought_back=("model", "output", "checkpoints"),
                limits=Limits(instance_type=host.instance_type),
                hostname=host.name,
                network=self._folder.name if len(self._hosts) > 1 else "",
            )
        )
        with self._lock:
            self._containers.append(container)
            if self._grace is not None:
                container.terminate(self._grace)
        for pipe in self._pipes[host.name]:
            pipe.start(container, self._input_failed)
        for sync in self._syncs[host.name]:
            sync.start(container)

    def _watch(self, deadline: float) -> Exit:
        """Wait until every container has ended, or one has failed that was not asked to end."""
        out_of_time = False
        while True:
            codes = [container.poll() for container in self._containers]
            failed = next((place for place, code in enumerate(codes) if code), None)
            if None not in codes:
                for container in self._containers:
                    container.wait()  # what it wrote is read
            if None not in codes or (failed is not None and self._grace is None):
                place = failed or 0
                return Exit(codes[place] or 0, self._hosts[place], out_of_time)
            if monotonic() >= deadline and not out_of_time:
                out_of_time = True
                self.terminate(STOP_GRACE_SECONDS)
            running = self._containers[codes.index(None)]
            try:
                running.wait(WATCH_SECONDS if out_of_time else max(0.0, min(WATCH_SECONDS, deadline - monotonic())))
            except subprocess.TimeoutExpired:
                continue

    def _end_containers(self) -> None:
        """Stop what still runs (another host has failed), and let go of the input."""
        for container in self._containers:
            container.stop(0)
        for pipe in chain.from_iterable(self._pipes.values()):
            pipe.join(PIPE_JOIN_SECONDS)

    def _finish_syncs(self) -> None:
        for sync in chain.from_iterable(self._syncs.values()):
            try:
                sync.finish()
            except ArtifactError as error:
                self._unsaved = error

    def _input_failed(self, error: ArtifactError) -> None:
        """An object of a pipe cannot be read: no container may take what it has for the whole."""
        self._input_error = self._input_error or error
        self.terminate(0)
        for container in self._containers:
            container.stop(0)


def _download_failure(error: Exception) -> TrainingFailure:
    return TrainingFailure(f"ClientError: Data download failed:{error}")


def _upload_failure(error: object) -> TrainingFailure:
    return TrainingFailure(f"ClientError: Artifact upload failed:{error}")
