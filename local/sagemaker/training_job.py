"""TrainingJob: one run of a container's ``train``, from the S3 input to the S3 model.

States (TrainingJobStatus: SecondaryStatus), as on AWS::

    InProgress: Starting ─► Downloading ─► Training ─► Uploading ─► Completed: Completed
                                 │             │
                                 │             ├─► Uploading ─► Stopped: MaxRuntimeExceeded
                                 │             └─► Stopping: Stopping ─► Stopped: Stopped
                                 └──── any of these may end Failed: Failed, with a FailureReason

One thread carries a job through; reads never wait for it.
"""

import contextlib
import json
import logging
import subprocess
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import regex
from botocore.exceptions import BotoCoreError, ClientError

from local.sagemaker.artifacts import (
    ArtifactError,
    download_prefix,
    remove_folder,
    safe_path,
    upload_folder_as_tar,
)
from local.sagemaker.context import ServiceContext
from local.sagemaker.errors import ResourceInUse, UnsupportedByPreflight, ValidationException
from local.sagemaker.images import find_builtin_algorithm, require_training_image
from local.sagemaker.launcher import Container, ContainerSpec
from local.sagemaker.listing import Listing
from local.sagemaker.logs import LogStream
from local.sagemaker.metrics import BUILTIN_METRICS, MetricReader
from local.sagemaker.other_services import S3Uri
from local.sagemaker.store import Scope
from local.sagemaker.tags import tag_resource

LOG = logging.getLogger(__name__)

DEFAULT_MAX_RUNTIME_SECONDS = 86_400
STOP_GRACE_SECONDS = 120  # between SIGTERM and SIGKILL, as on AWS
SLOT_POLL_SECONDS = 0.2
FAILURE_TEXT_CHARACTERS = 1_024
CUSTOMER_ERROR_EXIT_CODE = 2  # what the built-in algorithms exit with when the input is at fault

_LISTING = Listing(
    result_key="TrainingJobSummaries",
    name_key="TrainingJobName",
    status_key="TrainingJobStatus",
    default_order="Ascending",
)


class _Stopped(Exception):
    """The job was asked to stop before its container ran."""


class TrainingJob:
    """One training job; ``describe`` shows it as DescribeTrainingJob does."""

    def __init__(self, context: ServiceContext, scope: Scope, request: Mapping[str, Any]) -> None:
        self.name: str = request["TrainingJobName"]
        self.arn = scope.arn("training-job", self.name)
        self._context = context
        self._scope = scope
        self._request = request
        self._folder = context.folder(scope.account_id, scope.region, "training-jobs", self.name)
        self._stop_asked = threading.Event()
        self._container: Container | None = None
        self._metrics = MetricReader(self._metric_definitions())

        self.status = "InProgress"
        self.creation_time = self._last_modified = datetime.now(UTC)
        self._transitions: list[dict[str, Any]] = []
        self._start_time: datetime | None = None
        self._end_time: datetime | None = None
        self._failure_reason: str | None = None
        self._enter("Starting", "Starting the training job")

    @property
    def secondary_status(self) -> str:
        status: str = self._transitions[-1]["Status"]
        return status

    # What the API shows

    def describe(self) -> dict[str, Any]:
        as_asked = (
            "HyperParameters",
            "RoleArn",
            "InputDataConfig",
            "ResourceConfig",
            "VpcConfig",
            "Environment",
            "ExperimentConfig",
            "ProfilerConfig",
            "RemoteDebugConfig",
            "InfraCheckConfig",
        )
        with self._context.stores.lock:
            description = {
                "TrainingJobName": self.name,
                "TrainingJobArn": self.arn,
                "TrainingJobStatus": self.status,
                "SecondaryStatus": self.secondary_status,
                "SecondaryStatusTransitions": [dict(transition) for transition in self._transitions],
                "ModelArtifacts": {"S3ModelArtifacts": str(self._model_uri())},
                "AlgorithmSpecification": self._algorithm_specification(),
                "OutputDataConfig": {
                    "CompressionType": "GZIP",
                    "KmsKeyId": "",
                    **self._request["OutputDataConfig"],
                },
                "StoppingCondition": {
                    "MaxRuntimeInSeconds": self._max_runtime(),
                    **self._stopping_condition(),
                },
                "CreationTime": self.creation_time,
                "LastModifiedTime": self._last_modified,
                "TrainingStartTime": self._start_time,
                "TrainingEndTime": self._end_time,
                "FailureReason": self._failure_reason,
                "FinalMetricDataList": self._metrics.final_metric_data_list() or None,
                "EnableNetworkIsolation": self._request.get("EnableNetworkIsolation", False),
                "EnableInterContainerTrafficEncryption": self._request.get(
                    "EnableInterContainerTrafficEncryption", False
                ),
                "EnableManagedSpotTraining": self._request.get("EnableManagedSpotTraining", False),
                **{key: self._request[key] for key in as_asked if key in self._request},
            }
            if self._start_time and self._end_time:
                seconds = max(1, round((self._end_time - self._start_time).total_seconds()))
                description |= {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}
            return {key: value for key, value in description.items() if value is not None}

    def summary(self) -> dict[str, Any]:
        with self._context.stores.lock:
            summary = {
                "TrainingJobName": self.name,
                "TrainingJobArn": self.arn,
                "CreationTime": self.creation_time,
                "LastModifiedTime": self._last_modified,
                "TrainingEndTime": self._end_time,
                "TrainingJobStatus": self.status,
                "SecondaryStatus": self.secondary_status,
            }
        return {key: value for key, value in summary.items() if value is not None}

    # What happens

    def start(self) -> None:
        threading.Thread(target=self._run, name=f"training-{self.name}", daemon=True).start()

    def stop(self) -> None:
        """Ask the job to stop; what it has in its model folder by then is kept."""
        with self._context.stores.lock:
            if self.status not in ("InProgress", "Stopping"):
                raise ValidationException(
                    f"The request was rejected because the training job is in status {self.status}"
                )
            if self.status == "InProgress":
                self.status = "Stopping"
                self._enter("Stopping", "Stopping the training job")
                self._stop_asked.set()
                if self._container:
                    self._container.terminate(STOP_GRACE_SECONDS)

    def kill(self) -> None:
        """End its container at once: the stack goes down."""
        self._stop_asked.set()
        if self._container:
            self._container.terminate(0)

    def _run(self) -> None:
        try:
            with self._slot():
                self._train()
        except _Stopped:
            self._end("Stopped", "Stopped", "Training job stopped")
        except ArtifactError as error:
            self._fail(f"ClientError: {error}")
        except (ClientError, BotoCoreError) as error:
            self._fail(f"ClientError: {error}")
        except Exception as error:
            LOG.exception("Training job %s failed inside Preflight.", self.name)
            self._fail(f"InternalServerError: {type(error).__name__}: {error}")
        finally:
            remove_folder(self._folder)

    @contextlib.contextmanager
    def _slot(self) -> Iterator[None]:
        """Wait for one of the few places to train, as a job on AWS waits for instances."""
        slots = self._context.training_slots
        while not slots.acquire(timeout=SLOT_POLL_SECONDS):
            if self._stop_asked.is_set():
                raise _Stopped
        try:
            yield
        finally:
            slots.release()

    def _train(self) -> None:
        self._proceed("Starting", "Launching requested ML instances")
        self._proceed("Starting", "Preparing the instances for training")
        with self._context.stores.lock:
            self._start_time = datetime.now(UTC)
        self._proceed("Downloading", "Downloading input data")
        self._write_configuration()
        self._download_channels()
        self._proceed("Training", "Training image download completed. Training in progress.")
        exit_code, timed_out = self._run_container()
        if exit_code != 0 and not timed_out and not self._stop_asked.is_set():
            self._fail(self._failure_text(exit_code))
            return
        self._upload()
        if self._stop_asked.is_set():
            self._end("Stopped", "Stopped", "Training job stopped")
        elif timed_out:
            self._end("Stopped", "MaxRuntimeExceeded", "Training job runtime exceeded MaxRuntimeInSeconds provided")
        else:
            self._end("Completed", "Completed", "Training job completed")

    def _write_configuration(self) -> None:
        """The files under input/config. Page: "How SageMaker AI Provides Training Information"."""
        instance_type = self._request["ResourceConfig"]["InstanceType"]
        configuration = {
            "hyperparameters.json": self._request.get("HyperParameters", {}),
            "inputdataconfig.json": {
                channel["ChannelName"]: _input_data_config(channel, self._input_mode(channel))
                for channel in self._request.get("InputDataConfig", [])
            },
            "resourceconfig.json": {
                "current_host": "algo-1",
                "current_instance_type": instance_type,
                "current_group_name": "homogeneousCluster",
                "hosts": ["algo-1"],
                "instance_groups": [
                    {
                        "instance_group_name": "homogeneousCluster",
                        "instance_type": instance_type,
                        "hosts": ["algo-1"],
                    }
                ],
                "network_interface_name": "eth0",
            },
        }
        folder = self._folder / "input" / "config"
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in configuration.items():
            (folder / name).write_text(json.dumps(content))
        for output in ("model", "output/data"):
            (self._folder / output).mkdir(parents=True, exist_ok=True)

    def _download_channels(self) -> None:
        for channel in self._request.get("InputDataConfig", []):
            source = channel["DataSource"]["S3DataSource"]
            folder = safe_path(self._folder / "input" / "data", channel["ChannelName"])
            folder.mkdir(parents=True, exist_ok=True)
            if not download_prefix(self._context.services, self._scope, S3Uri.parse(source["S3Uri"]), folder):
                raise ArtifactError(f"No S3 objects found under S3 URL {source['S3Uri']!r}.")

    def _run_container(self) -> tuple[int, bool]:
        """The exit code, and whether MaxRuntimeInSeconds ended it."""
        stream = LogStream(
            self._scope,
            "/aws/sagemaker/TrainingJobs",
            f"{self.name}/algo-1-{int(self.creation_time.timestamp())}",
        )

        def on_line(line: str) -> None:
            self._context.logs.write(stream, line.replace("\t", "#011"))
            self._metrics.read(line)

        container = self._context.launcher.launch(
            ContainerSpec(
                image=self._request["AlgorithmSpecification"]["TrainingImage"],
                region=self._scope.region,
                command="train",
                folder=self._folder,
                environment={
                    **self._request.get("Environment", {}),
                    "AWS_REGION": self._scope.region,
                    "AWS_DEFAULT_REGION": self._scope.region,
                    "TRAINING_JOB_NAME": self.name,
                    "TRAINING_JOB_ARN": self.arn,
                },
                on_line=on_line,
                owner_arn=self.arn,
                instance_type=self._request["ResourceConfig"]["InstanceType"],
            )
        )
        with self._context.stores.lock:
            self._container = container
            if self._stop_asked.is_set():
                container.terminate(STOP_GRACE_SECONDS)
        try:
            exit_code = container.wait(self._max_runtime())
            return exit_code, False
        except subprocess.TimeoutExpired:
            container.terminate(STOP_GRACE_SECONDS)
            return container.wait(), True
        finally:
            self._context.logs.flush()  # whoever sees the job's end finds its log whole

    def _upload(self) -> None:
        with self._context.stores.lock:
            if not self._stop_asked.is_set():
                self._enter("Uploading", "Uploading generated training model")
        for folder, uri in (
            (self._folder / "model", self._model_uri()),
            (self._folder / "output" / "data", self._output_uri("output.tar.gz")),
        ):
            try:
                upload_folder_as_tar(self._context.services, self._scope, folder, uri)
            except (ClientError, BotoCoreError) as error:
                raise ArtifactError(f"Failed to upload {uri}: {error}") from error

    def _failure_text(self, exit_code: int) -> str:
        """FailureReason from the failure file and the exit code, in AWS's form."""
        try:
            with (self._folder / "output" / "failure").open(errors="replace") as failure:
                text = failure.read(FAILURE_TEXT_CHARACTERS).strip()
        except OSError:
            text = ""
        kind = "ClientError" if text and exit_code == CUSTOMER_ERROR_EXIT_CODE else "AlgorithmError"
        tail = f", exit code: {exit_code}"
        return f"{kind}: {text}"[: FAILURE_TEXT_CHARACTERS - len(tail)] + tail

    def _proceed(self, secondary_status: str, message: str) -> None:
        """Enter the next state, unless the job has been asked to stop."""
        with self._context.stores.lock:
            if self._stop_asked.is_set():
                raise _Stopped
            self._enter(secondary_status, message)

    def _enter(self, secondary_status: str, message: str) -> None:
        """A new message in the same state replaces the old one, as on AWS."""
        now = datetime.now(UTC)
        with self._context.stores.lock:
            self._last_modified = now
            if self._transitions and self._transitions[-1]["Status"] == secondary_status:
                self._transitions[-1]["StatusMessage"] = message
                return
            if self._transitions:
                self._transitions[-1]["EndTime"] = now
            self._transitions.append({"Status": secondary_status, "StartTime": now, "StatusMessage": message})

    def _end(self, status: str, secondary_status: str, message: str) -> None:
        with self._context.stores.lock:
            self._enter(secondary_status, message)
            self._end_time = self._transitions[-1]["EndTime"] = datetime.now(UTC)
            self.status = status

    def _fail(self, reason: str) -> None:
        with self._context.stores.lock:
            self._failure_reason = reason[:FAILURE_TEXT_CHARACTERS]
            self._end("Failed", "Failed", "Training job failed")

    # What the request means

    def _input_mode(self, channel: Mapping[str, Any]) -> str:
        mode: str = channel.get("InputMode") or self._request["AlgorithmSpecification"]["TrainingInputMode"]
        return "File" if mode == "FastFile" else mode  # AWS tells the container File for both

    def _stopping_condition(self) -> Mapping[str, Any]:
        condition: Mapping[str, Any] = self._request.get("StoppingCondition", {})
        return condition

    def _max_runtime(self) -> int:
        return int(self._stopping_condition().get("MaxRuntimeInSeconds", DEFAULT_MAX_RUNTIME_SECONDS))

    def _output_uri(self, name: str) -> S3Uri:
        output = S3Uri.parse(self._request["OutputDataConfig"]["S3OutputPath"])
        return S3Uri(output.bucket, f"{output.key.rstrip('/')}/{self.name}/output/{name}".lstrip("/"))

    def _model_uri(self) -> S3Uri:
        return self._output_uri("model.tar.gz")

    def _metric_definitions(self) -> list[dict[str, str]]:
        """The caller's, and those AWS adds for its own images."""
        specification = self._request["AlgorithmSpecification"]
        algorithm = find_builtin_algorithm(specification["TrainingImage"], self._scope.region)
        return [*specification.get("MetricDefinitions", []), *BUILTIN_METRICS.get(algorithm or "", [])]

    def _algorithm_specification(self) -> dict[str, Any]:
        specification = {
            "EnableSageMakerMetricsTimeSeries": False,
            **self._request["AlgorithmSpecification"],
            "MetricDefinitions": self._metric_definitions(),
        }
        return {key: value for key, value in specification.items() if value != []}


class TrainingJobs:
    """Operations on TrainingJob."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    def create(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        arn = scope.arn("training-job", request["TrainingJobName"])
        self._require_free_name(scope, request["TrainingJobName"], arn)
        _require_runnable(request)
        self._context.services.require_assumable_role(scope, request["RoleArn"])
        require_training_image(request["AlgorithmSpecification"])
        self._context.launcher.require_image(request["AlgorithmSpecification"]["TrainingImage"], scope.region)
        self._require_data(scope, request)
        job = TrainingJob(self._context, scope, request)
        with self._context.stores.lock:
            self._require_free_name(scope, job.name, arn)
            tag_resource(self._context.stores[scope], arn, request.get("Tags", []))
            self._context.stores[scope].training_jobs[job.name] = job
        job.start()
        return {"TrainingJobArn": arn}

    def describe(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        return self._require(scope, request["TrainingJobName"]).describe()

    def list(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        with self._context.stores.lock:
            summaries = [job.summary() for job in self._context.stores[scope].training_jobs.values()]
        return _LISTING.page(summaries, request)

    def stop(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        self._require(scope, request["TrainingJobName"]).stop()
        return {}

    def close(self) -> None:
        """Stop every container: the stack goes down."""
        for store in self._context.stores:
            for job in store.training_jobs.values():
                job.kill()

    def _require(self, scope: Scope, name: str) -> TrainingJob:
        with self._context.stores.lock:
            job = self._context.stores[scope].training_jobs.get(name)
        if job is None:
            raise ValidationException("Requested resource not found.")
        return job

    def _require_free_name(self, scope: Scope, name: str, arn: str) -> None:
        with self._context.stores.lock:
            if name in self._context.stores[scope].training_jobs:
                raise ResourceInUse(
                    "Training job names must be unique within an AWS account and region, "
                    f"and a training job with this name already exists ({arn})"
                )

    def _require_data(self, scope: Scope, request: Mapping[str, Any]) -> None:
        services = self._context.services
        for channel in request.get("InputDataConfig", []):
            uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
            parsed = S3Uri.parse(uri)
            if next(services.objects(scope, parsed), None) is None:
                raise ValidationException(
                    f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the '
                    f"bucket exists in the selected region ({scope.region}), that objects exist under that S3 "
                    f'prefix, and that the role "{request["RoleArn"]}" has "s3:ListBucket" permissions on bucket '
                    f'"{parsed.bucket}".'
                )
        output = S3Uri.parse(request["OutputDataConfig"]["S3OutputPath"])
        if not services.has_bucket(scope, output.bucket):
            raise ValidationException(  # words guessed
                f"The S3 bucket {output.bucket} of OutputDataConfig.S3OutputPath does not exist."
            )


def _require_runnable(request: Mapping[str, Any]) -> None:
    """What AWS asks of a request beyond its model, and what runs on AWS only."""
    if "AlgorithmSpecification" not in request:
        raise ValidationException("AlgorithmSpecification is required.")  # words guessed
    if "TrainingImage" not in request["AlgorithmSpecification"]:
        raise ValidationException("TrainingImage or AlgorithmName must be specified.")  # words guessed
    resources = request.get("ResourceConfig", {})
    for member in ("InstanceType", "InstanceCount", "VolumeSizeInGB"):
        if member not in resources:
            raise ValidationException(f"ResourceConfig.{member} is required.")  # words guessed
    if resources["InstanceCount"] < 1:
        raise ValidationException("ResourceConfig.InstanceCount must be at least 1.")  # words guessed
    if resources["InstanceCount"] > 1:
        raise UnsupportedByPreflight("CreateTrainingJob with ResourceConfig.InstanceCount above 1")
    if request["OutputDataConfig"].get("CompressionType") == "NONE":
        raise UnsupportedByPreflight("CreateTrainingJob with OutputDataConfig.CompressionType NONE")
    names = [channel["ChannelName"] for channel in request.get("InputDataConfig", [])]
    if len(set(names)) < len(names):
        raise ValidationException("Channel names must be unique within a training job.")  # words guessed
    for channel in request.get("InputDataConfig", []):
        _require_readable(channel, request["AlgorithmSpecification"]["TrainingInputMode"])
    for definition in request["AlgorithmSpecification"].get("MetricDefinitions", []):
        try:
            regex.compile(definition["Regex"])
        except regex.error as error:
            raise ValidationException(
                f"The regular expression of metric {definition['Name']} is invalid: {error}."  # words guessed
            ) from None


def _require_readable(channel: Mapping[str, Any], job_input_mode: str) -> None:
    name = channel["ChannelName"]
    source = channel["DataSource"].get("S3DataSource")
    if source is None:
        raise ValidationException(f"Channel {name} needs a DataSource with an S3DataSource.")  # words guessed
    if source["S3DataType"] != "S3Prefix":
        raise UnsupportedByPreflight(f"CreateTrainingJob with S3DataType {source['S3DataType']} (channel {name})")
    mode = channel.get("InputMode", job_input_mode)
    if mode == "Pipe":
        raise UnsupportedByPreflight(f"CreateTrainingJob with InputMode Pipe (channel {name})")
    if channel.get("CompressionType") == "Gzip":
        raise ValidationException(f"CompressionType Gzip needs InputMode Pipe (channel {name}).")  # words guessed
    if channel.get("RecordWrapperType") == "RecordIO":
        raise ValidationException(f"RecordWrapperType RecordIO needs InputMode Pipe (channel {name}).")


def _input_data_config(channel: Mapping[str, Any], input_mode: str) -> dict[str, str]:
    source = channel["DataSource"]["S3DataSource"]
    config = {
        "TrainingInputMode": input_mode,
        "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
    }
    if "ContentType" in channel:
        config["ContentType"] = channel["ContentType"]
    return config
