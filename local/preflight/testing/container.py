"""The stack as a testcontainers container."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any, Self

import docker.errors
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.waiting_utils import WaitStrategy, WaitStrategyTarget

from preflight.sagemaker.launching.ports import free_port
from preflight.sagemaker.settings import require_launcher
from preflight.stack import STOP_TIMEOUT_SECONDS
from preflight.testing.handle import StackHandle, StackUnavailable

IMAGE = "preflight/stack:latest"
LABEL = "preflight.testing"
PASSED_ON = ("PREFLIGHT_CONTAINER_IMAGE", "DEBUG")


def stack_image() -> str:
    """The image of the stack: PREFLIGHT_STACK_IMAGE, else what ``docker compose build`` makes."""
    return os.environ.get("PREFLIGHT_STACK_IMAGE") or IMAGE


class StackContainer(StackHandle, DockerContainer):
    """A stack in Docker, on a free port that is the same inside and out, so that its URLs hold in both.

    >>> with StackContainer() as stack:
    ...     stack.client("s3").create_bucket(Bucket="mine")

    ``image`` is, if nothing is said, the one of ``stack_image``. ``launcher`` says how it runs training
    jobs and endpoints: ``docker`` in containers beside it, for which it gets the Docker socket; ``process`` as
    processes inside its own.

    It needs no Ryuk, which would be pulled, and would kill it before it can stop what it started: it holds the other
    end of a pipe of ours, and stops when that closes, in whatever way we end.
    """

    def __init__(self, image: str = "", *, launcher: str = "docker") -> None:
        try:
            super().__init__(image or stack_image())
        except docker.errors.DockerException as error:
            raise StackUnavailable(
                f"No Docker engine answers: {error}. Start Docker; or use StackProcess, PREFLIGHT_TEST_STACK=process."
            ) from None
        # An init as PID 1 buries the processes that lose their parents.
        self.with_kwargs(init=True, stdin_open=True, labels={LABEL: "true"})
        self.with_command(["preflight", "run", "--host", "0.0.0.0", "--leash", "--ephemeral"])
        self.port = free_port()
        self._host = self.get_docker_client().host()
        self._leash: Any = None
        # Only an engine on another machine (TESTCONTAINERS_HOST_OVERRIDE, DOCKER_HOST) publishes to the network.
        address = "127.0.0.1" if self._host == "localhost" else "0.0.0.0"
        self.ports = {f"{self.port}/tcp": (address, self.port)}  # type: ignore[dict-item]  # docker takes pairs
        self.with_envs(PREFLIGHT_PORT=str(self.port), PREFLIGHT_LAUNCHER=require_launcher(launcher))
        self.with_envs(**{name: os.environ[name] for name in PASSED_ON if name in os.environ})
        if launcher == "docker":
            self.with_volume_mapping(testcontainers_config.ryuk_docker_socket, "/var/run/docker.sock", "rw")
        self.waiting_for(_Start())

    @property
    def endpoint_url(self) -> str:
        return f"http://{self._host}:{self.port}"

    def stack_log(self) -> str:
        return self._container.logs().decode(errors="replace") if self._container else ""

    def start(self) -> Self:
        """Return once the stack answers.

        Raises:
            StackUnavailable: there is no image, or the stack did not get there; the last lines of its log are told.
        """
        try:
            self._remove_left_over()
            self.get_docker_client().client.images.get(self.image)
            with _without_ryuk():
                return super().start()
        except BaseException as error:
            self.stop()
            if isinstance(error, docker.errors.ImageNotFound):
                advice = "Build it in a clone of Preflight: docker compose build. Or use PREFLIGHT_TEST_STACK=process."
                raise StackUnavailable(f"There is no image {self.image}. {advice}") from None
            if isinstance(error, docker.errors.APIError):
                raise StackUnavailable(f"{self.image} could not be started: {error}") from error
            raise

    def hold(self) -> None:
        """Take the other end of its standard input."""
        self._leash = self.get_docker_client().client.api.attach_socket(
            self.get_container_id(), params={"stdin": 1, "stream": 1}
        )

    def stop(self, force: bool = True, delete_volume: bool = True) -> None:
        """Stop the stack, which stops what it started, and remove its container. Can be called again."""
        container, self._container = self._container, None
        if container:
            with contextlib.suppress(docker.errors.NotFound):
                container.stop(timeout=2 * STOP_TIMEOUT_SECONDS)
                container.remove(force=force, v=delete_volume)
        if self._leash:
            self._leash._response.close()  # docker-py's own way leaves the response open
            self._leash = None
        super().stop()

    def _remove_left_over(self) -> None:
        """Containers of test runs that were killed; the stacks in them have stopped by themselves."""
        of_ended = {"label": LABEL, "status": "exited"}
        for container in self.get_docker_client().client.containers.list(
            all=True, filters=of_ended, ignore_removed=True
        ):
            with contextlib.suppress(docker.errors.APIError):  # somebody else does it
                container.remove(v=True)


class _Start(WaitStrategy):
    """Takes hold of the container once it runs, and waits until the stack answers, or has ended."""

    def wait_until_ready(self, container: WaitStrategyTarget) -> None:
        assert isinstance(container, StackContainer)
        container.hold()

        def has_ended() -> bool:
            container.reload()
            return container.status in ("exited", "dead")

        container.wait_until_up(has_ended)


@contextlib.contextmanager
def _without_ryuk() -> Iterator[None]:
    before, testcontainers_config.ryuk_disabled = testcontainers_config.ryuk_disabled, True
    try:
        yield
    finally:
        testcontainers_config.ryuk_disabled = before
