"""The plan: it is shown before anything changes, it is what runs, and AWS's own service models allow all of it."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.validate import ParamValidator

from aws.planning.plan import Call, Plan
from aws.planning.symbols import resolved
from aws.target import Target
from preflight.sagemaker.api.validation import validate
from tests.aws.conftest import Project
from tests.aws.faults import Faults

CALL = re.compile(r"^  (\w+) ([A-Z]\w+)", re.MULTILINE)
KNOWN = {"<TrainingJobS3ModelArtifacts>": "s3://bucket/models/job/output/model.tar.gz"}


@pytest.fixture(scope="module")
def project(make_project: Callable[[str], Project]) -> Project:
    """A project of which nothing is deployed."""
    return make_project("planned")


def test_a_plan_names_every_call_and_makes_none_that_changes(project: Project, faults: Faults) -> None:
    result = project.run("deploy", "--plan")

    assert result.exit_code == 0, result.output
    assert faults.changes == []
    assert "CreateRestApi: it does not exist" in result.stdout
    assert "restApiId=<RestApiId> resourceId=<ResourceId>" in result.stdout
    assert f"{len(CALL.findall(result.stdout))} calls to make." in result.stdout


def test_what_runs_is_the_plan_and_then_nothing_is_left_to_do(
    make_project: Callable[[str], Project], faults: Faults
) -> None:
    project = make_project("asplanned")
    planned = [operation for _, operation in CALL.findall(project.run("deploy", "--plan").stdout)]

    assert project.run("deploy").exit_code == 0

    assert [call.split()[1] for call in faults.changes] == planned
    assert "There is nothing to change." in project.run("deploy", "--plan").stdout


def test_a_changed_world_stops_the_run_before_the_call_that_nobody_saw(
    make_project: Callable[[str], Project], faults: Faults, client: Callable[..., Any]
) -> None:
    project = make_project("changed")
    trust = '{"Version": "2012-10-17", "Statement": []}'
    role = {"RoleName": "changed-sagemaker-us-east-1", "AssumeRolePolicyDocument": trust}
    tags = [{"Key": "preflight:project", "Value": "changed"}]
    faults.before("CreateBucket", lambda: client("iam").create_role(Tags=tags, **role))

    result = project.run("deploy")

    assert result.exit_code == 1
    assert "iam UpdateAssumeRolePolicy is needed now, and the plan says iam CreateRole" in (result.stderr)
    assert "iam UpdateAssumeRolePolicy" not in faults.changes


def test_bulk_is_told_by_its_digest(project: Project) -> None:
    lines = "\n".join(project.plan().lines())

    assert re.search(r"ZipFile=\([\d,]+ bytes, sha256 [0-9a-f]{12}\)", lines)
    assert re.search(r"PolicyDocument=\(policy, sha256 [0-9a-f]{12}: allow sagemaker:InvokeEndpoint; ", lines)
    assert "train_aws.csv" in lines


def test_aws_without_a_terminal_needs_a_yes(project: Project, faults: Faults) -> None:
    result = project.run("deploy", "--target", "aws")

    assert result.exit_code == 2
    assert "CreateTrainingJob" in result.stdout  # the plan was shown
    assert "Price: $" in result.stdout
    assert "Nothing was changed: there is no terminal to ask at. Add --yes" in result.stderr
    assert faults.changes == []


def test_a_person_at_a_terminal_is_shown_the_plan_and_asked(project: Project) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "aws/deploy.py", "--target", "aws", *project.arguments("deploy")]
    environ = os.environ | project.environ
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ) as asked:
        os.write(ours, b"n\n")
        stdout, stderr = asked.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)

    assert b"Make these 36 calls? [y/N]" in stdout
    assert stderr.strip() == b"Error: Nothing was changed."
    assert asked.returncode == 2


@pytest.fixture(scope="module")
def plans(project: Project) -> dict[str, Plan]:
    """Plans of every option, each in a region of another kind."""
    return {
        "us-east-1": project.plan(),
        "eu-central-1": project.plan(region="eu-central-1", algorithm="xgboost", auth="api-key", serverless=True),
        "sa-east-1": project.plan(region="sa-east-1", asynchronous=True, autoscale=(0, 3)),
        "cn-north-1": project.plan(region="cn-north-1", auth="iam", managed_policies=True, capture=True),
    }


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "sa-east-1", "cn-north-1"])
def test_awss_own_models_allow_every_planned_call(project: Project, plans: dict[str, Plan], region: str) -> None:
    assert len(plans[region].calls) >= 36
    target = project.target(region)
    for call in plans[region].calls:
        require_valid(target, call)


def require_valid(target: Target, call: Call) -> None:
    """Raises if botocore's model of the service does not allow the call: members, types, lengths, patterns, enums."""
    operation = target.operation_model(call.service, call.operation)
    assert operation is not None and operation.input_shape is not None
    parameters = resolved(dict(call.parameters), KNOWN)
    if isinstance(parameters.get("Body"), Path):
        parameters["Body"] = b""
    report = ParamValidator().validate(parameters, operation.input_shape)
    assert not report.has_errors(), f"{call}: {report.generate_report()}"
    validate(operation, parameters)


def test_the_bucket_is_made_where_the_region_is(plans: dict[str, Plan]) -> None:
    assert "CreateBucketConfiguration" not in call_of(plans["us-east-1"], "CreateBucket").parameters
    abroad = call_of(plans["eu-central-1"], "CreateBucket").parameters
    assert abroad["CreateBucketConfiguration"] == {"LocationConstraint": "eu-central-1"}
    assert abroad["Bucket"] == "planned-000000000000-eu-central-1"


def test_other_partitions_have_their_own_arns(plans: dict[str, Plan]) -> None:
    calls = plans["cn-north-1"].calls

    arns = re.findall(r"arn:[^\"\s,]*", " ".join(str(call.parameters) for call in calls))
    assert {arn.split(":")[1] for arn in arns} == {"aws-cn"}
    assert "390948362332.dkr.ecr.cn-north-1.amazonaws.com.cn/linear-learner:1" in str(calls)


def test_a_serverless_endpoint_has_limits_in_place_of_a_machine(plans: dict[str, Plan]) -> None:
    [variant] = call_of(plans["eu-central-1"], "CreateEndpointConfig").parameters["ProductionVariants"]

    assert variant["ServerlessConfig"] == {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    assert "InstanceType" not in variant


def test_what_is_captured_goes_where_the_role_may_write(plans: dict[str, Plan]) -> None:
    capture = call_of(plans["cn-north-1"], "CreateEndpointConfig").parameters["DataCaptureConfig"]
    policies = "".join(parameters_of(plans["cn-north-1"], "PutRolePolicy", "PolicyDocument"))

    assert f"{capture['DestinationS3Uri'].removeprefix('s3://')}/*" in policies
    assert "DataCaptureConfig" not in call_of(plans["us-east-1"], "CreateEndpointConfig").parameters


def test_an_asynchronous_endpoint_that_scales_is_woken_by_an_alarm_and_asked_through_the_bucket(
    plans: dict[str, Plan],
) -> None:
    plan = plans["sa-east-1"]
    places = call_of(plan, "CreateEndpointConfig").parameters["AsyncInferenceConfig"]["OutputConfig"]
    policies = "".join(parameters_of(plan, "PutRolePolicy", "PolicyDocument"))
    alarm = call_of(plan, "PutMetricAlarm").parameters

    assert parameters_of(plan, "PutScalingPolicy", "PolicyType") == ["TargetTrackingScaling", "StepScaling"]
    assert (alarm["MetricName"], alarm["AlarmActions"]) == ("HasBacklogWithoutCapacity", ["<ScalingPolicyPolicyARN>"])
    assert places["S3OutputPath"].removeprefix("s3://").removesuffix("out") + "*" in policies
    assert "sagemaker:InvokeEndpointAsync" in policies and '"sagemaker:InvokeEndpoint"' not in policies


def test_the_roles_may_do_what_the_flow_does_and_no_more(plans: dict[str, Plan]) -> None:
    documents = [json.loads(text) for text in parameters_of(plans["us-east-1"], "PutRolePolicy", "PolicyDocument")]
    statements = [statement for document in documents for statement in document["Statement"]]

    assert all("*" not in action for statement in statements for action in statement["Action"])
    of_all = [statement for statement in statements if statement["Resource"] == "*"]
    assert [statement["Action"] for statement in of_all] == [
        ["cloudwatch:PutMetricData"],
        ["ecr:GetAuthorizationToken"],
    ]
    assert of_all[0]["Condition"] == {"StringLike": {"cloudwatch:namespace": "/aws/sagemaker/*"}}
    asked = next(statement for statement in statements if statement["Action"] == ["sagemaker:InvokeEndpoint"])
    assert asked["Resource"] == "arn:aws:sagemaker:us-east-1:000000000000:endpoint/planned"
    assert parameters_of(plans["us-east-1"], "AttachRolePolicy", "PolicyArn") == []


def test_managed_policies_are_attached_when_asked_for(plans: dict[str, Plan]) -> None:
    attached = parameters_of(plans["cn-north-1"], "AttachRolePolicy", "PolicyArn")

    assert attached.count("arn:aws-cn:iam::aws:policy/AmazonSageMakerFullAccess") == 2


def test_the_bucket_is_private_encrypted_and_for_tls_only(plans: dict[str, Plan]) -> None:
    plan = plans["us-east-1"]

    assert set(call_of(plan, "PutPublicAccessBlock").parameters["PublicAccessBlockConfiguration"].values()) == {True}
    assert "AES256" in str(call_of(plan, "PutBucketEncryption").parameters)
    [statement] = json.loads(call_of(plan, "PutBucketPolicy").parameters["Policy"])["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def call_of(plan: Plan, operation: str) -> Call:
    return next(call for call in plan.calls if call.operation == operation)


def parameters_of(plan: Plan, operation: str, name: str) -> list[Any]:
    return [call.parameters[name] for call in plan.calls if call.operation == operation]
