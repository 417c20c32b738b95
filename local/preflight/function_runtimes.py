"""Lambda's runtimes on this machine: every Python that is found, each with what AWS's runtime has, and node.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html. A Python runs functions in an environment of its
own, of AWS's runtime client and boto3 (``environments.py``); node runs them by ``node_client.mjs``.
"""

import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from preflight.environments import Environment, Say, silent

Version = tuple[int, ...]  # (3, 13); (22,)

PYTHONS: tuple[Version, ...] = tuple((3, minor) for minor in range(8, 15))
NODES: tuple[Version, ...] = ((16,), (18,), (20,), (22,), (24,))
RUNTIMES = {
    **{f"python{major}.{minor}": ("python", (major, minor)) for major, minor in PYTHONS},
    **{f"nodejs{major}.x": ("node", (major,)) for (major,) in NODES},
}
EXACT = "exact"
SETTING = "PREFLIGHT_LAMBDA_RUNTIME"
_ASK_SECONDS = 20
_ABOUT = {
    "python": (
        "-I",
        "-S",
        "-c",
        "import sys; print(sys.implementation.name, *sys.version_info[:2], sys._base_executable)",
    ),
    "node": ("-p", "'node ' + process.version + ' ' + process.execPath"),
}
_ANSWERS = {
    "python": re.compile(r"cpython (?P<version>\d+ \d+) (?P<path>.+)\s*"),
    "node": re.compile(r"node v(?P<version>\d+)\.\S+ (?P<path>.+)\s*"),
}


class RuntimeMissing(Exception):
    """Nothing on this machine runs functions of that runtime; the text says what to do."""


class PolicyError(Exception):
    """PREFLIGHT_LAMBDA_RUNTIME means nothing; the text says what can be said."""


@dataclass(frozen=True)
class Interpreter:
    """A program that was found and has told its version."""

    kind: str  # python or node
    version: Version
    path: Path

    @property
    def label(self) -> str:
        return f"{'Python' if self.kind == 'python' else 'Node.js'} {'.'.join(map(str, self.version))}"


@dataclass(frozen=True)
class FunctionRuntime:
    """A runtime of Lambda and what runs it here; ``warning`` says so if that is another version."""

    name: str
    interpreter: Interpreter
    warning: str = ""

    @property
    def environment(self) -> Environment | None:
        """What has to be made before it runs; node needs nothing."""
        if self.interpreter.kind != "python":
            return None
        version = ".".join(map(str, self.interpreter.version))
        pins = files("preflight").joinpath("hosts", "localstack", "lambda_", "requirements.txt").read_text()
        return Environment(f"lambda-python{version}", pins, python=str(self.interpreter.path))


def resolve(name: str, *, exact: bool = False) -> FunctionRuntime:
    """What runs the functions of runtime ``name``: its own version, or (unless ``exact``) the nearest newer one.

    If there is no newer one either, the newest there is.

    Raises:
        RuntimeMissing: it is none of Python and node, or there is nothing to run it.
    """
    if name not in RUNTIMES:
        raise RuntimeMissing(f"functions run on {_among(PYTHONS, 'python{}.{}')} or {_among(NODES, 'nodejs{}.x')}.")
    kind, wanted = RUNTIMES[name]
    there = {found.version: found for found in interpreters() if found.kind == kind}
    if wanted in there:
        return FunctionRuntime(name, there[wanted])
    missing = Interpreter(kind, wanted, Path()).label
    how_to = f"uv python install {'.'.join(map(str, wanted))}" if kind == "python" else f"install {missing}"
    if not there:
        raise RuntimeMissing(f"{missing} is not on this machine: {how_to}.")
    if exact:
        raise RuntimeMissing(f"{missing} is not on this machine, and {SETTING} is {EXACT}: {how_to}.")
    nearest = min((version for version in there if version > wanted), default=max(there))
    warning = f"{missing} is not on this machine; this function runs on {there[nearest].label}. For {name}: {how_to}."
    return FunctionRuntime(name, there[nearest], warning)


def require_policy(value: str | None) -> bool:
    """Whether only the exact version will do, from PREFLIGHT_LAMBDA_RUNTIME. Raises PolicyError."""
    if value not in (None, "", "nearest", EXACT):
        raise PolicyError(f"{SETTING} is {value!r}; it can be nearest (as without it) or {EXACT}.")
    return value == EXACT


def prepare_own(say: Say = silent) -> None:
    """Make the environment of functions that run on this process's Python. Raises EnvironmentProblem."""
    own = _ask("python", _own_python())
    if own and (environment := FunctionRuntime("", own).environment):
        environment.ensure(say)


def prepare_all(say: Say = silent) -> list[Interpreter]:
    """Make the environments of all Pythons; what runs functions here, node too. Raises EnvironmentProblem."""
    for interpreter in interpreters():
        if environment := FunctionRuntime("", interpreter).environment:
            environment.ensure(say)
    return list(interpreters())


def describe(*, exact: bool = False) -> dict[str, str]:
    """What runs each runtime, or why nothing does."""
    described = {}
    for name in RUNTIMES:
        try:
            runtime = resolve(name, exact=exact)
        except RuntimeMissing as problem:
            described[name] = str(problem)
        else:
            described[name] = runtime.warning or f"{runtime.interpreter.label} ({runtime.interpreter.path})"
    return described


@functools.cache
def interpreters() -> tuple[Interpreter, ...]:
    """The first of each version that is found: on the path, of pyenv, of uv; node also of nvm."""
    found: dict[tuple[str, Version], Interpreter] = {}
    for kind, path in (*(("python", path) for path in _pythons()), *(("node", path) for path in _nodes())):
        interpreter = _ask(kind, path)
        if interpreter and (interpreter.version in PYTHONS or kind == "node"):
            found.setdefault((kind, interpreter.version), interpreter)
    return tuple(found[key] for key in sorted(found))


def find_python(version: str) -> str:
    """The path of a Python of ``version`` (``3.9``) on this machine; if there is none, the version, for uv to find."""
    found = (each for each in interpreters() if each.kind == "python")
    return next((str(each.path) for each in found if ".".join(map(str, each.version)) == version), version)


def _pythons() -> Iterator[Path]:
    yield _own_python()
    home = Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT") or home / ".pyenv", "versions")
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or home / ".local" / "share" / "uv" / "python")
    for major, minor in PYTHONS:
        name = f"python{major}.{minor}"
        yield from _on_path(name)
        yield from _newest_first(pyenv.glob(f"{major}.{minor}.*/bin/{name}"))
        yield from _newest_first(uv.glob(f"cpython-{major}.{minor}.*/bin/{name}"))


def _own_python() -> Path:
    return Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}")


def _nodes() -> Iterator[Path]:
    yield from _on_path("node")
    nvm = Path(os.environ.get("NVM_DIR") or Path.home() / ".nvm")
    yield from _newest_first(nvm.glob("versions/node/v*/bin/node"))


def _on_path(name: str) -> Iterator[Path]:
    """Not the stand-ins of pyenv and asdf: what they run depends on the folder that one is in."""
    folders = [
        folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(folder).name != "shims"
    ]
    if found := shutil.which(name, path=os.pathsep.join(folders)):
        yield Path(found)


def _newest_first(paths: Iterable[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: [int(number) for number in re.findall(r"\d+", str(path))], reverse=True)


def _ask(kind: str, path: Path) -> Interpreter | None:
    """What a program says of itself, its real path too; None of one that does not run."""
    try:
        said = subprocess.run(
            [path, *_ABOUT[kind]], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_ASK_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    match = _ANSWERS[kind].fullmatch(said.stdout)
    if not match:
        return None
    return Interpreter(kind, tuple(map(int, match["version"].split())), Path(match["path"].strip()))


def _among(versions: tuple[Version, ...], pattern: str) -> str:
    return f"{pattern.format(*versions[0])} to {pattern.format(*versions[-1])}"
