"""DeployedModel: a model as a variant runs it; fetches its data and makes instances of its containers."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.s3 import S3_ERRORS
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.data.artifacts import ArtifactError
from preflight.sagemaker.launching.container import Container, ContainerSpec, Limits
from preflight.sagemaker.serving.container_definition import Definition
from preflight.sagemaker.serving.instance import Instance
from preflight.sagemaker.serving.model import Model
from preflight.sagemaker.serving.model_data import ModelData
from preflight.sagemaker.serving.serving_container import ServingContainer
from preflight.sagemaker.telemetry.logs import LogStream

STARTUP_TIMEOUT_SECONDS = 480
SERVERLESS_STARTUP_TIMEOUT_SECONDS = 180
SERVING_PORT = 8080  # in a pipeline the first container's; each has the port after the one before
SAFE_PORT_RANGE = "9000-9999"


class HostingError(Exception):
    """A variant could not start, or not grow; the text is the endpoint's FailureReason."""


@dataclass(frozen=True)
class DeployedModel:
    """``model`` for the variant that ``config`` (a ProductionVariant) asks for; ``folder`` holds its data."""

    context: ServiceContext
    scope: Scope
    endpoint_name: str
    config: Mapping[str, Any]
    model: Model
    folder: Path

    @property
    def images(self) -> list[str]:
        return [definition["Image"] for definition in self.model.containers.values()]

    @property
    def _serverless(self) -> Mapping[str, int] | None:
        return self.config.get("ServerlessConfig")

    def fetch_data(self) -> None:
        """Put each container's model into its folder. Raises HostingError."""
        for place, (name, definition) in enumerate(self.model.containers.items(), start=1):
            folder = self.folder / name / "model"
            folder.mkdir(parents=True, exist_ok=True)
            if data := ModelData.of(definition):
                try:
                    data.download(self.context.services, self.scope, folder)
                except ArtifactError as error:
                    raise HostingError(_data_failure(data, place, error)) from error

    def new_instance(self) -> Instance:
        """An instance that is yet to start."""
        instance_id = f"i-{secrets.token_hex(9)[:17]}"
        default = SERVERLESS_STARTUP_TIMEOUT_SECONDS if self._serverless else STARTUP_TIMEOUT_SECONDS
        timeout = self.config.get("ContainerStartupHealthCheckTimeoutInSeconds", default)
        return Instance(
            [
                ServingContainer(name, self._launcher_of(instance_id, name, definition, place), timeout)
                for place, (name, definition) in enumerate(self.model.containers.items())
            ]
        )

    def startup_failure(self, container_name: str) -> HostingError:
        """Why an instance did not start whose container of that name did not."""
        if self._serverless:
            return HostingError(
                f"Unable to successfully stand up your model within the allotted {SERVERLESS_STARTUP_TIMEOUT_SECONDS} "
                f"second timeout. Please ensure that downloading your model artifacts, starting your model container "
                f"and passing the ping health checks can be completed within {SERVERLESS_STARTUP_TIMEOUT_SECONDS} "
                f"seconds."
            )
        variant_name = self.config["VariantName"]
        return HostingError(
            f"The {container_name} container for production variant {variant_name} did not pass the ping health check. "
            f"Please check CloudWatch logs for this endpoint."
        )

    def _launcher_of(self, instance_id: str, name: str, definition: Definition, place: int) -> Callable[[], Container]:
        is_pipeline = len(self.model.containers) > 1
        stream = LogStream(
            self.scope,
            f"/aws/sagemaker/Endpoints/{self.endpoint_name}",
            f"{self.config['VariantName']}/{instance_id}" + (f"/{name}" if is_pipeline else ""),
        )
        port = SERVING_PORT + place
        ports = {"SAGEMAKER_BIND_TO_PORT": str(port), "SAGEMAKER_SAFE_PORT_RANGE": SAFE_PORT_RANGE}
        spec = ContainerSpec(
            image=definition["Image"],
            region=self.scope.region,
            owner_arn=self.scope.arn("endpoint", self.endpoint_name),
            folder=self.folder / name,
            environment={
                **definition.get("Environment", {}),
                "AWS_REGION": self.scope.region,
                "AWS_DEFAULT_REGION": self.scope.region,
                **(ports if is_pipeline else {}),
            },
            on_line=lambda line: self.context.logs.write(stream, line),
            arguments=("serve",),
            port=port,
            read_only=("model",),
            limits=Limits(
                instance_type=self.config.get("InstanceType", ""),
                memory_mb=self._serverless["MemorySizeInMB"] if self._serverless else None,
            ),
        )
        return lambda: self.context.launcher.launch(spec)


def _data_failure(data: ModelData, place: int, error: ArtifactError) -> str:
    if data.is_archive and not isinstance(error.__cause__, S3_ERRORS):
        return (
            f'Failed to extract model data archive from URL "{data.url}". Please ensure that the object located at the '
            f"URL is a valid tar.gz archive. {error}"
        )
    return (
        f'Failed to download model data for container "container_{place}" from URL "{data.url}". Please ensure that '
        f"there is an object located at the URL and that the role passed to CreateModel has permissions to download "
        f"the object. {error}"
    )
