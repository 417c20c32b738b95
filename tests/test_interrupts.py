"""Ctrl-C before a command has begun: it ends like any other program, without a traceback."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY


@pytest.mark.parametrize(
    "command",
    [
        "-m preflight",
        "-m data_prep",
        "aws/deploy.py",
        "aws/predict.py",
        "aws/destroy.py",
        "aws/cost.py",
        "aws/pipeline.py",
    ],
)
def test_ctrl_c_while_a_command_loads_ends_it_without_a_word(command: str, tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")  # each loads it
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}

    ended = subprocess.run(
        [sys.executable, *command.split()], env=environment, cwd=REPOSITORY, capture_output=True, text=True, timeout=60
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, "", "")
