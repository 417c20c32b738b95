"""Running a container: the interface between the resources and the launchers.

A launcher runs an image over a folder that stands for ``/opt/ml``. The spec says all there is to say about it: a
launcher neither knows nor guesses whether it trains, serves or does something else.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from preflight.sagemaker.telemetry.cloudwatch import Source

NOWHERE = ("127.0.0.1", 9)  # where nothing answers: the address of a container that does not listen


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a container may use, as far as a launcher can limit it: what ``instance_type`` has.

    A serverless variant has no instance type, but ``memory_mb`` (MiB).
    """

    instance_type: str = ""
    memory_mb: int | None = None


@dataclass(frozen=True)
class Metering:
    """Where CloudWatch learns what an instance uses; containers of one ``source`` and ``instance`` count together."""

    source: Source
    instance: str
    has_disk: bool = True


@dataclass(frozen=True)
class Usage:
    """What a container has used: seconds of CPU since its start, bytes of memory now."""

    cpu_seconds: float
    memory_bytes: int


@dataclass(frozen=True, kw_only=True)
class ContainerSpec:
    """What to run: ``image``, over ``folder`` as ``/opt/ml``; ``on_line`` gets each line of its output.

    ``owner_arn`` is the resource it runs for, in ``region``.
    ``services_environment`` are variables by which a program acts as its role at the stack's address; for launchers
    whose containers reach it.
    ``script``: a script of the caller's runs in it, where the image can do that and something else.
    ``entrypoint`` and ``arguments`` take the place of the image's own; None leaves them as they are.
    ``port`` is the one it listens on inside; None: it listens on none, as a job. A launcher that gives it another
    says so in SAGEMAKER_BIND_TO_PORT.
    ``brought_back`` are the folders below ``/opt/ml`` that are in ``folder`` once it has ended; ``read_only`` those
    it cannot write to, where a launcher can see to that; ``filled`` those that ``bring`` fills while it runs.
    An owner's containers with the same ``network`` reach each other by ``hostname``, where a launcher can give them
    one of their own; ``hosts`` are the names of all in it, its own too.
    ``metering`` says where its use of CPU, memory and disk is told; None: nowhere.
    """

    image: str
    region: str
    owner_arn: str
    folder: Path
    on_line: Callable[[str], None]
    environment: Mapping[str, str] = field(default_factory=dict)
    services_environment: Mapping[str, str] = field(default_factory=dict)
    script: bool = False
    entrypoint: Sequence[str] | None = None
    arguments: Sequence[str] | None = None
    port: int | None = None
    brought_back: Sequence[str] = ()
    read_only: Sequence[str] = ()
    filled: Sequence[str] = ()
    limits: Limits = Limits()
    hostname: str = ""
    hosts: Sequence[str] = ()
    network: str = ""
    metering: Metering | None = None


class Container(Protocol):
    """A running container."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port at which its port is reached from here; NOWHERE if it has none."""

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""

    def wait(self, timeout_seconds: float | None = None) -> int:
        """The exit code once it has ended and its output is read. Raises subprocess.TimeoutExpired."""

    def feed(self, relative_path: str, chunks: Iterable[bytes]) -> None:
        """Write ``chunks`` into the FIFO at ``relative_path`` below ``/opt/ml``, as Pipe mode does.

        Returns once all is read, or the container has closed it or ended. Makes the FIFO if it is not there.
        """

    def bring(self, relative_path: str) -> None:
        """Let the container see the folder at ``relative_path`` in the spec's folder, which came after its start.

        Does nothing if the container works in the spec's folder itself. Raises OSError.
        """

    def fetch(self, relative_path: str) -> None:
        """Bring the folder at ``relative_path`` in the spec's folder up to what the container sees by now.

        Does nothing if the container works in the spec's folder itself, or has ended.
        """

    def usage(self) -> Usage | None:
        """What it uses, with all that it has started; None if that cannot be told (any more)."""

    def terminate(self, grace_seconds: float) -> None:
        """SIGTERM now, SIGKILL after ``grace_seconds``; returns at once."""

    def stop(self, grace_seconds: float) -> None:
        """Terminate and wait; nothing is left of it. Does nothing if it has ended."""


class Launcher(Protocol):
    """Runs containers in one way or another."""

    def require_image(self, image: str, region: str, *, script: bool = False) -> None:
        """Raises a ServiceError if ``image`` cannot be run here; ``script`` as in ContainerSpec."""

    def warning(self, image: str, region: str, *, script: bool = False) -> str:
        """What is not quite as the image says when it runs here, in sentences; empty if nothing is."""

    def launch(self, spec: ContainerSpec) -> Container:
        """Start the container; it may not be ready yet."""

    def fallback(self) -> str | None:
        """Why it runs containers otherwise than the settings ask for, in sentences; None if it does as asked.

        Connects to what it needs, and so removes what a stack that crashed has left there.
        """

    def limitation(self) -> str | None:
        """What its containers lack on this machine, and what to do about it, in sentences; None for nothing."""

    def close(self) -> None:
        """Remove whatever is left of what it started: the stack goes down, and it launches nothing more."""
