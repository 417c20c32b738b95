"""What only AWS does, each put between boto3 and the stack: what a person is told, and that running again goes on."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from tests.aws.conftest import Project
from tests.aws.faults import Faults

USER = "arn:aws:iam::123456789012:user/ann"
ROLE_FOR_LAMBDA = "The role defined for the function cannot be assumed by Lambda."
ROLE_FOR_SAGEMAKER = (
    "Could not assume role arn:aws:iam::000000000000:role/faulty-sagemaker-us-east-1. Please ensure that the role "
    "exists and allows principal 'sagemaker.amazonaws.com' to assume the role."
)
POLICY_FOR_SAGEMAKER = (
    'No S3 objects found under S3 URL "s3://b/data/train/" given in input data source. Please ensure that the bucket '
    'exists in the selected region (us-east-1), that objects exist under that S3 prefix, and that the role "arn" has '
    '"s3:ListBucket" permissions on bucket "b".'
)


@pytest.fixture(scope="module")
def project(make_project: Callable[[str], Project]) -> Project:
    """A project on ``--target aws`` that the first test deploys and the others change."""
    return make_project("faulty")


def on_aws(project: Project, *more: str) -> Result:
    return project.run("deploy", "--target", "aws", "--yes", *more)


def require_recovery(project: Project, *more: str) -> None:
    """Running the same command again completes, and leaves nothing to do."""
    again = on_aws(project, *more)
    assert again.exit_code == 0, again.output
    assert "There is nothing to change." in project.run("deploy", "--plan", "--target", "aws", *more).stdout


def test_what_ends_by_itself_is_waited_for_with_the_reason_shown(project: Project, faults: Faults) -> None:
    faults.refuse("PutBucketPolicy", "OperationAborted", "A conflicting conditional operation is in progress", times=2)
    faults.refuse("CreateTrainingJob", "ValidationException", ROLE_FOR_SAGEMAKER, times=2)
    faults.refuse("CreateTrainingJob", "ValidationException", POLICY_FOR_SAGEMAKER)
    faults.refuse("CreateFunction", "InvalidParameterValueException", ROLE_FOR_LAMBDA, times=2)
    faults.refuse("PutIntegration", "ConflictException", "Unable to complete due to concurrent modification.")

    result = on_aws(project)

    assert result.exit_code == 0, result.output
    assert "Bucket: waiting for S3: an earlier change of the bucket is under way" in result.stdout
    assert f"Training job: waiting for IAM: the role is not visible yet ({ROLE_FOR_SAGEMAKER})" in result.stdout
    assert "Training job: waiting for IAM: the role's policy is not visible yet" in result.stdout
    assert f"Function: waiting for IAM: the role is not visible yet ({ROLE_FOR_LAMBDA})" in result.stdout
    assert "REST API: waiting for API Gateway: an earlier change is under way" in result.stdout
    require_recovery(project)


def test_a_role_that_never_becomes_visible_ends_in_awss_own_words(
    project: Project, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aws.client.PATIENCE_SECONDS", 0)
    faults.refuse("CreateTrainingJob", "ValidationException", ROLE_FOR_SAGEMAKER, times=9)
    project.configure(epochs=5)

    result = on_aws(project)

    assert result.exit_code == 1
    assert f"CreateTrainingJob was refused with ValidationException: {ROLE_FOR_SAGEMAKER}" in result.stderr
    project.configure()
    require_recovery(project)


def test_a_pending_update_of_the_function_is_waited_for(project: Project, faults: Faults) -> None:
    words = "The operation cannot be performed at this time. An update is in progress for resource: arn"
    faults.refuse("UpdateFunctionConfiguration", "ResourceConflictException", words, status=409, times=2)
    project.configure("function.memory_mb = 320\n")

    result = on_aws(project)

    assert "UpdateFunctionConfiguration: it has another MemorySize" in result.stdout
    assert "Function: waiting for Lambda: an earlier update of the function is under way" in result.stdout
    require_recovery(project)


def test_throttling_is_waited_out(project: Project, faults: Faults) -> None:
    faults.refuse("DescribeEndpoint", "ThrottlingException", "Rate exceeded")

    result = on_aws(project)

    assert result.exit_code == 0, result.output


def test_throttling_that_does_not_end_says_to_wait(project: Project, faults: Faults) -> None:
    faults.refuse("DescribeEndpoint", "ThrottlingException", "Rate exceeded", times=8)

    result = project.run("deploy")  # the local target asks once

    assert result.exit_code == 1
    assert "DescribeEndpoint was refused with ThrottlingException: Rate exceeded. It was tried" in result.stderr
    assert "Wait a minute, then run the same command again: it continues" in result.stderr


def test_credentials_that_expire_half_way_say_to_log_in_again(project: Project, faults: Faults) -> None:
    words = "The security token included in the request is expired"
    faults.refuse("UpdateFunctionConfiguration", "ExpiredTokenException", words, status=403)
    project.configure("function.memory_mb = 384\n")

    result = on_aws(project)

    assert result.exit_code == 1
    assert "The credentials have expired: log in again (e.g. `aws sso login`), then run the same" in result.stderr
    assert "Stopped. Done: Bucket faulty-000000000000-us-east-1; " in result.stdout
    assert "Under way: Function faulty-predict." in result.stdout
    require_recovery(project)


@pytest.mark.parametrize("code", ["InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException"])
def test_wrong_credentials_say_what_to_check(project: Project, faults: Faults, code: str) -> None:
    faults.refuse("GetCallerIdentity", code, "The security token is invalid.", status=403)

    result = on_aws(project)

    assert f"GetCallerIdentity was refused with {code}: The security token is invalid. Check the AWS" in result.stderr
    assert "that the region is enabled for the account" in result.stderr


def test_a_missing_permission_says_which_and_for_whom(project: Project, faults: Faults) -> None:
    denied = "lambda:UpdateFunctionConfiguration"
    words = f"User: {USER} is not authorized to perform: {denied} on resource: arn:aws:lambda:us-east-1:1:function:f"
    reason = f"because no identity-based policy allows the {denied} action"
    faults.refuse("UpdateFunctionConfiguration", "AccessDeniedException", f"{words} {reason}", status=403)
    project.configure("function.memory_mb = 448\n")

    result = on_aws(project)

    assert result.exit_code == 1
    assert f"{USER} may not {denied} on arn:aws:lambda:us-east-1:1:function:f (no identity-based" in result.stderr
    assert "Have it allowed for that identity, then run the same command again" in result.stderr
    require_recovery(project)


def test_a_denial_without_words_names_the_operation(project: Project, faults: Faults) -> None:
    faults.refuse("GetBucketPolicy", "AccessDenied", "Access Denied", status=403)

    result = on_aws(project)

    assert "GetBucketPolicy was refused with AccessDenied: Access Denied." in result.stderr
    assert "The credentials in use need the permission for GetBucketPolicy." in result.stderr


def test_what_another_deploy_makes_meanwhile_says_to_wait(project: Project, faults: Faults) -> None:
    words = "Training job names must be unique within an AWS account and region"
    faults.refuse("CreateTrainingJob", "ResourceInUse", words)
    project.configure(epochs=7)

    result = on_aws(project)

    assert f"CreateTrainingJob was refused with ResourceInUse: {words}." in result.stderr
    assert "another deploy seems to run. Let it end, then run the same command again" in result.stderr
    project.configure()


def test_a_full_quota_is_named_with_the_way_to_more(project: Project, faults: Faults) -> None:
    words = (
        "The account-level service limit 'ml.m5.large for training job usage' is 0 Instances, with current "
        "utilization of 0 Instances and a request delta of 1 Instances."
    )
    faults.refuse("CreateTrainingJob", "ResourceLimitExceeded", words)
    project.configure(epochs=2)

    result = on_aws(project)

    assert result.exit_code == 1
    assert "The account's quota 'ml.m5.large for training job usage' is 0: ask for more of it" in result.stderr
    assert "or set another instance_type in [deploy] of preflight.toml" in result.stderr
    require_recovery(project)


def test_an_endpoint_that_does_not_come_up_shows_its_reason_and_its_logs(project: Project, faults: Faults) -> None:
    described = {
        "EndpointName": "faulty",
        "EndpointArn": "arn:aws:sagemaker:us-east-1:000000000000:endpoint/faulty",
        "EndpointConfigName": "faulty-earlier",
        "CreationTime": 0,
        "LastModifiedTime": 0,
    }
    reason = "The primary container for production variant AllTraffic did not pass the ping health check."

    def fail_to_update() -> None:
        faults.answer("DescribeEndpoint", described | {"EndpointStatus": "Updating"}, times=2)
        faults.answer("DescribeEndpoint", described | {"EndpointStatus": "InService", "FailureReason": reason})

    faults.before("UpdateEndpoint", fail_to_update)
    project.configure(epochs=4)

    result = on_aws(project)

    assert result.exit_code == 1
    assert "Endpoint: Updating" in result.stdout
    assert re.search(rf"does not serve faulty-\w+: {reason}.* Its logs are in CloudWatch Logs, group ", result.stderr)
    assert "/aws/sagemaker/Endpoints/faulty.\nIts last lines:\n  " in result.stderr
    require_recovery(project)


def test_a_failed_endpoint_is_made_anew(project: Project, faults: Faults) -> None:
    described = {
        "EndpointName": "faulty",
        "EndpointArn": "arn:aws:sagemaker:us-east-1:000000000000:endpoint/faulty",
        "EndpointConfigName": "faulty-earlier",
        "EndpointStatus": "Failed",
        "FailureReason": "no capacity",
        "CreationTime": 0,
        "LastModifiedTime": 0,
    }
    faults.answer("DescribeEndpoint", described, times=2)

    plan = project.run("deploy", "--plan", "--target", "aws").stdout

    assert "DeleteEndpoint: it is Failed (no capacity), and a failed endpoint stays so" in plan
    assert "CreateEndpoint: it is made anew" in plan


def test_a_serverless_endpoint_takes_the_place_of_a_real_time_one(project: Project) -> None:
    plan = project.run("deploy", "--plan", "--serverless").stdout

    assert "DeleteEndpoint: AWS updates no real-time endpoint to a serverless one" in plan
    assert "2048" in plan


def test_a_real_time_endpoint_takes_the_place_of_a_serverless_one(project: Project, faults: Faults) -> None:
    record = json.loads(project.record_of("aws").read_text())
    described = {
        "EndpointName": "faulty",
        "EndpointArn": "arn:aws:sagemaker:us-east-1:000000000000:endpoint/faulty",
        "EndpointConfigName": "faulty-serverless",
        "EndpointStatus": "InService",
        "CreationTime": 0,
        "LastModifiedTime": 0,
    }
    faults.answer("DescribeEndpoint", described, times=2)

    plan = project.run("deploy", "--plan", "--target", "aws").stdout

    assert "UpdateEndpoint: it serves faulty-serverless" in plan
    assert f"EndpointConfigName={record['endpoint_config_name']}" in plan


@pytest.mark.parametrize("status", [301, 403])
def test_a_bucket_name_of_others_says_how_to_choose_another(
    make_project: Callable[[str], Project], faults: Faults, status: int
) -> None:
    faults.refuse("HeadBucket", str(status), status=status)

    result = make_project(f"taken{status}").run("deploy")

    assert result.exit_code == 1
    name = f"taken{status}-000000000000-us-east-1"
    assert f"The bucket name {name} is taken by another account or region" in result.stderr
    assert "Set another one as `bucket` in [deploy] of preflight.toml." in result.stderr
    assert faults.changes == []


def test_a_bucket_of_another_region_says_how_to_choose_another(
    make_project: Callable[[str], Project], client: Callable[..., Any]
) -> None:
    location = {"LocationConstraint": "eu-central-1"}
    client("s3", region="eu-central-1").create_bucket(Bucket="far-away", CreateBucketConfiguration=location)
    project = make_project("near")
    project.configure('bucket = "far-away"\n')

    result = project.run("deploy")

    assert result.exit_code == 1
    assert "far-away" in result.stderr and "region" in result.stderr
    assert "Set another one as `bucket` in [deploy] of preflight.toml." in result.stderr
    client("s3", region="eu-central-1").delete_bucket(Bucket="far-away")


def test_a_bucket_name_taken_in_the_last_moment_says_the_same(
    make_project: Callable[[str], Project], faults: Faults
) -> None:
    faults.refuse("CreateBucket", "BucketAlreadyExists", "The requested bucket name is not available.", status=409)

    result = make_project("late").run("deploy")

    assert result.exit_code == 1
    assert "The bucket name late-000000000000-us-east-1 is taken by another account. Set another" in result.stderr


def test_another_account_than_the_configured_one_is_refused(project: Project, faults: Faults) -> None:
    project.configure('account = "123456789012"\n')

    result = on_aws(project)

    assert result.exit_code == 2
    assert "These credentials are of the account 000000000000 (arn:aws:iam::000000000000:root)" in result.stderr
    assert faults.changes == []
    project.configure()


@pytest.mark.parametrize("command", ["deploy", "destroy"])
def test_another_account_than_the_deployed_one_is_refused(project: Project, faults: Faults, command: str) -> None:
    environ: dict[str, Any] = project.environ | {"AWS_ACCESS_KEY_ID": "111111111111"}
    elsewhere = Project(project.name, project.folder, project.data, environ)

    result = elsewhere.run(command, "--target", "aws", "--yes")

    assert result.exit_code == 2
    assert "is deployed in the account 000000000000, region us-east-1; these credentials" in result.stderr
    assert faults.changes == []
