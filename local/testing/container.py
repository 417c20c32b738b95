"""The stack as a testcontainers container."""

from typing import Self

import docker.errors
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import HttpWaitStrategy

from local.sagemaker.ports import free_port
from local.sagemaker.settings import require_launcher
from local.stack import START_TIMEOUT_SECONDS, STOP_TIMEOUT_SECONDS
from local.testing.handle import StackHandle

IMAGE = "preflight/stack:latest"
LOG_TAIL_LINES = 40


class StackUnavailable(Exception):
    """The stack's container could not be started; the text says why and what to do."""


class StackContainer(StackHandle, DockerContainer):
    """A stack in Docker, on a free port that is the same inside and out, so that its URLs hold in both.

    >>> with StackContainer() as stack:
    ...     stack.client("s3").create_bucket(Bucket="mine")

    ``launcher`` says how it runs training jobs and endpoints: ``docker`` in containers beside it, for which it gets
    the Docker socket; ``process`` as processes inside its own.
    """

    def __init__(self, image: str = IMAGE, *, launcher: str = "docker") -> None:
        require_launcher(launcher)
        super().__init__(image, init=True)  # an init as PID 1: it buries the processes that lose their parents
        self.port = free_port()
        self._host = self.get_docker_client().host()
        # Only an engine on another machine (TESTCONTAINERS_HOST_OVERRIDE, DOCKER_HOST) publishes to the network.
        address = "127.0.0.1" if self._host == "localhost" else "0.0.0.0"
        self.ports = {f"{self.port}/tcp": (address, self.port)}  # type: ignore[dict-item]  # docker takes pairs
        self.with_envs(PREFLIGHT_PORT=str(self.port), PREFLIGHT_LAUNCHER=launcher)
        if launcher == "docker":
            self.with_volume_mapping(testcontainers_config.ryuk_docker_socket, "/var/run/docker.sock", "rw")
        health = HttpWaitStrategy(self.port, "/_localstack/health")
        self.waiting_for(health.with_startup_timeout(START_TIMEOUT_SECONDS))

    def get_container_host_ip(self) -> str:
        """Where the port is published. testcontainers would guess another address inside a container."""
        return self._host

    @property
    def endpoint_url(self) -> str:
        return f"http://{self._host}:{self.port}"

    def stack_log(self) -> str:
        return self.get_wrapped_container().logs().decode(errors="replace")

    def start(self) -> Self:
        """Return once the stack answers. Raises StackUnavailable with the last lines of its log."""
        try:
            self.get_docker_client().client.images.get(self.image)
        except docker.errors.ImageNotFound:
            raise StackUnavailable(
                f"There is no image {self.image}. Build it in Preflight's folder: docker compose build"
            ) from None
        try:
            return super().start()
        except BaseException as error:
            log = self.stack_log() if self._container else ""
            self.stop()
            if not isinstance(error, TimeoutError | RuntimeError | docker.errors.APIError):
                raise
            tail = "\n".join(f"  {line}" for line in log.splitlines()[-LOG_TAIL_LINES:])
            raise StackUnavailable(f"{self.image} did not start: {error}\nThe last lines of its log:\n{tail}") from error

    def stop(self, force: bool = True, delete_volume: bool = True) -> None:
        """Stop the stack, which stops what it started, and remove its container."""
        if self._container:
            self._container.stop(timeout=STOP_TIMEOUT_SECONDS)
        super().stop(force, delete_volume)
        self._container = None
