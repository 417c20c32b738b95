"""``preflight exec``: both SDKs' first cells as on a notebook instance, offline."""

import subprocess
import sys
from pathlib import Path

import pytest

from preflight.sagemaker.launching.process.private_folders import private_folders
from preflight.stack import Stack
from tests.clients.conftest import ENVIRONMENTS, HERE

pytestmark = [
    pytest.mark.skipif(bool(private_folders().problem), reason=private_folders().problem),
    pytest.mark.xdist_group("clients"),
]


def run(stack: Stack, folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "PYTHONPATH": str(HERE / "no_network"),
        "NETWORK_ATTEMPTS": str(folder / "attempts"),
        "PREFLIGHT_PORT": str(stack.port),
        "PREFLIGHT_HOME": str(stack.home),
    }
    preflight = [sys.executable, "-m", "preflight", "exec", "--"]
    return subprocess.run(
        [*preflight, *command], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize(("sdk", "script"), [("sagemaker-2", "first_cells_2.py"), ("sagemaker-3", "first_cells_3.py")])
def test_the_first_cells_of_a_notebook_run_as_they_are(stack: Stack, tmp_path: Path, sdk: str, script: str) -> None:
    (tmp_path / "attempts").touch()

    result = run(stack, tmp_path, ENVIRONMENTS / sdk / "bin" / "python", HERE / "scripts" / script)

    assert result.returncode == 0, result.stderr
    role = "arn:aws:iam::000000000000:role/service-role/AmazonSageMaker-ExecutionRole-Preflight"
    assert f"role: {role}" in result.stdout
    assert (f"role for sagemaker-core: {role}" in result.stdout) == (sdk == "sagemaker-2")  # 3.x has it in itself
    assert "bucket: sagemaker-us-east-1-000000000000" in result.stdout
    assert "account: 000000000000" in result.stdout
    assert (tmp_path / "attempts").read_text() == ""
    assert not Path("/opt/ml/metadata").exists()


def test_a_command_keeps_its_exit_code_and_one_that_is_missing_is_127(stack: Stack, tmp_path: Path) -> None:
    assert run(stack, tmp_path, "sh", "-c", "exit 5").returncode == 5
    missing = run(stack, tmp_path, "no-such-command")
    assert (missing.returncode, missing.stderr) == (127, "Cannot start no-such-command: No such file or directory.\n")
