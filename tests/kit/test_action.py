"""action.yml: what GitHub would run of it, with GitHub's files, by the node that is here."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from preflight.sagemaker.launching.ports import free_port
from preflight.stack import Stack
from tests.conftest import REPOSITORY

ACTION = REPOSITORY / ".github" / "action" / "action.js"


@pytest.mark.skipif(not shutil.which("node"), reason="the action is JavaScript, and there is no node")
def test_the_action_has_a_stack_for_the_steps_that_follow_and_nothing_is_left(tmp_path: Path) -> None:
    stack = Stack(port=free_port(), home=tmp_path / "home")
    files = {name: tmp_path / name for name in ("GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE")}
    for file in files.values():
        file.touch()
    variables = {name: str(file) for name, file in files.items()}
    github = os.environ | variables | {"PREFLIGHT_HOME": str(stack.home), "INPUT_PORT": str(stack.port)}

    run(github)
    try:
        is_up = stack.health() is not None
        later = github | dict(line.split("=", 1) for line in files["GITHUB_ENV"].read_text().splitlines())
        later["PATH"] = f"{files['GITHUB_PATH'].read_text().strip()}{os.pathsep}{later['PATH']}"
        status = subprocess.run(["preflight", "status"], env=later, capture_output=True, text=True, timeout=60)
    finally:
        state = dict(line.split("=", 1) for line in files["GITHUB_STATE"].read_text().splitlines())
        at_the_end = run(github | {f"STATE_{name}": value for name, value in state.items()})

    assert is_up and later["AWS_ENDPOINT_URL"] == stack.endpoint_url
    assert f"The stack is up at {stack.endpoint_url}." in status.stdout, status.stderr
    assert "The stack is down." in at_the_end
    assert stack.health() is None and not stack.has_state


def run(environment: dict[str, str]) -> str:
    ended = subprocess.run(["node", str(ACTION)], env=environment, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
