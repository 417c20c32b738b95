"""The launcher that needs no Docker: the programs that do images' work, as child processes."""

import os
import subprocess
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO

from preflight.sagemaker.launching.container import NOWHERE, Container, ContainerSpec
from preflight.sagemaker.launching.fifo import write_fifo
from preflight.sagemaker.launching.output_lines import OutputLines
from preflight.sagemaker.launching.ports import free_port
from preflight.sagemaker.launching.process.guarded_process import AS_IT_IS, GuardedProcess, View
from preflight.sagemaker.launching.process.private_folders import OPT_ML, private_folders
from preflight.sagemaker.launching.programs import require_program

ADDRESS = "127.0.0.1"
READER_JOIN_SECONDS = 5


class ProcessLauncher:
    """Runs programs over the spec's folder itself: what is read-only can be written, nothing has to be brought back.

    Each sees it as its own /opt/ml, where the machine allows that; else SAGEMAKER_BASE_DIR says where it is. It limits
    nothing, and all its processes share this machine's name and network.
    """

    def require_image(self, image: str, region: str) -> None:
        require_program(image, region)

    def launch(self, spec: ContainerSpec) -> Container:
        program = require_program(spec.image, spec.region)
        address = NOWHERE if spec.port is None else (ADDRESS, free_port())
        port = {} if spec.port is None else {"SAGEMAKER_BIND_TO_PORT": str(address[1])}
        has_own = not private_folders().problem
        base = OPT_ML if has_own else str(spec.folder)
        environment = {
            "PATH": os.pathsep.join([str(Path(program.environment.python).parent), os.environ.get("PATH", os.defpath)]),
            "HOME": base,
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin while they wait slow everything else here
            **spec.services_environment,
            **spec.environment,
            **({} if has_own else {"SAGEMAKER_BASE_DIR": base}),  # AWS sets none: it is /opt/ml there
            "PREFLIGHT_BIND_ADDRESS": ADDRESS,
            **port,
            **program.variables,
            "PYTHONPATH": _search_path(spec.environment),
        }
        process = GuardedProcess.start(
            program.command(spec.entrypoint, spec.arguments),
            env=environment,
            cwd=spec.folder,
            stdout=subprocess.PIPE,
            view=View(binds={OPT_ML: spec.folder}, directory=OPT_ML) if has_own else AS_IT_IS,
        )
        return _ProcessContainer(process, address, spec)

    def limitation(self) -> str | None:
        return private_folders().limitation

    def fallback(self) -> str | None:
        return None

    def close(self) -> None:
        """Nothing to do: what it started ends with whoever asked for it, and with this process."""


def _search_path(variables: Mapping[str, str]) -> str:
    """Where our own program lies, if this process was told so, before what the job's Environment says."""
    paths = (os.environ.get("PYTHONPATH"), variables.get("PYTHONPATH"))
    return os.pathsep.join(path for path in paths if path)


class _ProcessContainer:
    def __init__(self, process: GuardedProcess, address: tuple[str, int], spec: ContainerSpec) -> None:
        assert process.stdout is not None
        self.address = address
        self._process = process
        self._spec = spec
        self._reader = threading.Thread(target=self._read, args=(process.stdout,), name="container-output", daemon=True)
        self._reader.start()

    def _read(self, output: IO[bytes]) -> None:
        lines = OutputLines(self._spec.on_line)
        with output:
            while chunk := output.read(65536):
                lines.add(chunk)
        lines.end()

    def poll(self) -> int | None:
        code = self._process.poll()
        return None if code is None else _exit_code(code)

    def wait(self, timeout_seconds: float | None = None) -> int:
        code = self._process.wait(timeout_seconds)
        self._reader.join(READER_JOIN_SECONDS)
        return _exit_code(code)

    def feed(self, relative_path: str, chunks: Iterable[bytes]) -> None:
        write_fifo(self._spec.folder / relative_path, chunks, lambda: self.poll() is not None)

    def fetch(self, relative_path: str) -> None:
        """The process works in the spec's folder itself."""

    def terminate(self, grace_seconds: float) -> None:
        self._process.terminate(grace_seconds)

    def stop(self, grace_seconds: float) -> None:
        self._process.terminate(grace_seconds)
        self.wait()


def _exit_code(return_code: int) -> int:
    """As a container's: 128 + N if signal N ended it."""
    return return_code if return_code >= 0 else 128 - return_code
