"""Jobs and endpoints act as their role: what it may not do fails as on AWS."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import psutil
import pytest

from preflight.stack import Stack
from tests.local.conftest import LINEAR_LEARNER, Make, make_config, make_role, refusal, unique
from tests.local.preflight.hosts.localstack.lambda_.conftest import eventually

MakeRole = Callable[..., str]
DENIED = "is not authorized to perform"


def allow(*actions: str, resource: str = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


@pytest.fixture
def role_with(client: Make) -> MakeRole:
    """A role that SageMaker may assume and that is allowed some actions, anywhere."""
    return lambda *actions: make_role(client("iam"), "sagemaker.amazonaws.com", [allow(*actions)] if actions else ())


def test_a_role_that_lists_nothing_trains_nothing(sagemaker: Any, job_request: Make, role_with: MakeRole) -> None:
    request = job_request(RoleArn=role_with("s3:GetObject"))

    code, words = refusal(sagemaker.create_training_job, **request)

    assert code == "ValidationException"
    assert "No S3 objects found under S3 URL" in words
    assert f'that the role "{request["RoleArn"]}" has "s3:ListBucket" permissions on bucket' in words


def test_a_role_that_reads_nothing_fails_in_the_download(train: Make, role_with: MakeRole) -> None:
    job = train(RoleArn=role_with("s3:ListBucket"))

    assert job["TrainingJobStatus"] == "Failed"
    assert job["SecondaryStatusTransitions"][-2]["Status"] == "Downloading"
    assert job["FailureReason"].startswith("ClientError: Data download failed:Unable to download object s3://")
    assert job["FailureReason"].endswith("/train.csv (AccessDenied: Access Denied)")


def test_a_role_that_writes_nothing_fails_in_the_upload(train: Make, role_with: MakeRole) -> None:
    job = train(RoleArn=role_with("s3:ListBucket", "s3:GetObject"))

    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Artifact upload failed:")
    assert f"{DENIED}: s3:PutObject" in job["FailureReason"]


def test_without_logs_rights_a_job_trains_and_leaves_no_log(client: Make, train: Make, role_with: MakeRole) -> None:
    silent = train(RoleArn=role_with("s3:*"))
    heard = train(RoleArn=role_with("s3:*", "logs:*"))

    assert silent["TrainingJobStatus"] == heard["TrainingJobStatus"] == "Completed"

    def streams(job: dict[str, Any]) -> list[Any]:
        group = {"logGroupName": "/aws/sagemaker/TrainingJobs", "logStreamNamePrefix": job["TrainingJobName"]}
        found: list[Any] = client("logs").describe_log_streams(**group)["logStreams"]
        return found

    assert eventually(lambda: streams(heard))
    assert streams(silent) == []


def test_a_model_needs_a_role_that_reads_its_data(sagemaker: Any, artifact: str, role_with: MakeRole) -> None:
    role = role_with("s3:ListBucket")
    container = {"Image": LINEAR_LEARNER, "ModelDataUrl": artifact}

    code, words = refusal(
        sagemaker.create_model, ModelName=unique("model"), PrimaryContainer=container, ExecutionRoleArn=role
    )

    assert code == "ValidationException"
    assert words.startswith(f'Could not access model data at {artifact}. Please ensure that the role "{role}" exists')


def test_an_endpoint_whose_role_lost_its_rights_fails(
    client: Make, sagemaker: Any, artifact: str, create_endpoint: Make
) -> None:
    role, model = make_role(client("iam"), "sagemaker.amazonaws.com"), unique("model")
    container = {"Image": LINEAR_LEARNER, "ModelDataUrl": artifact}
    sagemaker.create_model(ModelName=model, PrimaryContainer=container, ExecutionRoleArn=role)
    client("iam").delete_role_policy(RoleName=role.rpartition("/")[2], PolicyName="inline")

    endpoint = create_endpoint(make_config(sagemaker, model))

    assert endpoint["EndpointStatus"] == "Failed"
    assert "that the role passed to CreateModel has permissions to download the object" in endpoint["FailureReason"]


@pytest.fixture
def environment(stack: Stack, sagemaker: Any, model: str, create_endpoint: Make) -> Iterator[dict[str, str]]:
    """What the program behind an endpoint has in its environment."""
    name = create_endpoint(make_config(sagemaker, model))["EndpointName"]
    process = stack.process()
    assert process is not None
    guard = next(child for child in process.children(recursive=True) if is_over(child, f"/{name}-"))
    yield guard.environ()  # which is the program's


def is_over(process: psutil.Process, folder: str) -> bool:
    """Whether it runs a program over ``folder``, shown to it as /opt/ml or as it is."""
    try:
        return any(folder in word for word in (*process.cmdline(), process.cwd()))
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def test_a_program_in_a_container_acts_as_the_role(environment: dict[str, str], role: str) -> None:
    sts = boto3.client(
        "sts",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=environment["AWS_SESSION_TOKEN"],
    )

    caller = sts.get_caller_identity()["Arn"]

    assert caller == f"arn:aws:sts::000000000000:assumed-role/{role.rpartition('/')[2]}/SageMaker"
    sts.close()
