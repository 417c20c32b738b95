"""SageMaker behind a plain server, with the other services at an emulator that knows nothing of it: moto's server."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import blinker
import boto3
import flask
import flask_cors
import itsdangerous
import pytest
import requests

from preflight.environments import stack_python
from preflight.sagemaker.launching.ports import free_port
from preflight.stack import Stack
from tests.local.conftest import LINEAR_LEARNER, make_config, make_role, separable_rows, wait_for_endpoint, wait_for_job

START_SECONDS = 60
MOTO_ACCOUNT = "123456789012"

Client = Callable[[str], Any]


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Moto's server, which the stack's environment has all of but its modules for pages."""
    port, modules = free_port(), tmp_path_factory.mktemp("modules")
    for module in (blinker, flask, flask_cors, itsdangerous):
        folder = Path(str(module.__file__)).parent
        (modules / folder.name).symlink_to(folder)
    command = [str(stack_python()), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, env={"PYTHONPATH": str(modules)}, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not answers(f"http://127.0.0.1:{port}/moto-api/data.json"):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS)


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).status_code == 200
    except requests.ConnectionError:
        return False


@pytest.fixture(scope="module")
def alone(moto: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """SageMaker beside moto."""
    stack = Stack(port=free_port(), home=tmp_path_factory.mktemp("home"), services=moto)
    stack.up()
    yield stack
    assert stack.down()
    assert "Traceback" not in stack.log_file.read_text()


@pytest.fixture(scope="module")
def url(alone: Stack) -> str:
    return alone.endpoint_url


@pytest.fixture(scope="module")
def client(moto: str, url: str) -> Client:
    """boto3 clients: SageMaker's of the plain server, the rest of moto."""

    def make(service: str) -> Any:
        address = url if service.startswith("sagemaker") else moto
        key = {"aws_access_key_id": MOTO_ACCOUNT, "aws_secret_access_key": "test"}
        return boto3.client(service, endpoint_url=address, region_name="us-east-1", **key)

    return make


def test_a_model_is_trained_hosted_and_asked(client: Client) -> None:
    sagemaker, s3, role = client("sagemaker"), client("s3"), make_role(client("iam"), "sagemaker.amazonaws.com")
    s3.create_bucket(Bucket="mine")
    s3.put_object(Bucket="mine", Key="data/train.csv", Body=separable_rows())
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://mine/data"}}
    sagemaker.create_training_job(
        TrainingJobName="job",
        AlgorithmSpecification={"TrainingImage": LINEAR_LEARNER, "TrainingInputMode": "File"},
        RoleArn=role,
        InputDataConfig=[{"ChannelName": "train", "ContentType": "text/csv", "DataSource": source}],
        OutputDataConfig={"S3OutputPath": "s3://mine/output"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
        HyperParameters={"predictor_type": "binary_classifier", "feature_dim": "2", "epochs": "3"},
    )
    job = wait_for_job(sagemaker, "job")
    assert job["TrainingJobStatus"] == "Completed", job

    container = {"Image": LINEAR_LEARNER, "ModelDataUrl": job["ModelArtifacts"]["S3ModelArtifacts"]}
    sagemaker.create_model(ModelName="model", PrimaryContainer=container, ExecutionRoleArn=role)
    sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName=make_config(sagemaker, "model"))
    assert wait_for_endpoint(sagemaker, "endpoint")["EndpointStatus"] == "InService"
    answer = client("sagemaker-runtime").invoke_endpoint(EndpointName="endpoint", ContentType="text/csv", Body="4,1")

    assert b"predicted_label" in answer["Body"].read()
    assert client("logs").describe_log_streams(logGroupName="/aws/sagemaker/TrainingJobs")["logStreams"]


def test_a_reset_forgets_what_there_was(client: Client, url: str) -> None:
    client("sagemaker").create_model(
        ModelName="gone",
        PrimaryContainer={"Image": LINEAR_LEARNER},
        ExecutionRoleArn=make_role(client("iam"), "sagemaker.amazonaws.com"),
    )

    assert requests.post(f"{url}/_localstack/state/reset", timeout=30).status_code == 200

    assert client("sagemaker").list_models()["Models"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("status",), 0, "The stack is up"),
        (("logs", "nobody"), 1, "Error: This stack is SageMaker alone"),
        (("exec", "true"), 1, "Error: The notebook's execution role cannot be made"),
    ],
)
def test_commands_say_what_is_not_here(alone: Stack, arguments: tuple[str, ...], code: int, said: str) -> None:
    environment = os.environ | {"PREFLIGHT_HOME": str(alone.home), "PREFLIGHT_PORT": str(alone.port), "COLUMNS": "200"}
    command = [sys.executable, "-m", "preflight", *arguments]

    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    assert (ended.returncode, ended.stdout[: len(said)]) == (code, said), ended.stdout + ended.stderr


def test_what_is_not_sagemakers_is_refused_by_name(url: str) -> None:
    answer = requests.get(f"{url}/some-bucket/key", timeout=10)

    assert (answer.status_code, answer.json()["__type"]) == (501, "UnsupportedByPreflight")
    assert "GET /some-bucket/key" in answer.json()["message"]


def test_a_web_page_gets_nothing(url: str) -> None:
    headers = {"Origin": "https://example.com", "X-Amz-Target": "SageMaker.ListModels"}

    assert requests.post(url, "{}", headers=headers, timeout=10).status_code == 403


@pytest.mark.parametrize(
    "services",
    [
        "",
        "localhost",
        "http://[::1",
        "http://localhost:many",
        "ftp://x",
        "https://s3.amazonaws.com",
        "http://sts.cn-north-1.amazonaws.com.cn.",
    ],
)
def test_aws_itself_and_no_address_at_all_are_refused(services: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "preflight", "up", "--only", "sagemaker", "--services", services]
    environment = os.environ | {"PREFLIGHT_HOME": str(tmp_path), "PREFLIGHT_PORT": str(free_port())}

    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    assert (ended.returncode, ended.stdout[:6]) == (1, "Error:")
    assert "http://localhost:5000" in ended.stdout
