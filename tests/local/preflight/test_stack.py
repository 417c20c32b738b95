"""``preflight`` as a person uses it: real commands, real processes, ports of their own."""

import json
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

from preflight.client_environment import client_environment
from preflight.environments import cache_folder
from preflight.sagemaker.launching.ports import free_port
from preflight.stack import Stack
from tests.conftest import REPOSITORY
from tests.local.conftest import LINEAR_LEARNER, Make, make_role, unique
from tests.local.preflight.hosts.localstack.lambda_.conftest import zip_of

DAEMON = """
import subprocess

def handler(event, context):
    return subprocess.Popen(["sleep", "3600"], start_new_session=True).pid
"""
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


def run_flow(endpoint_url: str) -> str:
    """What ``tests/kit/flow.py`` prints of its job."""
    variables = os.environ | client_environment(endpoint_url) | {"AWS_CONFIG_FILE": os.devnull}
    flow = [sys.executable, str(REPOSITORY / "tests" / "kit" / "flow.py")]
    return subprocess.run(flow, env=variables, check=True, stdout=subprocess.PIPE, text=True, timeout=120).stdout


def kill(stack: Stack) -> None:
    """End a stack that runs as a crash would."""
    process = stack.process()
    assert process is not None
    process.kill()
    wait_until(lambda: stack.process() is None)


def has_ended(process: psutil.Process) -> bool:
    """Whether it runs no more; nobody may have reaped it."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


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
    other = cli("up", PREFLIGHT_LAUNCHER="docker").stdout
    assert "PREFLIGHT_LAUNCHER is 'docker' here, but this stack runs with 'process'" in other and "up already" in other
    assert own.process() == process

    assert "is down" in cli("down").stdout
    assert has_ended(process)
    assert "No stack is up" in cli("down").stdout


def test_a_port_in_use_is_named_with_what_to_do(own: Stack, cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", own.port)):
        result = cli("up")

    assert result.returncode == 1
    assert f"Port {own.port} is in use" in result.stdout
    assert f"--port {own.port + 1}" in result.stdout


def test_a_port_that_is_none_is_refused_and_help_names_its_variable(cli: Cli) -> None:
    refused = cli("status", PREFLIGHT_PORT="abc")

    assert refused.returncode == 2
    assert "(env var: 'PREFLIGHT_PORT'): 'abc' is no port; choose one from 1 to 65535." in refused.stderr
    assert "PREFLIGHT_PORT" in cli("--help").stdout and "PREFLIGHT_PORT" in cli("up", "--help").stdout


def test_a_killed_stack_can_be_started_again_which_says_so_and_keeps_its_log(own: Stack, cli: Cli) -> None:
    cli("up")
    printed = own.log_file.read_text()
    kill(own)

    assert cli("status").returncode == 1
    up = cli("up").stdout
    assert f"The last stack on port {own.port} was killed" in up and str(own.kept_log_file) in up
    assert "is up at" in up
    assert own.kept_log_file.read_text().startswith(printed)
    assert cli("status").returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a guard adopt a daemon")
def test_a_daemon_that_outlives_the_stack_and_all_guards_is_ended_by_the_next_command(own: Stack, cli: Cli) -> None:
    cli("up")
    account = {"region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
    iam, functions = (boto3.client(name, endpoint_url=own.endpoint_url, **account) for name in ("iam", "lambda"))
    functions.create_function(
        FunctionName="daemon",
        Role=make_role(iam, "lambda.amazonaws.com"),
        Runtime=f"python3.{sys.version_info.minor}",
        Handler="function.handler",
        Code={"ZipFile": zip_of({"function.py": DAEMON})},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="daemon", WaiterConfig={"Delay": 1})
    daemon = psutil.Process(json.load(functions.invoke(FunctionName="daemon")["Payload"]))
    process = own.process()
    assert process is not None
    others = [child for child in process.children(recursive=True) if child != daemon]
    for one in (process, *others):
        one.suspend()
    for one in (process, *others):
        one.kill()
    wait_until(lambda: all(map(has_ended, (process, *others))))
    assert not has_ended(daemon)

    assert cli("down").returncode == 0

    assert has_ended(daemon)


def test_roles_decide_unless_the_stack_is_told_otherwise(own: Stack, cli: Cli) -> None:
    assert (
        "PREFLIGHT_IAM is 'maybe', which Preflight does not know; use on or off."
        in cli("up", PREFLIGHT_IAM="maybe").stdout
    )
    cli("up", PREFLIGHT_IAM="off")
    assert "Roles decide nothing" in cli("status").stdout

    settings = {"endpoint_url": own.endpoint_url, "region_name": "us-east-1", "aws_secret_access_key": "test"}
    iam, sts = (boto3.client(name, aws_access_key_id="test", **settings) for name in ("iam", "sts"))
    role = make_role(iam, "lambda.amazonaws.com", ())
    session = sts.assume_role(RoleArn=role, RoleSessionName="someone")["Credentials"]
    s3 = boto3.client("s3", aws_access_key_id=session["AccessKeyId"], **settings)
    assert s3.create_bucket(Bucket=unique("bucket"))["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_down_tells_of_a_killed_stack_once(own: Stack, cli: Cli) -> None:
    cli("up")
    kill(own)

    assert "was killed" in cli("down").stdout
    assert "was killed" not in cli("up").stdout


def test_a_stack_that_was_stopped_is_not_said_to_be_killed(own: Stack, cli: Cli) -> None:
    cli("up")
    cli("down")

    assert "killed" not in cli("up").stdout


def test_no_file_that_is_lost_hides_a_stack_that_runs(own: Stack, cli: Cli) -> None:
    cli("up")
    for file in own.folder.iterdir():
        if file.is_file():
            file.unlink()

    assert cli("status").returncode == 0
    assert "The stack is down." in cli("down").stdout
    assert own.process() is None and own.health() is None


def test_a_clock_that_is_set_hides_no_stack(own: Stack, cli: Cli, tmp_path: Path) -> None:
    cli("up")
    (tmp_path / "sitecustomize.py").write_text(
        "import psutil\n"
        "true = psutil.Process.create_time\n"
        "psutil.Process.create_time = lambda self: true(self) + 3600\n"  # as the kernel gives it after a step
    )

    assert cli("status", PYTHONPATH=str(tmp_path)).returncode == 0
    assert "The stack is down." in cli("down", PYTHONPATH=str(tmp_path)).stdout
    assert own.health() is None


def test_what_a_stack_stores_is_its_owners_only(own: Stack, cli: Cli) -> None:
    cli("up")

    assert own.folder.stat().st_mode & 0o077 == 0


def test_the_persons_aws_configuration_reaches_nothing_in_the_stack(
    own: Stack, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text("[default]\nregion = mars\nuse_fips_endpoint = maybe\n[broken")
    (tmp_path / ".aws" / "credentials").write_text("no file of credentials")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(name)
    assert cli("up", HOME=str(tmp_path), PREFLIGHT_CACHE=str(cache_folder())).returncode == 0

    assert run_flow(own.endpoint_url).startswith("Completed")


def test_a_jobs_own_search_path_does_not_keep_its_algorithm_from_running(train: Make) -> None:
    job = train(Environment={"PYTHONPATH": "/opt/ml/code"})

    assert job["TrainingJobStatus"] == "Completed", job


def test_down_all_stops_the_stacks_of_all_ports(own: Stack, cli: Cli) -> None:
    other = Stack(port=free_port(), home=own.home)
    cli("up")
    cli("up", "--port", str(other.port))

    said = cli("down", "--all").stdout

    assert f"The stack on port {own.port} is down." in said and f"The stack on port {other.port} is down." in said
    assert own.process() is None and other.process() is None


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
    assert process is not None and has_ended(process)


def test_a_home_that_cannot_be_one_is_named(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    result = cli("up", PREFLIGHT_HOME=str(tmp_path / "file"))

    assert (result.returncode, result.stderr) == (1, "")
    assert "Not a directory" in result.stdout and "PREFLIGHT_HOME" in result.stdout


def test_a_full_disk_is_named_and_leaves_no_process(own: Stack) -> None:
    command = f"ulimit -f 0; exec {sys.executable} -m preflight up --port {own.port}"  # files may have 0 bytes
    environment = os.environ | {"PREFLIGHT_HOME": str(own.home)}
    up = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, timeout=120)

    assert (up.returncode, up.stderr) == (1, "")
    assert "is that disk full?" in up.stdout
    assert str(own.folder) not in [process.info["cwd"] for process in psutil.process_iter(["cwd"])]


def test_an_object_that_the_disk_does_not_take_is_an_error_and_the_stack_goes_on(own: Stack) -> None:
    command = f"ulimit -f 40000; exec {sys.executable} -m preflight up --port {own.port}"  # files of 20 or 40 MB
    subprocess.run(["sh", "-c", command], env=os.environ | {"PREFLIGHT_HOME": str(own.home)}, check=True, timeout=120)
    account = {"region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
    s3 = boto3.client("s3", endpoint_url=own.endpoint_url, **account)
    s3.create_bucket(Bucket="full")

    with pytest.raises(s3.exceptions.ClientError, match="cannot take the request's body: File too large"):
        s3.put_object(Bucket="full", Key="large", Body=bytes(50_000_000))
    s3.put_object(Bucket="full", Key="small", Body=b"small")

    assert [found["Key"] for found in s3.list_objects_v2(Bucket="full")["Contents"]] == ["small"]


@pytest.mark.parametrize("value", ["0", "61", "soon"])
def test_an_invocation_timeout_that_aws_does_not_have_is_refused(cli: Cli, value: str) -> None:
    result = cli("up", PREFLIGHT_INVOCATION_TIMEOUT_SECONDS=value)

    assert result.returncode == 1
    assert f"PREFLIGHT_INVOCATION_TIMEOUT_SECONDS is '{value}'; it must be above 0 and at most 60" in result.stdout


def test_an_unknown_lambda_executor_is_refused(cli: Cli) -> None:
    result = cli("up", LAMBDA_RUNTIME_EXECUTOR="procces")

    assert result.returncode == 1
    assert "'procces'" in result.stdout and "process" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        (("up",), {"PREFLIGHT_ALLOWED_ORIGINS": "http://localhost:3000, nonsense"}, "'nonsense', which is no origin"),
        (("up",), {"PREFLIGHT_FRAMEWORK_VERSIONS": "newest"}, "'newest'"),
        (("up",), {"PREFLIGHT_LAMBDA_RUNTIME": "newest"}, "'newest'"),
        (("up",), {"PREFLIGHT_CACHE": "/dev/null"}, "PREFLIGHT_CACHE names another folder"),
        (("up",), {"PREFLIGHT_STACK_PYTHON": "/nowhere/python"}, "/nowhere/python, which does not exist"),
        (
            ("up",),
            {"PREFLIGHT_STACK_PYTHON": "/bin/false"},
            "/bin/false, which PREFLIGHT_STACK_PYTHON names, no Python",
        ),
        (("run", "--host", "no.such.host.invalid"), {}, "no.such.host.invalid is no address of this machine"),
        (("logs", "name"), {}, "No stack is up on port"),
        (("images", "add", "forest", "--variable", "1"), {}, "'1' is no variable"),
    ],
)
def test_what_makes_no_sense_is_told_in_a_sentence(
    cli: Cli, arguments: tuple[str, ...], variables: dict[str, str], said: str
) -> None:
    told = cli(*arguments, **variables)

    assert (told.returncode, told.stderr) == (1, "")
    assert told.stdout.startswith("Error: ") and said in told.stdout.replace("\n", " "), told.stdout


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
