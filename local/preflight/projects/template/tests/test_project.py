"""The project's way from its table to a URL, on a stack of the test's own."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The variables of a free port, whose stack is gone afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = os.environ | {"PREFLIGHT_PORT": port, "PYTHONPATH": str(PROJECT)}
    yield environment
    subprocess.run(["preflight", "down"], env=environment, check=True, timeout=60)


def test_the_table_becomes_a_url_that_answers(environment: dict[str, str], tmp_path: Path) -> None:
    build = ["--build", str(tmp_path)]
    demo = [sys.executable, "aws/demo.py", "--rows", "10", *build]
    subprocess.run(demo, cwd=PROJECT, env=environment, check=True, timeout=300)

    predict = [sys.executable, "aws/predict.py", "--rows", "10", "--json", *build]
    asked = subprocess.run(predict, cwd=PROJECT, env=environment, check=True, stdout=subprocess.PIPE, timeout=120)

    assert json.loads(asked.stdout)["rows"] == 10
