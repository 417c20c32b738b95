"""``preflight`` as a person uses it: real commands, real processes, ports of their own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import psutil
import pytest
from preflight.sagemaker.launching.ports import free_port
from preflight.stack import Stack

from tests.local.conftest import LINEAR_LEARNER, Make, make_role, unique

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Stack]:
    """A stack of this test's own; it is down when the test ends."""
    stack = Stack(port=free_port(), home=tmp_path)
    yield stack
    stack.down()


@pytest.fixture
def cli(own: Stack) -> Cli:
    """Runs ``preflight ...`` on that stack."""

    def run(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        environment = os.environ | {"PREFLIGHT_HOME": str(own.home), "PREFLIGHT_PORT": str(own.port)} | variables
        command = [sys.executable, "-m", "preflight", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)

    return run


def wait_until(condition: Callable[[], bool], timeout_seconds: float = 20) -> None:
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def test_up_twice_starts_one_stack_and_down_leaves_no_process(own: Stack, cli: Cli) -> None:
    assert "is up at" in cli("up").stdout
    process = own.process()
    assert process is not None

    assert "up already" in cli("up").stdout
    assert own.process() == process

    assert "is down" in cli("down").stdout
    assert not psutil.pid_exists(process.pid)
    assert "No stack is up" in cli("down").stdout


def test_a_port_in_use_is_named_with_what_to_do(own: Stack, cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", own.port)):
        result = cli("up")

    assert result.returncode == 1
    assert f"Port {own.port} is in use" in result.stdout
    assert f"--port {own.port + 1}" in result.stdout


def test_a_killed_stack_can_be_started_again(own: Stack, cli: Cli) -> None:
    cli("up")
    process = own.process()
    assert process is not None
    process.kill()
    wait_until(lambda: own.process() is None)

    assert cli("status").returncode == 1
    assert "is up at" in cli("up").stdout
    assert cli("status").returncode == 0


def test_ctrl_c_while_starting_leaves_no_process(own: Stack) -> None:
    environment = os.environ | {"PREFLIGHT_HOME": str(own.home), "PREFLIGHT_PORT": str(own.port)}
    command = [sys.executable, "-m", "preflight", "up"]
    up = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True)
    wait_until(lambda: own.process() is not None)
    process = own.process()
    up.send_signal(signal.SIGINT)
    output, _ = up.communicate(timeout=60)

    assert up.returncode == 130
    assert "Interrupted" in output
    assert process is not None and not psutil.pid_exists(process.pid)


def test_a_home_that_cannot_be_one_is_named(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    result = cli("up", PREFLIGHT_HOME=str(tmp_path / "file"))

    assert (result.returncode, result.stderr) == (1, "")
    assert "Not a directory" in result.stdout and "PREFLIGHT_HOME" in result.stdout


def test_a_disk_that_takes_no_record_of_the_stack_leaves_no_process(own: Stack) -> None:
    command = f"ulimit -f 0; exec {sys.executable} -m preflight up --port {own.port}"  # files may have 0 bytes
    environment = os.environ | {"PREFLIGHT_HOME": str(own.home)}
    up = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, timeout=120)

    assert (up.returncode, up.stderr) == (1, "")
    assert "File too large" in up.stdout
    assert str(own.folder) not in [process.info["cwd"] for process in psutil.process_iter(["cwd"])]


@pytest.mark.parametrize("value", ["0", "61", "soon"])
def test_an_invocation_timeout_that_aws_does_not_have_is_refused(cli: Cli, value: str) -> None:
    result = cli("up", PREFLIGHT_INVOCATION_TIMEOUT_SECONDS=value)

    assert result.returncode == 1
    assert f"PREFLIGHT_INVOCATION_TIMEOUT_SECONDS is '{value}'; it must be above 0 and at most 60" in result.stdout


def test_an_unknown_lambda_executor_is_refused(cli: Cli) -> None:
    result = cli("up", LAMBDA_RUNTIME_EXECUTOR="procces")

    assert result.returncode == 1
    assert "'procces'" in result.stdout and "process" in result.stdout


def test_env_prints_what_an_aws_client_needs(own: Stack, cli: Cli) -> None:
    lines = cli("env").stdout.splitlines()

    assert f"export AWS_ENDPOINT_URL={own.endpoint_url}" in lines
    assert "export AWS_DEFAULT_REGION=us-east-1" in lines


def test_the_stack_does_not_inherit_the_users_credentials(own: Stack, cli: Cli) -> None:
    cli("up", AWS_SECRET_ACCESS_KEY="very-secret")
    process = own.process()

    assert process is not None
    assert "AWS_SECRET_ACCESS_KEY" not in process.environ()


def test_the_stack_listens_on_this_machine_only(own: Stack, cli: Cli) -> None:
    cli("up")
    process = own.process()
    assert process is not None
    listening = {c.laddr[0] for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN}

    assert listening == {"127.0.0.1"}


def test_buckets_of_the_same_name_in_two_stacks_are_two(own: Stack, client: Make) -> None:
    own.up()
    account = {"region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
    other = boto3.client("s3", endpoint_url=own.endpoint_url, **account)
    bucket = unique("same")
    for s3 in (client("s3"), other):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="key", Body=b"small")

    other.delete_object(Bucket=bucket, Key="key")
    other.delete_bucket(Bucket=bucket)

    client("s3").put_object(Bucket=bucket, Key="key", Body=b"large" * 1_000_000)
    assert client("s3").get_object(Bucket=bucket, Key="key")["Body"].read() == b"large" * 1_000_000
    client("s3").delete_object(Bucket=bucket, Key="key")
    client("s3").delete_bucket(Bucket=bucket)


def test_first_requests_that_come_at_once_meet_one_sagemaker(own: Stack) -> None:
    own.up()
    account = {"region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
    iam = boto3.client("iam", endpoint_url=own.endpoint_url, **account)
    sagemaker = boto3.client("sagemaker", endpoint_url=own.endpoint_url, **account)
    role = make_role(iam, "sagemaker.amazonaws.com")
    names = [f"model-{number}" for number in range(6)]

    def create(name: str) -> None:
        sagemaker.create_model(ModelName=name, PrimaryContainer={"Image": LINEAR_LEARNER}, ExecutionRoleArn=role)

    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(create, names))

    assert sorted(model["ModelName"] for model in sagemaker.list_models()["Models"]) == names
