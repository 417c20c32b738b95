"""The serving processes behind one endpoint configuration: its variants, and each variant's instances."""

import logging
import random
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import urllib3

from local.sagemaker.artifacts import ArtifactError, download_model, remove_folder
from local.sagemaker.context import ServiceContext
from local.sagemaker.endpoint_config import EndpointConfig
from local.sagemaker.launcher import Container, ContainerSpec
from local.sagemaker.logs import LogStream
from local.sagemaker.model import Model
from local.sagemaker.other_services import S3Uri
from local.sagemaker.store import Scope

LOG = logging.getLogger(__name__)

# "Custom Inference Code with Hosting Services" in the SageMaker developer guide has these limits.
PING_TIMEOUT_SECONDS = 2
STARTUP_TIMEOUT_SECONDS = 480
STOP_GRACE_SECONDS = 30
INVOCATION_TIMEOUT_SECONDS = 60
CONNECT_TIMEOUT_SECONDS = 0.25
PING_INTERVAL_SECONDS = 0.05  # AWS does not publish its own; this one makes endpoints quick to come up
RESTART_DELAY_SECONDS = 0.5


class HostingError(Exception):
    """An endpoint's fleet could not start; the text is its FailureReason."""


class Instance:
    """One ``serve`` container of a variant. When it dies another takes its place, until ``stop``."""

    def __init__(self, launch: Callable[[], Container], startup_timeout_seconds: float) -> None:
        self._launch = launch
        self._startup_timeout_seconds = startup_timeout_seconds
        self._stopping = threading.Event()
        self._container: Container | None = None
        self._lock = threading.Lock()
        self.pool: urllib3.HTTPConnectionPool | None = None

    def start(self) -> bool:
        """Launch it and return once it answers ``GET /ping``; False if it ended, or did not within the limit."""
        container, pool = self._launch_once()
        if not self._wait_until_healthy(container, pool):
            container.stop(0)
            return False
        with self._lock:
            self.pool = pool
        threading.Thread(target=self._keep_alive, name="instance-keeper", daemon=True).start()
        return True

    def stop(self, grace_seconds: float = STOP_GRACE_SECONDS) -> None:
        """SIGTERM, SIGKILL after the grace; returns when it is gone."""
        with self._lock:
            self._stopping.set()
            self.pool, container = None, self._container
        if container:
            container.stop(grace_seconds)

    def _launch_once(self) -> tuple[Container, urllib3.HTTPConnectionPool]:
        with self._lock:
            if self._stopping.is_set():
                raise HostingError("The endpoint was deleted while it started.")
            self._container = container = self._launch()
        host, port = container.address
        return container, urllib3.HTTPConnectionPool(host, port, maxsize=64, block=False, retries=False)

    def _wait_until_healthy(self, container: Container, pool: urllib3.HTTPConnectionPool) -> bool:
        deadline = time.monotonic() + self._startup_timeout_seconds
        while time.monotonic() < deadline and container.poll() is None and not self._stopping.is_set():
            try:
                if pool.request("GET", "/ping", timeout=PING_TIMEOUT_SECONDS, retries=False).status == 200:
                    return True
            except urllib3.exceptions.HTTPError:
                pass
            time.sleep(PING_INTERVAL_SECONDS)
        return False

    def _keep_alive(self) -> None:
        while not self._stopping.is_set():
            container = self._container
            assert container is not None
            exit_code = container.wait()
            with self._lock:
                self.pool = None
            while not self._stopping.is_set():
                LOG.warning("An instance ended with code %s; starting another in its place.", exit_code)
                try:
                    replacement, pool = self._launch_once()
                except HostingError:
                    return
                if self._wait_until_healthy(replacement, pool):
                    with self._lock:
                        self.pool = pool
                    break
                replacement.stop(0)
                self._stopping.wait(RESTART_DELAY_SECONDS)


@dataclass
class Variant:
    """A production variant as it runs: its instances, its share of the traffic."""

    config: Mapping[str, Any]
    model: Model
    resolution_time: datetime
    weight: float
    instances: list[Instance] = field(default_factory=list)

    @property
    def name(self) -> str:
        name: str = self.config["VariantName"]
        return name

    def summary(self) -> dict[str, Any]:
        """As DescribeEndpoint shows it."""
        image = self.model.container["Image"]
        count = self.config["InitialInstanceCount"]
        return {
            "VariantName": self.name,
            "DeployedImages": [
                {"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": self.resolution_time}
            ],
            "CurrentWeight": self.weight,
            "DesiredWeight": self.weight,
            "CurrentInstanceCount": count,
            "DesiredInstanceCount": count,
        }

    def pick_instance(self) -> urllib3.HTTPConnectionPool | None:
        """The connections of a random healthy instance (RoutingStrategy RANDOM), or None."""
        pools = [pool for instance in self.instances if (pool := instance.pool)]
        return random.choice(pools) if pools else None


class Fleet:
    """All instances of one endpoint configuration, started and stopped together."""

    def __init__(
        self,
        context: ServiceContext,
        scope: Scope,
        endpoint_name: str,
        config: EndpointConfig,
        models: Mapping[str, Model],
    ) -> None:
        self._context = context
        self._scope = scope
        self._endpoint_name = endpoint_name
        self.config = config
        self._folder = context.folder(scope.account_id, scope.region, "endpoints", endpoint_name, secrets.token_hex(4))
        self._requests = 0
        self._idle = threading.Condition()
        now = datetime.now(UTC)
        self.variants = [
            Variant(variant, models[variant["ModelName"]], now, variant["InitialVariantWeight"])
            for variant in config.production_variants
        ]

    def start(self) -> None:
        """Return once every instance answers ``/ping``.

        Raises:
            HostingError: one did not; nothing is left running.
        """
        try:
            for variant in self.variants:
                self._start_variant(variant)
        except BaseException:
            self.stop()
            raise

    def begin_request(self) -> None:
        with self._idle:
            self._requests += 1

    def end_request(self) -> None:
        with self._idle:
            self._requests -= 1
            self._idle.notify_all()

    def drain(self, timeout_seconds: float) -> None:
        """Return once no request is under way; call when none can begin."""
        with self._idle:
            self._idle.wait_for(lambda: self._requests == 0, timeout_seconds)

    def stop(self, grace_seconds: float = STOP_GRACE_SECONDS) -> None:
        """Stop every instance; returns when all are gone."""
        stops = [
            threading.Thread(target=instance.stop, args=(grace_seconds,), daemon=True)
            for variant in self.variants
            for instance in variant.instances
        ]
        for stop in stops:
            stop.start()
        for stop in stops:
            stop.join()
        remove_folder(self._folder)

    def choose_variant(self, target: str | None = None) -> Variant | None:
        """The variant called ``target``; without one, any, by weight. None if there is none."""
        if target is not None:
            return next((variant for variant in self.variants if variant.name == target), None)
        weights = [variant.weight for variant in self.variants]
        if not any(weights):
            return None
        return random.choices(self.variants, weights)[0] if len(weights) > 1 else self.variants[0]

    def _start_variant(self, variant: Variant) -> None:
        folder = self._folder / variant.name
        self._download(variant, folder)
        count = variant.config["InitialInstanceCount"]
        timeout = variant.config.get("ContainerStartupHealthCheckTimeoutInSeconds", STARTUP_TIMEOUT_SECONDS)
        for _ in range(count):
            variant.instances.append(Instance(self._launcher_of(variant, folder), timeout))
        results = [False] * count

        def start(place: int) -> None:
            results[place] = variant.instances[place].start()

        starts = [threading.Thread(target=start, args=(place,), daemon=True) for place in range(count)]
        for thread in starts:
            thread.start()
        for thread in starts:
            thread.join()
        if not all(results):
            self._context.logs.flush()
            raise HostingError(
                f"The primary container for production variant {variant.name} did not pass the ping health check. "
                "Please check CloudWatch logs for this endpoint."
            )

    def _download(self, variant: Variant, folder: Path) -> None:
        model_folder = folder / "model"
        model_folder.mkdir(parents=True, exist_ok=True)
        url = variant.model.container.get("ModelDataUrl")
        if url is None:
            return
        try:
            download_model(self._context.services, self._scope, S3Uri.parse(url), model_folder)
        except ArtifactError as error:
            raise HostingError(
                f'Failed to download or extract model data for container "container_1" from URL "{url}". Please '
                f"ensure that the object located at the URL is a valid tar.gz archive and that the role passed to "
                f"CreateModel has permissions to download it. {error}"
            ) from error

    def _launcher_of(self, variant: Variant, folder: Path) -> Callable[[], Container]:
        def launch() -> Container:
            stream = LogStream(
                self._scope,
                f"/aws/sagemaker/Endpoints/{self._endpoint_name}",
                f"{variant.name}/i-{secrets.token_hex(9)[:17]}",
            )
            return self._context.launcher.launch(
                ContainerSpec(
                    image=variant.model.container["Image"],
                    region=self._scope.region,
                    command="serve",
                    folder=folder,
                    environment={
                        **variant.model.container.get("Environment", {}),
                        "AWS_REGION": self._scope.region,
                        "AWS_DEFAULT_REGION": self._scope.region,
                    },
                    on_line=lambda line: self._context.logs.write(stream, line),
                    owner_arn=self._scope.arn("endpoint", self._endpoint_name),
                    instance_type=variant.config["InstanceType"],
                )
            )

        return launch
