"""The launcher that needs no Docker: the built-in algorithms' images as child processes."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from preflight.sagemaker.launching.container import Container, ContainerSpec
from preflight.sagemaker.launching.fifo import write_fifo
from preflight.sagemaker.launching.images import require_builtin_algorithm
from preflight.sagemaker.launching.output_lines import OutputLines
from preflight.sagemaker.launching.ports import free_port
from preflight.sagemaker.launching.process.guarded_process import GuardedProcess


class ProcessLauncher:
    """Runs the images of the built-in algorithms as child processes: our own ``container`` program."""

    def require_image(self, image: str, region: str) -> None:
        require_builtin_algorithm(image, region)

    def launch(self, spec: ContainerSpec) -> Container:
        algorithm = require_builtin_algorithm(spec.image, spec.region)
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
            "PYTHONPATH": _search_path(spec.environment),
        }
        process = GuardedProcess.start(
            [sys.executable, "-P", "-m", "preflight_container", spec.command],
            env=environment,
            cwd=spec.folder,
            stdout=subprocess.PIPE,
        )
        return _ProcessContainer(process, ("127.0.0.1", port), spec.on_line, spec.folder)

    def close(self) -> None:
        """Nothing to do: what it started ends with whoever asked for it, and with this process."""


def _search_path(variables: Mapping[str, str]) -> str:
    """Where our own program lies, if this process was told so, before what the job's Environment says."""
    paths = (os.environ.get("PYTHONPATH"), variables.get("PYTHONPATH"))
    return os.pathsep.join(path for path in paths if path)


@dataclass
class _ProcessContainer:
    process: GuardedProcess
    address: tuple[str, int]
    on_line: Callable[[str], None]
    folder: Path
    _reader: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, name="container-output", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        output = self.process.stdout
        assert output is not None
        lines = OutputLines(self.on_line)
        while chunk := output.read(65536):
            lines.add(chunk)
        lines.end()

    def poll(self) -> int | None:
        code = self.process.poll()
        return None if code is None else _exit_code(code)

    def wait(self, timeout_seconds: float | None = None) -> int:
        code = self.process.wait(timeout_seconds)
        self._reader.join(5)
        self.process.stop(0)
        return _exit_code(code)

    def feed(self, relative_path: str, chunks: Iterable[bytes]) -> None:
        write_fifo(self.folder / relative_path, chunks, lambda: self.poll() is not None)

    def fetch(self, relative_path: str) -> None:
        """The process works in the spec's folder itself."""

    def terminate(self, grace_seconds: float) -> None:
        self.process.terminate(grace_seconds)

    def stop(self, grace_seconds: float) -> None:
        self.process.terminate(grace_seconds)
        self.wait()


def _exit_code(return_code: int) -> int:
    """As a container's: 128 + N if signal N ended it."""
    return return_code if return_code >= 0 else 128 - return_code
