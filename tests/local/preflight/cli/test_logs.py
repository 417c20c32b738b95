"""``preflight logs NAME``: what a function or a job has written, without looking for its group and stream."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from preflight.stack import Stack
from tests.local.conftest import Make, unique
from tests.local.preflight.cli.conftest import Cli
from tests.local.preflight.hosts.localstack.api_gateway.conftest import arn_of
from tests.local.preflight.hosts.localstack.lambda_.conftest import Create, eventually

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


def test_a_name_that_nobody_has_is_told_with_what_is_near(cli: Cli, train: Make) -> None:
    name = train(TrainingJobName=unique("boarding-gate"))["TrainingJobName"]

    told = cli("logs", name.replace("boarding", "bording"))

    assert told.returncode == 1
    assert f"Did you mean {name}" in told.stdout and "preflight status --all" in told.stdout
    assert cli("logs", "../odd name?", "--kind", "endpoint").returncode == 1


def test_a_followed_job_ends_its_log_and_says_how(cli: Cli, sagemaker: Any, job_request: Make) -> None:
    request = job_request("a,b,c\n1,2,3\n")
    sagemaker.create_training_job(**request)

    followed = cli("logs", request["TrainingJobName"], "--follow")

    assert followed.returncode == 0
    assert "is not a number" in followed.stdout.splitlines()[-1]
    assert followed.stderr.startswith(f"The training job {request['TrainingJobName']}: Failed: ClientError: ")


def test_a_name_of_two_kinds_needs_its_kind(cli: Cli, create_function: Create, train: Make) -> None:
    name = create_function(PRINTS).name
    train(TrainingJobName=name)

    told = cli("logs", name)
    job, function = (cli("logs", name, "--kind", kind) for kind in ("training", "function"))

    assert told.returncode == 1
    assert f"the training job {name} and the function {name}" in told.stdout
    assert "--kind training or --kind function" in told.stdout
    assert "epochs" in job.stdout
    assert (function.stdout, function.returncode) == ("", 0) and "has logged nothing" in function.stderr


def test_the_log_of_an_execution_is_that_of_its_steps(
    cli: Cli, create_function: Create, client: Make, run: Make
) -> None:
    function = create_function(PRINTS)
    function("before it")
    steps = [
        {"Name": name, "Type": "Lambda", "Arguments": {"who": name}, "FunctionArn": arn_of(function)}
        for name in ("First", "Second")
    ]
    execution, _ = run(*steps)
    wait_for_lines(client, function.name, 12)

    by_pipeline = cli("logs", execution["PipelineArn"].rpartition("/")[2], "--follow")
    by_execution = cli("logs", execution["PipelineExecutionArn"].rpartition("/")[2])

    assert by_pipeline.stdout == by_execution.stdout
    assert "Succeeded" in by_pipeline.stderr
    said = [line.split() for line in by_execution.stdout.splitlines() if "boarding" in line]
    assert {(words[0], words[-1]) for words in said} >= {("First", "'First'}"), ("Second", "'Second'}")}


def test_ctrl_c_ends_following_without_a_word(stack: Stack, create_function: Create) -> None:
    function = create_function(PRINTS)
    function("first")
    following = start(stack, function.name, "--follow")
    with following, ended_within(following, 60):
        assert following.stdout is not None
        assert following.stdout.readline().startswith("START")
        following.send_signal(signal.SIGINT)
        rest = following.stdout.read()

    assert following.returncode == 130
    assert "Interrupted" not in rest and "Traceback" not in rest


def test_names_are_completed(cli: Cli, train: Make) -> None:
    name = train(TrainingJobName=unique("boarding-gate"))["TrainingJobName"]
    typed = {"COMP_WORDS": "preflight logs boarding-g", "COMP_CWORD": "2", "_PREFLIGHT_COMPLETE": "bash_complete"}

    assert name in cli(**typed).stdout
    assert "status" in cli(**(typed | {"COMP_WORDS": "preflight sta", "COMP_CWORD": "1"})).stdout
    for shell in ("bash", "zsh", "fish"):
        assert "_PREFLIGHT_COMPLETE" in cli("completion", shell).stdout
