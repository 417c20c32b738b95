"""ServedModel: a model made to answer; fetches its data and makes instances of its containers."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from preflight.sagemaker.api.errors import ServiceError
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.clients import RoleClients
from preflight.sagemaker.aws.s3 import S3_ERRORS
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.data.archives import download_archive
from preflight.sagemaker.data.errors import ArtifactError
from preflight.sagemaker.launching.container import Container, ContainerSpec, Limits, Metering
from preflight.sagemaker.serving.instance import Instance
from preflight.sagemaker.serving.model import ModelRecord
from preflight.sagemaker.serving.model_data import ModelData
from preflight.sagemaker.serving.multi_model import FOLDER, Measure, Models
from preflight.sagemaker.serving.request import ContainerDefinition
from preflight.sagemaker.serving.serving_container import ServingContainer
from preflight.sagemaker.telemetry.logs import LogStream
from preflight.unpacking import GIB

SERVING_PORT = 8080  # in a pipeline the first container's; each has the port after the one before
SAFE_PORT_RANGE = "9000-9999"
# AWS does not say how many pings a container may miss. One that takes requests one at a time answers none while it
# has one: it may be silent for as long as a request may take, and this much longer.
SILENCE_SECONDS = 10.0


class ServingError(Exception):
    """A model could not be made to answer; the text is for FailureReason."""


@dataclass(frozen=True)
class Place:
    """Where a model is served: for whom (``owner_arn``), on what, and the log stream of an instance by its id.

    ``memory_mb`` is a serverless variant's, which has no ``instance_type``. ``environment`` is added to each
    container's own; ``replaces_containers`` says whether another takes the place of one that dies;
    ``invocation_timeout_seconds`` is how long a request may take where it is not the service's own limit;
    ``metering`` is that of an instance by its id; ``measure`` gets the metrics of a multi-model container.
    """

    scope: Scope
    owner_arn: str
    instance_type: str
    memory_mb: int | None
    startup_timeout_seconds: float
    volume_gb: int
    log_stream: Callable[[str], LogStream]
    environment: Mapping[str, str] = field(default_factory=dict)
    replaces_containers: bool = True
    invocation_timeout_seconds: float | None = None
    metering: Callable[[str], Metering] | None = None
    measure: Measure = lambda name, unit, value: None


@dataclass(frozen=True)
class ServedModel:
    """``model`` at ``place``; ``folder`` holds its data."""

    context: ServiceContext
    model: ModelRecord
    place: Place
    folder: Path

    def fetch_data(self, check: Callable[[], None]) -> None:
        """Put each container's model into its folder; ``check`` may raise to give up. Raises ServingError."""
        max_bytes, services = self.place.volume_gb * GIB, self._services
        for number, (name, definition) in enumerate(self.model.containers.items(), start=1):
            folder = self.folder / name / "model"
            folder.mkdir(parents=True, exist_ok=True)
            if definition.is_multi_model:
                (self.folder / name / FOLDER).mkdir(exist_ok=True)
            if data := ModelData.of(definition):
                try:
                    data.download(services, self.place.scope, folder, max_bytes, check)
                except ArtifactError as error:
                    raise ServingError(_data_failure(data, number, error)) from error

    @property
    def _services(self) -> RoleClients:
        return self.context.services.acting_as(self.model.role_arn, self.place.scope)

    def new_instance(self) -> Instance:
        """An instance that is yet to start."""
        instance_id = f"i-{secrets.token_hex(9)[:17]}"
        stream = self.place.log_stream(instance_id)
        metering = self.place.metering(instance_id) if self.place.metering else None
        containers = self.model.containers
        is_pipeline = len(containers) > 1
        request_seconds = self.place.invocation_timeout_seconds or self.context.settings.invocation_timeout_seconds
        serving = [
            ServingContainer(
                name,
                self._launcher_of(
                    name,
                    definition,
                    stream.below(name) if is_pipeline else stream,
                    SERVING_PORT + number,
                    metering,
                ),
                self.place.startup_timeout_seconds,
                request_seconds + SILENCE_SECONDS,
                self.place.replaces_containers,
            )
            for number, (name, definition) in enumerate(containers.items())
        ]
        return Instance(serving, stream, self._models_of(serving[0]) if self.model.is_multi_model else None)

    def _models_of(self, container: ServingContainer) -> Models:
        definition = self.model.containers[container.name]
        assert definition.model_data_url is not None  # CreateModel requires it
        return Models(
            container,
            definition.model_data_url,
            self.folder / container.name / FOLDER,
            self.place.volume_gb * GIB,
            partial(download_archive, self._services, self.place.scope),
            self.place.measure,
            is_cached=definition.multi_model_config.model_cache_setting == "Enabled",
        )

    def _launcher_of(
        self, name: str, definition: ContainerDefinition, stream: LogStream, port: int, metering: Metering | None
    ) -> Callable[[], Container]:
        assert definition.image is not None  # CreateModel requires it
        region, is_pipeline = self.place.scope.region, len(self.model.containers) > 1
        ports = {"SAGEMAKER_BIND_TO_PORT": str(port), "SAGEMAKER_SAFE_PORT_RANGE": SAFE_PORT_RANGE}
        spec = ContainerSpec(
            image=definition.image,
            region=region,
            folder=self.folder / name,
            environment={
                **definition.environment,
                "AWS_REGION": region,
                "AWS_DEFAULT_REGION": region,
                **(ports if is_pipeline else {}),
                **({"SAGEMAKER_MULTI_MODEL": "true"} if definition.is_multi_model else {}),
                **self.place.environment,
            },
            on_line=lambda line: self.context.logs.write(stream, line),
            owner_arn=self.place.owner_arn,
            script=definition.runs_script,
            arguments=("serve",),
            port=port,
            read_only=("model",),
            filled=(FOLDER,) if definition.is_multi_model else (),
            limits=Limits(instance_type=self.place.instance_type, memory_mb=self.place.memory_mb),
            metering=metering,
        )
        has_services = not self.model.request.enable_network_isolation

        def launch() -> Container:
            # Each container that takes another's place gets a session of its own, for they end.
            services = self._services.environment() if has_services else {}
            try:
                return self.context.launcher.launch(replace(spec, services_environment=services))
            except ServiceError as error:
                raise ServingError(error.message) from error

        return launch


def _data_failure(data: ModelData, number: int, error: ArtifactError) -> str:
    if data.is_archive and not isinstance(error.__cause__, S3_ERRORS):
        return (
            f'Failed to extract model data archive from URL "{data.url}". Please ensure that the object located at the '
            f"URL is a valid tar.gz archive. {error}"
        )
    return (
        f'Failed to download model data for container "container_{number}" from URL "{data.url}". Please ensure that '
        f"there is an object located at the URL and that the role passed to CreateModel has permissions to download "
        f"the object. {error}"
    )
