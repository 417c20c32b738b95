"""Environments: virtual ones of pinned requirements, made once in the user's cache and used by every project.

An environment is named by its content (pins, Python, platform), so it is made again only when that changes, and what
is there is used without a network. It is made in place, because scripts in it name their interpreter's path; a stamp
says that it is whole, and what a killed command has left without one is made anew. A lock lets one command make it
while all others wait.
"""

import contextlib
import fcntl
import functools
import hashlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from preflight.sagemaker.launching.process.guarded_process import GuardedProcess

Say = Callable[[str], None]

DISTRIBUTION = "preflight-sagemaker"
PACKAGES = ("preflight", "preflight_container")

_STAMP = "preflight-made"
_STAGES = ("Resolved", "Prepared", "Installed", "Bytecode compiled")  # how uv's lines begin that tell of its progress
_NO_NETWORK = re.compile(r"dns error|error sending request|failed to fetch|timed out|connection|newconnection", re.I)
_NO_VERSION = re.compile(
    r"(?:no version of|has no wheels|no matching distribution found for) *([\w.-]+==[\w.]+)?", re.I
)
_NO_SPACE = re.compile(r"no space left|os error 28|errno 28|quota exceeded", re.I)
_OUTPUT_LINES = 12


class EnvironmentProblem(Exception):
    """An environment cannot be made; the text says why and what to do."""


def silent(line: str) -> None:
    """Says nothing."""


def cache_folder() -> Path:
    """What is kept for all projects: ``PREFLIGHT_CACHE``, or the user's own cache folder."""
    if named := os.environ.get("PREFLIGHT_CACHE"):  # always set in a stack, which has no platformdirs
        return Path(named).absolute()
    import platformdirs

    return platformdirs.user_cache_path("preflight").absolute()


def uv_program() -> str | None:
    """The uv that is installed with the kit, else the one on the path; a stack is told by ``PREFLIGHT_UV``."""
    if named := os.environ.get("PREFLIGHT_UV"):
        return named
    try:
        from uv import find_uv_bin

        return find_uv_bin()
    except (ImportError, FileNotFoundError):
        return shutil.which("uv")


@dataclass(frozen=True)
class Environment:
    """``requirements`` are the lines of a requirements file, whole: each package with its version, dependencies too.

    ``python`` is an interpreter's path or version, as uv takes it; empty: the one that runs this.
    ``torch_backend`` is the kind of PyTorch's builds to take (``cpu``), as uv has it, which knows where they are.
    ``with_dependencies``: the requirements are not whole; what they need is found when it is made, and it has pip.
    """

    name: str
    requirements: str
    python: str = ""
    torch_backend: str = ""
    with_dependencies: bool = False

    @property
    def folder(self) -> Path:
        python = self.python or f"{sys.base_prefix} {sys.version_info[:2]} {sys.implementation.cache_tag}"
        kind = ["with dependencies"] if self.with_dependencies else []
        content = "\n".join([python, sysconfig.get_platform(), *self._pins, *kind])
        return cache_folder() / "environments" / f"{self.name}-{hashlib.sha256(content.encode()).hexdigest()[:16]}"

    @property
    def interpreter(self) -> Path:
        return self.folder / "bin" / "python"

    def is_made(self) -> bool:
        """False also when its Python has been removed from the machine."""
        return (self.folder / _STAMP).exists() and self.interpreter.exists()

    def ensure(self, say: Say = silent) -> Path:
        """Its interpreter; the environment is made if it is not there. ``say`` gets a line for each step.

        Raises:
            EnvironmentProblem: it cannot be made; nothing of it is left.
        """
        if not self.is_made():
            try:
                with self._locked(say):
                    if not self.is_made():
                        self._make(say)
            except OSError as error:
                raise EnvironmentProblem(
                    f"The environment {self.name!r} cannot be made in {self.folder}: {error.strerror or error}. "
                    "PREFLIGHT_CACHE names another folder."
                ) from None
        return self.interpreter

    def remove(self) -> None:
        """What runs in it fails; the next that needs it makes it again."""
        with self._locked(silent):
            shutil.rmtree(self.folder, ignore_errors=True)

    def version_of(self, package: str) -> str:
        """The version of ``package`` in it, made as it is; empty if it has none."""
        name = re.sub(r"[-.]", "_", package)
        information = next(self.folder.glob(f"lib/python*/site-packages/{name}-*.dist-info"), None)
        return information.name.removesuffix(".dist-info").partition("-")[2] if information else ""

    @property
    def _pins(self) -> list[str]:
        lines = (line.strip() for line in self.requirements.splitlines())
        return sorted({line for line in lines if line and not line.startswith("#")})

    def _make(self, say: Say) -> None:
        names = {pin.partition("==")[0] for pin in self._pins}  # one may be pinned for each of several Pythons
        say(
            f"Setting up the environment {self.name!r}: {len(names)} packages, once; about half a minute, "
            f"longer on a slow network. It goes into {self.folder}"
        )
        try:
            try:
                self._install_with_uv(say)
            except EnvironmentProblem as problem:
                if _NO_SPACE.search(str(problem)):
                    raise
                say("uv cannot install it; pip tries, which may know of another index.")
                try:
                    self._install_with_pip(say)
                except EnvironmentProblem:
                    raise problem from None
            (self.folder / _STAMP).touch()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def _install_with_uv(self, say: Say) -> None:
        uv, python = uv_program(), self.python or sys.executable
        if uv is None:
            raise EnvironmentProblem("uv is not installed.")
        seed = ["--seed"] if self.with_dependencies else []
        self._run([uv, "venv", "--quiet", "--clear", *seed, "--python", python, str(self.folder)], say)
        backend = ["--torch-backend", self.torch_backend] if self.torch_backend else []
        options = [*self._no_dependencies, *backend, "--compile-bytecode", "--python", str(self.interpreter)]
        self._run([uv, "pip", "install", *options, "--requirements", self._write_pins()], say)

    def _install_with_pip(self, say: Say) -> None:
        self._run([self.python or sys.executable, "-m", "venv", "--clear", str(self.folder)], say)
        options = ["--quiet", "--disable-pip-version-check", *self._no_dependencies]
        self._run([str(self.interpreter), "-m", "pip", "install", *options, "-r", self._write_pins()], say)

    @property
    def _no_dependencies(self) -> list[str]:
        return [] if self.with_dependencies else ["--no-deps"]

    def _write_pins(self) -> str:
        path = self.folder / "requirements.txt"
        path.write_text("\n".join([*self._pins, ""]))
        return str(path)

    def _run(self, command: Sequence[str], say: Say) -> None:
        """Run one command, which ends with us however we end. Raises EnvironmentProblem with what it has printed."""
        foreign = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")
        output = []
        with GuardedProcess.start(
            command,
            cwd=self.folder.parent,
            env={name: value for name, value in os.environ.items() if name not in foreign},
            stdout=subprocess.PIPE,
            orphan_grace_seconds=0,
        ) as process:
            assert process.stdout is not None
            for raw in process.stdout:
                line = raw.decode(errors="replace").rstrip()
                output.append(line)
                if line.startswith(_STAGES):
                    say(f"  {line}")
            code = process.wait()
        if code:
            raise EnvironmentProblem(self._explain(output))

    def _explain(self, output: Sequence[str]) -> str:
        """What went wrong, from what uv or pip has printed."""
        text = "\n".join(output)
        if _NO_SPACE.search(text):
            reason = f"there is no space left for it in {self.folder.parent}. Make room, or set PREFLIGHT_CACHE."
        elif missing := _NO_VERSION.search(text):
            which = missing[1] or "one of its packages in the version that is wanted"
            reason = f"the package index does not have {which} for this Python and system."
        elif _NO_NETWORK.search(text):
            reason = (
                "the package index cannot be reached. It is needed this once: connect to the network, or name an index "
                "that you can reach (UV_DEFAULT_INDEX, or pip's configuration)."
            )
        else:
            reason = "the installer failed."
        said = "\n".join(f"  {line}" for line in output[-_OUTPUT_LINES:])
        return f"The environment {self.name!r} cannot be made: {reason}\n{said}"

    @contextlib.contextmanager
    def _locked(self, say: Say) -> Iterator[None]:
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with self.folder.with_suffix(".lock").open("wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"Another command sets up the environment {self.name!r}; waiting for it ...")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield


@functools.cache
def stack_environment() -> Environment:
    """LocalStack and the built-in algorithms, each set as its own folder pins it."""
    pins = [
        files("preflight").joinpath("hosts", "localstack", "requirements.txt"),
        files("preflight_container").joinpath("requirements.txt"),
    ]
    return Environment("stack", "\n".join(file.read_text() for file in pins))


def stack_python(say: Say = silent) -> Path:
    """The Python that stacks run on: PREFLIGHT_STACK_PYTHON, which has all the pins then, or the environment's.

    Raises:
        EnvironmentProblem: it cannot be made, or is not there.
    """
    named = os.environ.get("PREFLIGHT_STACK_PYTHON")
    if not named:
        return stack_environment().ensure(say)
    if not Path(named).exists():
        raise EnvironmentProblem(f"PREFLIGHT_STACK_PYTHON is {named}, which does not exist.")
    return Path(named)


def kit_path() -> Path:
    """A folder for the PYTHONPATH of another environment: this kit as it is installed here, and nothing beside it.

    It has links to the packages, and the kit's metadata, in which LocalStack finds our plug-ins.

    Raises:
        EnvironmentProblem: the kit is not installed, only lies somewhere on the path.
    """
    try:
        distribution = importlib.metadata.distribution(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        raise EnvironmentProblem(f"{DISTRIBUTION} is not installed for {sys.executable}: install it.") from None
    packages = {name: str(files(name)) for name in PACKAGES}
    metadata = {name: distribution.read_text(name) or "" for name in ("METADATA", "entry_points.txt")}
    content = hashlib.sha256(repr((packages, metadata)).encode()).hexdigest()
    folder = cache_folder() / "kit" / content[:16]
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, ignore_cleanup_errors=True) as aside:
            made = Path(aside) / "kit"
            information = made / f"{DISTRIBUTION.replace('-', '_')}-{distribution.version}.dist-info"
            information.mkdir(parents=True)
            for name, text in metadata.items():
                (information / name).write_text(text)
            for name, place in packages.items():
                (made / name).symlink_to(place)
            try:
                made.rename(folder)
            except OSError:  # somebody else has just made it
                if not folder.exists():
                    raise
    return folder
