"""``preflight status``: what is up, on one screen, and as JSON."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC
from typing import Any

import pytest

from preflight.sagemaker.launching.ports import free_port
from preflight.stack import Stack
from tests.local.conftest import Make
from tests.local.preflight.cli.conftest import Cli
from tests.local.preflight.hosts.localstack.api_gateway.conftest import STAGE, Api
from tests.local.preflight.hosts.localstack.lambda_.conftest import Create
from tests.local.preflight.sagemaker.pipelines.conftest import compare, condition, fail

PRINTS = "def handler(event, context): print('boarding', event)"
NEVER = compare("Equals", 1, 2)


@pytest.fixture
def rest_api(client: Make, stack: Stack) -> Iterator[Api]:
    """One with a method that was deployed."""
    api = Api(client("apigateway"), stack.endpoint_url)
    api.add("/predict")
    api.client.create_deployment(restApiId=api.id, stageName=STAGE)
    yield api
    api.client.delete_rest_api(restApiId=api.id)


def on_terminal(stack: Stack, columns: int, *arguments: str) -> list[str]:
    """The lines of a command on a terminal of so many columns."""
    settings = {"PREFLIGHT_HOME": str(stack.home), "PREFLIGHT_PORT": str(stack.port)}
    terminal = {"TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": "50", "PYTHONIOENCODING": "utf-8"}
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "preflight", *arguments]
    with subprocess.Popen(command, env=os.environ | settings | terminal, stdout=theirs, stdin=theirs):
        os.close(theirs)
        with os.fdopen(ours, "rb", closefd=True) as screen:
            return b"".join(_chunks(screen.fileno())).decode().splitlines()


def _chunks(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # how Linux says that the other side is closed
            return
        if not chunk:
            return
        yield chunk


def test_what_is_up_is_on_one_screen(
    stack: Stack, cli: Cli, train: Make, create_function: Create, rest_api: Api, run: Make
) -> None:
    job = train()
    failed = train(train="a,b,c\n1,2,3\n")
    function = create_function(PRINTS)
    run(condition("Good", NEVER, then=[fail("Never", "no")], otherwise=[fail("Bad", "too bad")]))

    lines = cli("status").stdout.splitlines()

    def line_with(text: str) -> str:
        return next(line for line in lines if text in line)

    assert lines[0] == f"The stack is up at {stack.endpoint_url}."
    assert re.search(r"✔ training +\S+ +Completed +.* ago, ", line_with(job["TrainingJobName"]))
    assert "is not a number" in line_with(failed["TrainingJobName"])
    assert "python3" in line_with(function.name)
    assert line_with(rest_api.id).endswith(f"{stack.endpoint_url}/_aws/execute-api/{rest_api.id}/{STAGE}/predict")
    tree = lines[lines.index("Pipelines") + 1 :]
    assert "Failed" in tree[0]
    assert [re.sub(r"[^\w: ]", "", line).split()[:2] for line in tree[1:4]] == [
        ["Good", "Condition"],
        ["if:", "Never"],
        ["else:", "Bad"],
    ]
    assert "too bad" in tree[3]


def test_scripts_read_json(stack: Stack, cli: Cli, train: Make, run: Make) -> None:
    job = train()
    execution, _ = run(fail("Bad", "too bad"))

    shown: dict[str, Any] = json.loads(cli("status", "--json").stdout)

    assert (shown["is_up"], shown["endpoint_url"], shown["services"]["s3"]) == (True, stack.endpoint_url, "running")
    found = next(each for each in shown["jobs"] if each["name"] == job["TrainingJobName"])
    assert (found["kind"], found["status"]) == ("training", "Completed")
    assert found["created"] == job["CreationTime"].astimezone(tz=None).astimezone(UTC).isoformat(
        timespec="milliseconds"
    )
    newest = shown["executions"][0]
    assert newest["arn"] == execution["PipelineExecutionArn"]
    assert [(step["name"], step["status"]) for step in newest["steps"]] == [("Bad", "Failed")]


def test_only_the_newest_are_shown_and_how_many_more_there_are(cli: Cli, create_function: Create) -> None:
    names = [create_function(PRINTS).name for _ in range(6)]

    short, whole = cli("status").stdout, cli("status", "--all").stdout

    assert names[0] not in short and all(name in short for name in names[1:])
    assert re.search(r"\d+ more functions.*: preflight status --all", short)
    assert all(name in whole for name in names) and "more functions" not in whole


@pytest.mark.parametrize("columns", [80, 120])
def test_a_screen_is_as_wide_as_its_terminal_and_in_colour(stack: Stack, train: Make, columns: int) -> None:
    name = f"pipelines-with-a-name-that-is-as-long-as-names-can-be-here-{columns}"
    train(TrainingJobName=name, train="a,b,c\n1,2,3\n")

    lines = on_terminal(stack, columns, "status")
    plain = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in lines]

    assert "\x1b[31m" in "".join(lines)  # red
    assert all(len(line) <= columns for line in plain if "http" not in line), plain
    assert any(name in line for line in plain), "in one piece"


def test_a_terminal_without_unicode_gets_plain_marks(cli: Cli, train: Make) -> None:
    job = train()

    shown = cli("status", PYTHONIOENCODING="ascii")

    assert re.search(rf"\+ training +{job['TrainingJobName']}", shown.stdout), shown


def test_services_and_runtimes_are_shown_when_asked_for(cli: Cli) -> None:
    assert "cloudformation" not in cli("status").stdout

    shown = cli("status", "--services").stdout

    assert re.search(r"^ +s3 +running", shown, re.M) and re.search(r"cloudformation +refused: ", shown)
    assert re.search(r"python3\.\d+ +Python 3", shown)


def test_a_stack_that_is_not_there_is_told_with_those_that_are(stack: Stack, cli: Cli) -> None:
    port = str(free_port())
    (stack.folder.parent / port).mkdir()  # it has been one

    told = cli("status", "--port", port)

    assert told.returncode == 1
    assert f"No stack is up on port {port}. Start it: preflight up --port {port}" in told.stdout
    assert f"on port {stack.port}, with --port" in told.stdout
    shown = cli("status", "--json", "--port", port)
    assert (shown.returncode, json.loads(shown.stdout)["is_up"]) == (1, False)


def test_the_variables_come_with_a_warning_where_no_stack_is(stack: Stack, cli: Cli) -> None:
    here, elsewhere = cli("env"), cli("env", "--port", str(free_port()))

    assert here.stderr == ""
    assert "No stack is up" in elsewhere.stderr and "preflight up" in elsewhere.stderr
    assert [line.split("=")[0] for line in elsewhere.stdout.splitlines()] == [
        line.split("=")[0] for line in here.stdout.splitlines()
    ]
