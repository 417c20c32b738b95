"""Running a container's program: the interface between the resources and the launchers.

A launcher runs ``train`` or ``serve`` of an image over a folder that stands for ``/opt/ml``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

Command = Literal["train", "serve"]


@dataclass(frozen=True)
class ContainerSpec:
    """What to run: ``image`` with ``command``, over ``folder`` as ``/opt/ml``; ``on_line`` gets each output line.

    ``owner_arn`` is the resource it runs for. ``instance_type`` sets the limits of a launcher that can set any;
    a serverless variant has none, but ``memory_mb``.
    ``entrypoint`` and ``arguments`` replace the image's own and ``command``, as ContainerEntrypoint and
    ContainerArguments do. An owner's containers with the same ``network`` reach each other by ``hostname``, where
    the launcher can give them one of their own.
    """

    image: str
    region: str
    command: Command
    folder: Path
    environment: Mapping[str, str]
    on_line: Callable[[str], None]
    owner_arn: str
    instance_type: str
    memory_mb: int | None = None
    entrypoint: Sequence[str] | None = None
    arguments: Sequence[str] | None = None
    hostname: str = ""
    network: str = ""


class Container(Protocol):
    """A running container."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port ``serve`` answers on."""

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""

    def wait(self, timeout_seconds: float | None = None) -> int:
        """The exit code once it has ended and its output is read. Raises subprocess.TimeoutExpired."""

    def feed(self, relative_path: str, chunks: Iterable[bytes]) -> None:
        """Write ``chunks`` into the FIFO at ``relative_path`` below ``/opt/ml``, as Pipe mode does.

        Returns once all is read, or the container has closed it or ended. Makes the FIFO if it is not there.
        """

    def fetch(self, relative_path: str) -> None:
        """Bring the folder at ``relative_path`` in the spec's folder up to what the container sees by now.

        Does nothing if the container works in the spec's folder itself, or has ended.
        """

    def terminate(self, grace_seconds: float) -> None:
        """SIGTERM now, SIGKILL after ``grace_seconds``; returns at once."""

    def stop(self, grace_seconds: float) -> None:
        """Terminate and wait; nothing is left of it. Does nothing if it has ended."""


class Launcher(Protocol):
    def require_image(self, image: str, region: str) -> None:
        """Raises a ServiceError if ``image`` cannot be run here."""

    def launch(self, spec: ContainerSpec) -> Container:
        """Start the container; it may not be ready yet."""

    def close(self) -> None:
        """Remove whatever is left of what it started: the stack goes down, and it launches nothing more."""
