"""What a SageMaker test needs: a role, a bucket, data, and factories that clean up after themselves."""

import contextlib
import io
import json
import tarfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError

from preflight.stack import Stack
from tests.local.odd_service import OddService

Make = Callable[..., Any]
LINEAR_LEARNER = "382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


def separable_rows(count: int = 400) -> str:
    """CSV as the algorithms read it: a label, then two features that decide it."""
    return "\n".join(f"{i % 2},{(i % 2) * 4 + i % 3},{i % 5}" for i in range(count))


@pytest.fixture(scope="session")
def sagemaker(client: Make) -> Any:
    return client("sagemaker")


@pytest.fixture(scope="session")
def runtime(client: Make) -> Any:
    return client("sagemaker-runtime")


@pytest.fixture(scope="session")
def role(client: Make) -> str:
    """A role SageMaker may assume."""
    return make_role(client("iam"), "sagemaker.amazonaws.com")


ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def make_role(iam: Any, service: str, statements: Sequence[dict[str, Any]] = (ALLOW_ALL,)) -> str:
    """A role that ``service`` may assume, and what it may do: everything, if nothing else is said."""
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn: str = iam.create_role(RoleName=unique("role"), AssumeRolePolicyDocument=policy)["Role"]["Arn"]
    if statements:
        set_policy(iam, arn, statements)
    return arn


def set_policy(iam: Any, role_arn: str, statements: Sequence[dict[str, Any]]) -> None:
    """Make ``statements`` the role's inline policy."""
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_role_policy(RoleName=role_arn.rpartition("/")[2], PolicyName="inline", PolicyDocument=document)


@pytest.fixture(scope="session")
def bucket(client: Make) -> str:
    name = unique("bucket")
    client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture(scope="session")
def put(client: Make, bucket: str) -> Callable[[str, str | bytes], str]:
    """Stores an object; returns its s3:// URI."""

    def put(key: str, body: str | bytes) -> str:
        client("s3").put_object(Bucket=bucket, Key=key, Body=body)
        return f"s3://{bucket}/{key}"

    return put


@pytest.fixture(scope="session")
def job_request(role: str, bucket: str, put: Make) -> Make:
    """A CreateTrainingJob request that trains; ``train`` is the channel's CSV, keywords replace members."""

    def make(train: str | None = None, hyperparameters: dict[str, str] | None = None, **members: Any) -> dict[str, Any]:
        uri = put(f"{unique('data')}/train.csv", separable_rows() if train is None else train)
        source = {"S3DataType": "S3Prefix", "S3Uri": uri}
        default = {"predictor_type": "binary_classifier", "feature_dim": "2", "epochs": "3"}
        return {
            "TrainingJobName": unique("job"),
            "AlgorithmSpecification": {"TrainingImage": LINEAR_LEARNER, "TrainingInputMode": "File"},
            "RoleArn": role,
            "InputDataConfig": [
                {"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}
            ],
            "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/output"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            "HyperParameters": default if hyperparameters is None else hyperparameters,
        } | members

    return make


@pytest.fixture(scope="session")
def train(sagemaker: Any, job_request: Make) -> Make:
    """Runs a training job to its end; returns its description."""

    def train(*arguments: Any, **members: Any) -> dict[str, Any]:
        request = job_request(*arguments, **members)
        sagemaker.create_training_job(**request)
        return wait_for_job(sagemaker, request["TrainingJobName"])

    return train


def wait_for_job(sagemaker: Any, name: str, timeout_seconds: float = 120) -> dict[str, Any]:
    deadline = time.monotonic() + timeout_seconds
    while True:
        job: dict[str, Any] = sagemaker.describe_training_job(TrainingJobName=name)
        if job["TrainingJobStatus"] not in ("InProgress", "Stopping"):
            return job
        assert time.monotonic() < deadline, job
        time.sleep(0.1)


@pytest.fixture(scope="session")
def artifact(train: Make) -> str:
    """The S3 URI of a trained Linear Learner."""
    job = train()
    assert job["TrainingJobStatus"] == "Completed", job
    uri: str = job["ModelArtifacts"]["S3ModelArtifacts"]
    return uri


@pytest.fixture(scope="session")
def odd(stack: Stack, role: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OddService]:
    """A SageMaker of this process whose containers do as each request says."""
    service = OddService(stack, role, tmp_path_factory.mktemp("odd"))
    yield service
    service.close()
    assert service.launcher.running() == []


@pytest.fixture(scope="session")
def empty_archive() -> bytes:
    """A tar.gz in which no model is."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("nothing-of-use"))
    return buffer.getvalue()


@pytest.fixture
def model(sagemaker: Any, role: str, artifact: str) -> str:
    return make_model(sagemaker, role, artifact)


def make_model(sagemaker: Any, role: str, artifact: str, image: str = LINEAR_LEARNER) -> str:
    name = unique("model")
    container = {"Image": image, "ModelDataUrl": artifact}
    sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=role)
    return name


def make_config(sagemaker: Any, *models: str, together: dict[str, Any] | None = None, **members: Any) -> str:
    """A configuration with one variant a model, ``v1``, ``v2``, ...; ``together`` is what it has beside them."""
    name = unique("config")
    variants = [
        {"VariantName": f"v{place}", "ModelName": model, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        | members
        for place, model in enumerate(models, start=1)
    ]
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants, **together or {})
    return name


@pytest.fixture
def create_endpoint(sagemaker: Any) -> Iterator[Make]:
    """Makes an endpoint of a configuration and waits for its end state; deletes it after the test."""
    made: list[str] = []

    def create(config: str, prefix: str = "endpoint") -> dict[str, Any]:
        name = unique(prefix)
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        made.append(name)
        return wait_for_endpoint(sagemaker, name)

    yield create
    for name in made:
        with contextlib.suppress(ClientError):
            sagemaker.delete_endpoint(EndpointName=name)


def wait_for_endpoint(sagemaker: Any, name: str, timeout_seconds: float = 60) -> dict[str, Any]:
    deadline = time.monotonic() + timeout_seconds
    while True:
        endpoint: dict[str, Any] = sagemaker.describe_endpoint(EndpointName=name)
        if endpoint["EndpointStatus"] in ("InService", "Failed"):
            return endpoint
        assert time.monotonic() < deadline, endpoint
        time.sleep(0.05)


def refusal(call: Callable[..., Any], *arguments: Any, **request: Any) -> tuple[str, str]:
    """Code and message of the error that ``call`` must end in."""
    with pytest.raises(ClientError) as caught:
        call(*arguments, **request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]
