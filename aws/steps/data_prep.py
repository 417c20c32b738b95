"""data_prep as this room uses it: called as a command here, zipped as the program of processing jobs there."""

import subprocess
import sys
from pathlib import Path

from aws.errors import InputError
from aws.steps.function import PROJECT_FOLDER, zipped

FILES = ("encoder", "errors", "files", "median", "output", "parts", "prepare", "schema", "table", "__init__")


def write_program(folder: Path) -> Path:
    """``data_prep.zip`` in ``folder``: Python runs a zip with a __main__.py in it."""
    package = {f"data_prep/{name}.py": PROJECT_FOLDER / "data_prep" / f"{name}.py" for name in FILES}
    program = zipped({"__main__.py": PROJECT_FOLDER / "data_prep" / "job.py", **package})
    (folder / "data_prep.zip").write_bytes(program)
    return folder / "data_prep.zip"


def described_table(table: Path, features: str, config_path: Path, folder: Path) -> Path:
    """What data_prep says of the table by its configuration. Raises ``InputError`` with its own sentence."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "description.json"
    options = ("--config", str(config_path), "--features", features, "--check", "--describe", str(path))
    _run("data_prep", str(table), *options)
    return path


def cut_table(table: Path, description: Path, count: int, folder: Path) -> list[Path]:
    """The table in ``count`` files in ``folder``, and parts.json, which says how they belong together, at the end."""
    _run("data_prep.in_parts", "cut", str(table), str(description), str(count), str(folder))
    return [*sorted(folder.glob("part-*.csv")), folder / "parts.json"]


def join_parts(parts: Path, made: Path, description: Path, output: Path) -> str:
    """Put together what was made of the parts. Returns what data_prep says of it."""
    return _run("data_prep.in_parts", "join", str(parts), str(made), str(description), str(output))


def _run(module: str, *arguments: str) -> str:
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=PROJECT_FOLDER, capture_output=True, text=True)
    if done.returncode:
        raise InputError(done.stderr.strip().removeprefix("Error: ") or f"{module} ended with {done.returncode}.")
    return done.stdout.strip()
