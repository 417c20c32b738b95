"""The roles as IAM judges them: they may do what the flow does on this project's resources, and nothing else."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.aws.conftest import Project
from tests.aws.faults import Faults

BUCKET = "arn:aws:s3:::allowed-000000000000-us-east-1"
LOGS = "arn:aws:logs:us-east-1:000000000000:log-group"
IMAGE = "arn:aws:ecr:us-east-1:382416733822:repository/linear-learner"
OWN_IMAGE = "arn:aws:ecr:us-east-1:000000000000:repository/allowed/container"
ENDPOINT = "arn:aws:sagemaker:us-east-1:000000000000:endpoint"


@pytest.fixture
def judge(
    make_project: Callable[[str], Project], faults: Faults, client: Callable[..., Any]
) -> Callable[[str, str, str], str]:
    """What IAM decides on (role, action, resource); the roles are as deploy makes them."""
    faults.refuse("CreateLogGroup", "InternalFailure", status=500)
    assert make_project("allowed").run("deploy").exit_code == 1  # far enough: the roles are there

    def decide(role: str, action: str, resource: str) -> str:
        arn = f"arn:aws:iam::000000000000:role/allowed-{role}-us-east-1"
        [result] = client("iam").simulate_principal_policy(
            PolicySourceArn=arn, ActionNames=[action], ResourceArns=[resource]
        )["EvaluationResults"]
        return str(result["EvalDecision"])

    return decide


def test_what_the_flow_does_is_allowed_and_what_it_does_not_is_not(judge: Callable[[str, str, str], str]) -> None:
    allowed = [
        ("sagemaker", "s3:ListBucket", BUCKET),
        ("sagemaker", "s3:GetObject", f"{BUCKET}/data/train/train.csv"),
        ("sagemaker", "s3:GetObject", f"{BUCKET}/models/job/output/model.tar.gz"),
        ("sagemaker", "s3:PutObject", f"{BUCKET}/models/job/output/model.tar.gz"),
        ("sagemaker", "s3:GetObject", f"{BUCKET}/batch/in/1/rows"),
        ("sagemaker", "s3:PutObject", f"{BUCKET}/batch/out/1/rows.out"),
        ("sagemaker", "s3:PutObject", f"{BUCKET}/capture/allowed/AllTraffic/1.jsonl"),
        ("sagemaker", "logs:PutLogEvents", f"{LOGS}:/aws/sagemaker/TransformJobs:log-stream:job/i-1"),
        ("sagemaker", "logs:PutLogEvents", f"{LOGS}:/aws/sagemaker/TrainingJobs:log-stream:job/algo-1"),
        ("sagemaker", "logs:CreateLogStream", f"{LOGS}:/aws/sagemaker/Endpoints/allowed:log-stream:AllTraffic/i-1"),
        ("sagemaker", "ecr:BatchGetImage", IMAGE),
        ("sagemaker", "ecr:GetDownloadUrlForLayer", OWN_IMAGE),
        ("sagemaker", "ecr:GetAuthorizationToken", "*"),
        ("lambda", "sagemaker:InvokeEndpoint", f"{ENDPOINT}/allowed"),
        ("lambda", "logs:PutLogEvents", f"{LOGS}:/aws/lambda/allowed-predict:log-stream:2026/1"),
    ]
    refused = [
        ("sagemaker", "s3:PutObject", f"{BUCKET}/data/train/train.csv"),
        ("sagemaker", "s3:DeleteObject", f"{BUCKET}/models/job/output/model.tar.gz"),
        ("sagemaker", "s3:GetObject", "arn:aws:s3:::another-bucket/data/train/train.csv"),
        ("sagemaker", "logs:PutLogEvents", f"{LOGS}:/aws/sagemaker/Endpoints/another:log-stream:AllTraffic/i-1"),
        ("sagemaker", "sagemaker:InvokeEndpoint", f"{ENDPOINT}/allowed"),
        ("sagemaker", "iam:PassRole", "arn:aws:iam::000000000000:role/allowed-lambda-us-east-1"),
        ("lambda", "sagemaker:InvokeEndpoint", f"{ENDPOINT}/another"),
        ("lambda", "sagemaker:DeleteEndpoint", f"{ENDPOINT}/allowed"),
        ("lambda", "s3:GetObject", f"{BUCKET}/data/train/train.csv"),
        ("lambda", "logs:CreateLogGroup", f"{LOGS}:/aws/lambda/allowed-predict:*"),
    ]

    assert [case for case in allowed if judge(*case) != "allowed"] == []
    assert [case for case in refused if judge(*case) == "allowed"] == []
