"""Deploy and destroy broken off at any call: running again goes on, and after destroy nothing of ours is left."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.aws.conftest import Project
from tests.aws.faults import Faults

Client = Callable[..., Any]


def remains(client: Client, name: str) -> list[str]:
    """Everything on the stack whose name starts with the project's; training jobs only if they run."""

    def names() -> Iterator[str]:
        yield from (bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"])
        yield from (role["RoleName"] for role in client("iam").list_roles()["Roles"])
        yield from (group["logGroupName"] for group in client("logs").describe_log_groups()["logGroups"])
        yield from (function["FunctionName"] for function in client("lambda").list_functions()["Functions"])
        gateway, sagemaker = client("apigateway"), client("sagemaker")
        for items in (gateway.get_rest_apis(), gateway.get_usage_plans(), gateway.get_api_keys()):
            yield from (item["name"] for item in items["items"])
        yield from (model["ModelName"] for model in sagemaker.list_models(MaxResults=100)["Models"])
        configs = sagemaker.list_endpoint_configs(MaxResults=100)["EndpointConfigs"]
        yield from (config["EndpointConfigName"] for config in configs)
        yield from (endpoint["EndpointName"] for endpoint in sagemaker.list_endpoints()["Endpoints"])
        jobs = sagemaker.list_training_jobs(StatusEquals="InProgress")["TrainingJobSummaries"]
        yield from (job["TrainingJobName"] for job in jobs)

    return [found for found in names() if found.rpartition("/")[2].startswith(name)]


def run_until_done(project: Project, *arguments: str) -> list[int]:
    """Run a command again and again until it succeeds; the exit codes."""
    codes = [1]
    while codes[-1] == 1 and len(codes) < 60:
        codes.append(project.run(*arguments).exit_code)
    return codes


def test_a_deploy_that_fails_at_every_call_goes_on_each_time_and_completes(
    make_project: Callable[[str], Project], faults: Faults
) -> None:
    project = make_project("everycall")
    faults.fail_each_change_once()

    codes = run_until_done(project, "deploy", "--auth", "api-key")

    assert codes[-1] == 0
    assert len(codes) > 35  # as many as there are calls
    assert "There is nothing to change." in project.run("deploy", "--auth", "api-key", "--plan").stdout


@pytest.mark.parametrize(
    "operation",
    [
        "PutBucketTagging",
        "PutObject",
        "PutRolePolicy",
        "CreateTrainingJob",
        "CreateModel",
        "CreateEndpoint",
        "PutMethod",
        "CreateDeployment",
        "CreateUsagePlanKey",
    ],
)
def test_destroy_removes_what_a_failed_deploy_left(
    make_project: Callable[[str], Project], faults: Faults, client: Client, operation: str
) -> None:
    project = make_project(f"at-{operation.lower()}")
    faults.refuse(operation, "InternalFailure", "It broke.", status=500)
    failed = project.run("deploy", "--auth", "api-key")
    assert failed.exit_code == 1
    assert "Run the same command again to continue" in failed.stdout
    assert remains(client, project.name)

    destroyed = project.run("destroy", "--yes")

    assert destroyed.exit_code == 0, destroyed.output
    assert remains(client, project.name) == []


def test_a_destroy_that_fails_at_every_call_goes_on_each_time_and_completes(
    make_project: Callable[[str], Project], faults: Faults, client: Client
) -> None:
    project = make_project("destroyed")
    assert project.run("deploy", "--auth", "api-key").exit_code == 0
    fill(client("s3"), "destroyed-000000000000-us-east-1")
    faults.fail_each_change_once()

    codes = run_until_done(project, "destroy", "--yes")

    assert codes[-1] == 0
    assert len(codes) > 15
    assert remains(client, "destroyed") == []
    assert "Nothing is left of destroyed" in project.run("destroy", "--yes").stdout


def fill(s3: Any, bucket: str) -> None:
    """What makes a bucket hard to delete: versions, a delete marker, an upload that never ended."""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="twice", Body=b"1")
    s3.put_object(Bucket=bucket, Key="twice", Body=b"2")
    s3.delete_object(Bucket=bucket, Key="twice")
    s3.create_multipart_upload(Bucket=bucket, Key="unfinished")


def test_a_bucket_of_the_same_name_that_is_not_ours_stays(
    make_project: Callable[[str], Project], client: Client
) -> None:
    project = make_project("foreign")
    client("s3").create_bucket(Bucket="foreign-000000000000-us-east-1")
    client("s3").put_object(Bucket="foreign-000000000000-us-east-1", Key="theirs", Body=b"1")

    destroyed = project.run("destroy", "--yes")

    assert "Nothing is left of foreign" in destroyed.stdout
    assert remains(client, "foreign") == ["foreign-000000000000-us-east-1"]
    client("s3").delete_object(Bucket="foreign-000000000000-us-east-1", Key="theirs")
    client("s3").delete_bucket(Bucket="foreign-000000000000-us-east-1")


def test_what_else_bears_our_tag_is_listed_after_a_destroy(
    make_project: Callable[[str], Project], faults: Faults, on_aws: None
) -> None:
    arns = ["arn:aws:ec2:us-east-1:1:volume/vol-1", "arn:aws:sagemaker:us-east-1:1:training-job/left-linear-learner-1"]
    faults.answer("GetResources", {"ResourceTagMappingList": [{"ResourceARN": arn} for arn in arns]})
    faults.refuse("DescribeRepositories", "RepositoryNotFoundException", "It does not exist.", times=9)

    result = make_project("tagged").run("destroy", "--yes", "--target", "aws")

    assert result.exit_code == 0, result.output
    assert "AWS still lists these 1 under the project's tag" in result.stdout
    assert "volume/vol-1" in result.stdout
    assert "training-job" not in result.stdout


def test_without_the_permission_to_look_for_tags_destroy_says_so(
    make_project: Callable[[str], Project], faults: Faults, on_aws: None
) -> None:
    words = "User: arn:aws:iam::1:user/ann is not authorized to perform: tag:GetResources"
    faults.refuse("GetResources", "AccessDeniedException", words)
    faults.refuse("DescribeRepositories", "RepositoryNotFoundException", "It does not exist.", times=9)

    result = make_project("untold").run("destroy", "--yes", "--target", "aws")

    assert result.exit_code == 0
    assert "could not be looked up: GetResources was refused: arn:aws:iam::1:user/ann may not tag:Get" in result.stdout


def test_a_record_is_removed_with_what_it_tells_of(make_project: Callable[[str], Project]) -> None:
    project = make_project("recorded")
    project.record.parent.mkdir(parents=True)
    project.record.write_text(json.dumps({"project": "recorded"}))

    said = project.run("destroy", "--yes").stdout

    assert not project.record.exists()
    assert f"{project.record} told of what is not there any more" in said
