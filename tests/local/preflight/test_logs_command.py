"""``preflight logs NAME``: what a function or a job has written, without looking for its group and stream."""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from preflight.stack import Stack
from tests.local.conftest import Make, bucket, job_request, put, role, sagemaker, train
from tests.local.preflight.hosts.localstack.lambda_.conftest import (
    Create,
    create_function,
    eventually,
    function_role,
    lambda_client,
)

__all__ = [
    "bucket",
    "create_function",
    "function_role",
    "job_request",
    "lambda_client",
    "put",
    "role",
    "sagemaker",
    "train",
]

PRINTS = "def handler(event, context): print('boarding', event)"


def start(stack: Stack, *arguments: str) -> "subprocess.Popen[str]":
    """``preflight logs`` on that stack, its output to be read."""
    environment = os.environ | {"PREFLIGHT_HOME": str(stack.home), "PREFLIGHT_PORT": str(stack.port)}
    command = [sys.executable, "-m", "preflight", "logs", *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


@contextlib.contextmanager
def ended_within(process: "subprocess.Popen[str]", seconds: float) -> Iterator[None]:
    """Kill it at the end, or when it has said nothing for too long."""
    limit = threading.Timer(seconds, process.kill)
    limit.start()
    try:
        yield
    finally:
        limit.cancel()
        process.kill()


def printed(stack: Stack, *arguments: str) -> list[str]:
    return start(stack, *arguments).communicate(timeout=60)[0].splitlines()


def wait_for_lines(client: Callable[..., Any], function: str, count: int) -> None:
    logs, group = client("logs"), f"/aws/lambda/{function}"

    def is_written() -> bool:
        groups = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        return bool(groups) and len(logs.filter_log_events(logGroupName=group)["events"]) >= count

    assert eventually(is_written)


def test_the_log_of_a_function_is_printed(stack: Stack, create_function: Create, client: Callable[..., Any]) -> None:
    function = create_function(PRINTS)
    for event in range(2):
        function(event)
    wait_for_lines(client, function.name, 8)

    lines = printed(stack, function.name)

    assert [line.split()[0] for line in lines] == ["START", "boarding", "END", "REPORT"] * 2
    assert printed(stack, function.name, "--tail", "3") == lines[-3:]
    assert printed(stack, function.name, "--tail", "10") == lines


def test_a_log_is_followed(stack: Stack, create_function: Create, client: Callable[..., Any]) -> None:
    function = create_function(PRINTS)
    function("first")
    wait_for_lines(client, function.name, 4)
    following = start(stack, function.name, "--follow")
    with following, ended_within(following, 60):
        assert following.stdout is not None
        assert "boarding first\n" in [following.stdout.readline() for _ in range(4)]
        function("second")
        assert "boarding second\n" in [following.stdout.readline() for _ in range(4)]


def test_the_log_of_a_training_job_is_printed(stack: Stack, train: Make) -> None:
    job = train()

    lines = eventually(lambda: printed(stack, job["TrainingJobName"]))

    assert any("train" in line for line in lines), lines


def test_a_name_that_nobody_has_is_told(stack: Stack) -> None:
    command = start(stack, "nobody")

    assert "Nothing of that name has a log" in command.communicate(timeout=60)[0]
    assert command.returncode == 1
