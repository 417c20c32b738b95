"""What a killed test run leaves is removed by the next one."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from preflight.environments import cache_folder
from preflight.stack import Stack
from preflight.testing import StackProcess
from tests.local.preflight.hosts.localstack.lambda_.conftest import eventually

RUN = """
from preflight.testing import StackProcess

with StackProcess() as stack:
    print(stack.port, stack.stack.home, flush=True)
    input()
"""


def test_the_folder_of_a_killed_run_goes_with_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFLIGHT_CACHE", str(cache_folder()))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    command = [sys.executable, "-c", RUN]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        port, home = run.stdout.readline().split()
        run.kill()
    assert eventually(lambda: Stack(int(port), Path(home)).process() is None, 60)
    left = Path(home)
    assert left.exists()

    with StackProcess() as other:
        assert not left.exists()
        assert other.stack.home.exists()

    assert not list(tmp_path.glob("preflight-*"))
