"""A Python that is too old is told which one it is, and how to get another."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

OLD = [path for minor in (8, 9, 10, 11) if (path := shutil.which(f"python3.{minor}"))]


def works(python: str) -> bool:
    """pyenv has names of Pythons that are not there."""
    return subprocess.run([python, "-c", ""], capture_output=True, timeout=60).returncode == 0


def test_setup_names_the_pythons_that_it_found(tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "setup.sh", tmp_path)
    for folder in ("requirements", "container/preflight_container"):
        (tmp_path / folder).mkdir(parents=True)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "dirname", "cat", "cksum", "head"):
        (programs / name).symlink_to(str(shutil.which(name)))
    python = programs / "python3"
    python.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.6"\n')
    python.chmod(0o755)

    told = subprocess.run(
        ["sh", "setup.sh"],
        env={"PATH": str(programs), "PYTHON": "python3.99"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert told.returncode == 1
    assert f"{python}: Python 3.9.6" in told.stderr and "python3.99 (as PYTHON says): not there" in told.stderr
    assert "uv python install 3.13" in told.stderr
    assert not (tmp_path / ".venv").exists()


def test_the_command_line_names_its_own_python() -> None:
    python = next(filter(works, OLD), None)
    if python is None:
        pytest.skip("no Python before 3.12 is here")
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "local")}

    told = subprocess.run(
        [python, "-m", "preflight", "up"], env=environment, capture_output=True, text=True, timeout=60
    )

    assert told.returncode == 1
    assert "needs Python 3.12" in told.stderr and "this is 3." in told.stderr and "Traceback" not in told.stderr
