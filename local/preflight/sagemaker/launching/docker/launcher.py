"""The launcher that runs any image as SageMaker does: ``docker run IMAGE ARGUMENT...`` over an ``/opt/ml`` of its own.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-dockerfile.html
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

import hashlib
import secrets
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from docker.errors import APIError
from docker.models.containers import Container as EngineContainer

from preflight.sagemaker.api.errors import ServiceError
from preflight.sagemaker.launching.container import NOWHERE, Container, ContainerSpec
from preflight.sagemaker.launching.docker.container import (
    CANNOT_INVOKE,
    PROGRAM_NOT_FOUND,
    DockerContainer,
    EndedContainer,
)
from preflight.sagemaker.launching.docker.engine import (
    ENGINE_ERRORS,
    OWNER_LABEL,
    STACK_LABEL,
    Engine,
    EngineError,
    close_stream,
    is_gone,
)
from preflight.sagemaker.launching.docker.files import pack
from preflight.sagemaker.launching.docker.images import find_local_image
from preflight.sagemaker.launching.docker.networks import JobNetworks
from preflight.sagemaker.launching.docker.volumes import ReadOnlyVolume
from preflight.sagemaker.launching.instance_types import find_size
from preflight.sagemaker.settings import DOCKER_MARK, Settings

CANNOT_START = 400  # what the engine answers when it is the image's program that cannot be started


def create_docker_launcher(engine: Engine, settings: Settings) -> "DockerLauncher":
    """A launcher in ``engine``, which by then has nothing left of an earlier run of the same stack.

    Raises:
        EngineError: what is left cannot be removed.
    """
    try:
        stack_id = settings.stack_id or _stack_id(engine, settings)
        network = settings.container_network or engine.own_network
    except ENGINE_ERRORS as error:
        raise EngineError(f"the Docker engine fails: {error}") from error
    engine.remove_all_of(stack_id)
    mark = settings.state_folder / DOCKER_MARK
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(stack_id)
    return DockerLauncher(engine, stack_id, settings.container_image, network, mark)


def _stack_id(engine: Engine, settings: Settings) -> str:
    """The same at each start of the same stack, and no other stack's on the same engine."""
    port = urlsplit(settings.endpoint_url).port
    if engine.own_container:
        return f"{engine.own_container['Name'].strip('/')}-{port}"
    place = f"{socket.gethostname()}:{settings.state_folder.resolve()}"
    return f"{port}-{hashlib.sha256(place.encode()).hexdigest()[:12]}"


class DockerLauncher:
    """Runs images in ``engine``; everything of it there carries ``stack_id`` as a label.

    ``builtin_image`` is the local image of the built-in algorithms. Containers are put on ``network`` and reached
    there by their own address; without one, their port is published. The file ``mark`` is there as long as the engine
    may have something of the stack, and holds its id: whoever finds it after a crash knows what to remove.
    """

    def __init__(self, engine: Engine, stack_id: str, builtin_image: str, network: str | None, mark: Path) -> None:
        self._engine = engine
        self._client = engine.client
        self._stack_id = stack_id
        self._builtin_image = builtin_image
        self._network = network
        self._mark = mark
        self._job_networks = JobNetworks(self._client, f"preflight-{stack_id}", self._labels())
        self._closed = False
        self._lock = threading.Lock()

    def require_image(self, image: str, region: str, *, script: bool = False) -> None:
        """Also raises ServiceError if the engine does not say what images there are."""
        try:
            find_local_image(self._client, image, region, self._builtin_image, script=script)
        except ENGINE_ERRORS as error:
            raise ServiceError(f"The Docker engine does not answer as it should: {error}") from error

    def launch(self, spec: ContainerSpec) -> Container:
        """Raises EngineError if the engine fails."""
        try:
            return self._launch(spec)
        except ENGINE_ERRORS as error:
            raise EngineError(f"The Docker engine cannot run {spec.image}: {error}") from error

    def warning(self, image: str, region: str, *, script: bool = False) -> str:
        return ""

    def fallback(self) -> str | None:
        return None

    def limitation(self) -> str | None:
        return None

    def close(self) -> None:
        """Remove whatever is left of what it started; it launches nothing more."""
        with self._lock:
            self._closed = True
        self._engine.remove_all_of(self._stack_id)
        self._mark.unlink(missing_ok=True)
        self._client.close()

    def _launch(self, spec: ContainerSpec) -> Container:
        belongings = ExitStack()  # what goes with the container, which goes first
        try:
            container = self._create(spec, belongings)
            output = container.attach(stream=True, demux=True)
            belongings.callback(close_stream, output)
            try:
                container.start()
            except APIError as error:
                if error.status_code != CANNOT_START:
                    raise
                spec.on_line(str(error.explanation))
                belongings.close()
                return EndedContainer(CANNOT_INVOKE if "permission denied" in str(error) else PROGRAM_NOT_FOUND)
            address = NOWHERE if spec.port is None else self._address(container, spec.port)
        except BaseException:
            belongings.close()
            raise
        return DockerContainer(container, spec, output, address, remove=belongings.close)

    def _create(self, spec: ContainerSpec, belongings: ExitStack) -> EngineContainer:
        image = find_local_image(self._client, spec.image, spec.region, self._builtin_image, script=spec.script)
        network = self._network
        if spec.network:
            with self._open():
                network = self._job_networks.join(spec.owner_arn, spec.network)
            belongings.callback(self._job_networks.leave, spec.owner_arn, spec.network)
        volumes = {
            name: self._create_volume(spec.folder / name, f"/opt/ml/{name}", image.id, belongings)
            for name in spec.read_only
            if any((spec.folder / name).glob("*"))
        }
        with self._open():
            container = self._client.containers.create(
                image.id,
                name=f"preflight-{spec.owner_arn.rpartition('/')[2]}-{secrets.token_hex(4)}",
                command=None if spec.arguments is None else list(spec.arguments),
                entrypoint=None if spec.entrypoint is None else list(spec.entrypoint),
                environment={**spec.environment, **image.environment},
                labels=self._labels() | {OWNER_LABEL: spec.owner_arn},
                hostname=spec.hostname or None,
                network=network,
                networking_config=self._networking(network, spec),
                ports=self._ports(spec),
                mounts=[volume.mount for volume in volumes.values()],
                **self._limits(spec),
            )
        belongings.callback(_remove, container)
        if any(path.name not in volumes for path in spec.folder.iterdir()):
            container.put_archive("/", pack(spec.folder, "opt/ml", without=volumes))
        if spec.network and self._network:
            self._client.networks.get(self._network).connect(container)
        return container

    def _create_volume(self, folder: Path, path: str, image_id: str, belongings: ExitStack) -> ReadOnlyVolume:
        with self._open():
            volume = ReadOnlyVolume.create(self._client, path, image_id, self._labels())
        belongings.callback(volume.remove)
        volume.fill(folder)
        return volume

    @contextmanager
    def _open(self) -> Iterator[None]:
        """Nothing is created once it is closed, for then nobody would remove it."""
        with self._lock:
            if self._closed:
                raise EngineError("The stack is going down.")
            yield

    def _labels(self) -> dict[str, str]:
        return {STACK_LABEL: self._stack_id}

    def _networking(self, network: str | None, spec: ContainerSpec) -> dict[str, Any] | None:
        if not (network and spec.network and spec.hostname):
            return None
        return {network: self._client.api.create_endpoint_config(aliases=[spec.hostname])}

    def _ports(self, spec: ContainerSpec) -> dict[str, Any]:
        """The engine chooses a free port. One on another machine cannot be reached at that machine's 127.0.0.1."""
        if spec.port is None or self._network:
            return {}
        address = "127.0.0.1" if self._engine.host == "127.0.0.1" else "0.0.0.0"
        return {f"{spec.port}/tcp": (address, None)}

    def _address(self, container: EngineContainer, port: int) -> tuple[str, int]:
        container.reload()
        settings: Mapping[str, Any] = container.attrs["NetworkSettings"]
        if self._network:
            address = settings["Networks"].get(self._network, {}).get("IPAddress")
            return (address, port) if address else NOWHERE
        published = settings["Ports"].get(f"{port}/tcp")
        return (self._engine.host, int(published[0]["HostPort"])) if published else NOWHERE

    def _limits(self, spec: ContainerSpec) -> dict[str, int]:
        """The instance's CPUs and memory, as far as the engine's machine has them and can set limits."""
        size, info = find_size(spec.limits.instance_type), self._engine.info
        memory_mb = spec.limits.memory_mb
        memory_bytes = memory_mb << 20 if memory_mb else size.memory_bytes if size else None
        limits = {}
        if size and info.get("CpuCfsQuota"):
            limits["nano_cpus"] = min(size.vcpus, info["NCPU"]) * 1_000_000_000
        if memory_bytes and info.get("MemoryLimit"):
            limits["mem_limit"] = min(memory_bytes, info["MemTotal"])
            if info.get("SwapLimit"):
                limits["memswap_limit"] = limits["mem_limit"]  # an instance has no swap
        return limits


def _remove(container: EngineContainer) -> None:
    try:
        container.remove(v=True, force=True)
    except APIError as error:
        if not is_gone(error):
            raise
