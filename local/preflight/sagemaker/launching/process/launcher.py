"""The launcher that needs no Docker: the programs that do images' work, as child processes."""

import logging
import os
import re
import subprocess
import threading
from collections.abc import Iterable
from typing import IO

from preflight.environments import cache_folder
from preflight.sagemaker.api.errors import ServiceError, UnsupportedByPreflight
from preflight.sagemaker.launching.container import NOWHERE, Container, ContainerSpec, Usage
from preflight.sagemaker.launching.fifo import write_fifo
from preflight.sagemaker.launching.output_lines import OutputLines
from preflight.sagemaker.launching.ports import free_port
from preflight.sagemaker.launching.process.guarded_process import GuardedProcess
from preflight.sagemaker.launching.process.private_folders import OPT_ML, private_folders
from preflight.sagemaker.launching.process.process_folders import ProcessFolders
from preflight.sagemaker.launching.process.usage import usage_below
from preflight.sagemaker.launching.programs import Program, Programs

LOG = logging.getLogger(__name__)

ADDRESS = "127.0.0.1"
_CREDENTIALS = re.compile(r"://[^/\s]*@")
READER_JOIN_SECONDS = 5


class NoPrivateFolders(ServiceError):
    """What is to run needs an /opt/ml, and this machine gives processes none."""

    code, status = UnsupportedByPreflight.code, UnsupportedByPreflight.status


class ProcessLauncher:
    """Runs programs over the spec's folder itself: what is read-only can be written, nothing has to be brought back.

    Each sees it as its own /opt/ml, where the machine allows that; else SAGEMAKER_BASE_DIR says where it is. It limits
    nothing. All its processes share this machine's network; the hosts of a job have names and addresses in it.
    """

    def __init__(self, programs: Programs) -> None:
        self._programs = programs

    def require_image(self, image: str, region: str, *, script: bool = False) -> None:
        self._programs.require(image, region, script=script)

    def warning(self, image: str, region: str, *, script: bool = False) -> str:
        program = self._programs.require(image, region, script=script)
        # Only trying tells whether another version has to take its place.
        return program.prepared(LOG.info).warning if program.nearest else program.warning

    def launch(self, spec: ContainerSpec) -> Container:
        wanted = self._programs.require(spec.image, spec.region, script=spec.script)
        _require_network(spec)
        _require_no_paths(spec)
        program = wanted.prepared(spec.on_line)
        if program.warning:
            spec.on_line(program.warning)
        address = NOWHERE if spec.port is None else (ADDRESS, free_port())
        port = {} if spec.port is None else {"SAGEMAKER_BIND_TO_PORT": str(address[1])}
        folders = ProcessFolders.make(spec, program)
        environment = {
            "PATH": _path(program),
            "HOME": folders.base,
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin while they wait slow everything else here
            **(_pip_settings() if program.environment else {}),
            **spec.services_environment,
            **spec.environment,
            **folders.variables,
            "PREFLIGHT_BIND_ADDRESS": ADDRESS,
            **port,
            **program.variables,
            "PYTHONPATH": _search_path(spec, program, folders),
        }
        process = GuardedProcess.start(
            program.command(spec.entrypoint, spec.arguments),
            env=environment,
            cwd=program.folder or spec.folder,
            stdout=subprocess.PIPE,
            view=folders.view,
        )
        return _ProcessContainer(process, address, spec, folders)

    def limitation(self) -> str | None:
        return private_folders().limitation

    def fallback(self) -> str | None:
        return None

    def close(self) -> None:
        """Nothing to do: what it started ends with whoever asked for it, and with this process."""


def _require_network(spec: ContainerSpec) -> None:
    """Raises NoPrivateFolders if its hosts cannot have names; what is a command of the job's may do without."""
    if (limitation := private_folders().limitation) and spec.network and not spec.entrypoint:
        raise NoPrivateFolders(f"{spec.image} cannot run on several instances. {limitation}")


def _require_no_paths(spec: ContainerSpec) -> None:
    """Raises NoPrivateFolders if the command names what it would not find."""
    words = (*(spec.entrypoint or ()), *(spec.arguments or ()))
    if (limitation := private_folders().limitation) and (named := [word for word in words if f"{OPT_ML}/" in word]):
        raise NoPrivateFolders(f"The command {named[0]!r} cannot run. {limitation}")


def _path(program: Program) -> str:
    folders = (program.folder, program.python.parent, os.environ.get("PATH", os.defpath))
    return os.pathsep.join(str(folder) for folder in folders if folder)


def _search_path(spec: ContainerSpec, program: Program, folders: ProcessFolders) -> str:
    """What the job has installed, our own program if it runs (and this process was told where), what the job says."""
    own = None if spec.entrypoint or program.folder else os.environ.get("PYTHONPATH")
    paths = (folders.packages, own, spec.environment.get("PYTHONPATH"))
    return os.pathsep.join(path for path in paths if path)


def _pip_settings() -> dict[str, str]:
    """For scripts that install packages: the indexes that environments are made from, and what was fetched before.

    An index whose address holds a name or a token is left out: the person's credentials reach no job.
    """
    settings = {
        name: value for name, value in os.environ.items() if name.startswith("PIP_") and not _CREDENTIALS.search(value)
    }
    return settings | {"PIP_CACHE_DIR": str(cache_folder() / "pip"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


class _ProcessContainer:
    def __init__(
        self, process: GuardedProcess, address: tuple[str, int], spec: ContainerSpec, folders: ProcessFolders
    ) -> None:
        assert process.stdout is not None
        self.address = address
        self._process = process
        self._spec = spec
        self._folders = folders
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
        if code is None:
            return None
        self._folders.remove()
        return _exit_code(code)

    def wait(self, timeout_seconds: float | None = None) -> int:
        code = self._process.wait(timeout_seconds)
        self._reader.join(READER_JOIN_SECONDS)
        self._folders.remove()
        return _exit_code(code)

    def feed(self, relative_path: str, chunks: Iterable[bytes]) -> None:
        write_fifo(self._spec.folder / relative_path, chunks, lambda: self.poll() is not None)

    def bring(self, relative_path: str) -> None:
        """The process works in the spec's folder itself."""

    def fetch(self, relative_path: str) -> None:
        """The process works in the spec's folder itself."""

    def usage(self) -> Usage | None:
        return usage_below(self._process.guard_pid)

    def terminate(self, grace_seconds: float) -> None:
        self._process.terminate(grace_seconds)

    def stop(self, grace_seconds: float) -> None:
        self._process.terminate(grace_seconds)
        self.wait()


def _exit_code(return_code: int) -> int:
    """As a container's: 128 + N if signal N ended it."""
    return return_code if return_code >= 0 else 128 - return_code
