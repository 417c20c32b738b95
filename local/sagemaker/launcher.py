"""Running a container's program: the interface, and the launcher that needs no Docker.

A launcher runs ``train`` or ``serve`` of an image over a folder that stands for ``/opt/ml``.
"""

import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from local.sagemaker.guarded_process import GuardedProcess
from local.sagemaker.images import require_image

LOG = logging.getLogger(__name__)

Command = Literal["train", "serve"]


@dataclass(frozen=True)
class ContainerSpec:
    """What to run: ``image`` with ``command``, over ``folder`` as ``/opt/ml``; ``on_line`` gets each output line."""

    image: str
    region: str
    command: Command
    folder: Path
    environment: Mapping[str, str]
    on_line: Callable[[str], None]


class Container(Protocol):
    """A running container."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port ``serve`` answers on."""

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""

    def wait(self, timeout_seconds: float | None = None) -> int:
        """The exit code once it has ended and its output is read. Raises subprocess.TimeoutExpired."""

    def terminate(self, grace_seconds: float) -> None:
        """SIGTERM now, SIGKILL after ``grace_seconds``; returns at once."""

    def stop(self, grace_seconds: float) -> None:
        """Terminate and wait; nothing is left of it. Does nothing if it has ended."""


class Launcher(Protocol):
    def require_image(self, image: str, region: str) -> None:
        """Raises a ServiceError if ``image`` cannot be run here."""

    def launch(self, spec: ContainerSpec) -> Container:
        """Start the container; it may not be ready yet."""


class ProcessLauncher:
    """Runs the images of the built-in algorithms as child processes: our own ``container`` program."""

    def require_image(self, image: str, region: str) -> None:
        require_image(image, region)

    def launch(self, spec: ContainerSpec) -> Container:
        algorithm = require_image(spec.image, spec.region)
        port = free_port() if spec.command == "serve" else 0
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(spec.folder),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin while they wait slow everything else here
            **spec.environment,
            "SAGEMAKER_BASE_DIR": str(spec.folder),
            "SAGEMAKER_BIND_TO_PORT": str(port),
            "PREFLIGHT_BIND_ADDRESS": "127.0.0.1",
            "PREFLIGHT_ALGORITHM": algorithm,
        }
        process = GuardedProcess.start(
            [sys.executable, "-P", "-m", "container", spec.command],
            env=environment,
            cwd=spec.folder,
            stdout=subprocess.PIPE,
        )
        return _ProcessContainer(process, ("127.0.0.1", port), spec.on_line)


@dataclass
class _ProcessContainer:
    process: GuardedProcess
    address: tuple[str, int]
    on_line: Callable[[str], None]
    _reader: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, name="container-output", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        output = self.process.stdout
        assert output is not None
        rest = b""
        while chunk := output.read(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._pass_on(line)
        if rest:
            self._pass_on(rest)

    def _pass_on(self, line: bytes) -> None:
        try:
            self.on_line(line.decode(errors="replace").rstrip("\r"))
        except Exception:  # reading must go on: a full pipe would stop the container
            LOG.exception("A line of a container's output is lost.")

    def poll(self) -> int | None:
        return self.process.poll()

    def wait(self, timeout_seconds: float | None = None) -> int:
        code = self.process.wait(timeout_seconds)
        self._reader.join(5)
        self.process.stop(0)
        return code

    def terminate(self, grace_seconds: float) -> None:
        self.process.terminate(grace_seconds)

    def stop(self, grace_seconds: float) -> None:
        self.process.terminate(grace_seconds)
        self.wait()


_ports_lock = threading.Lock()
_recent_ports: list[int] = []


def free_port() -> int:
    """A free port of 127.0.0.1, other than the ones given out a moment ago that may not be listened on yet."""
    with _ports_lock:
        while True:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = int(probe.getsockname()[1])
            if port not in _recent_ports:
                _recent_ports.append(port)
                del _recent_ports[:-200]
                return port
