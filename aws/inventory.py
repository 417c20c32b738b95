"""What there is of a project on a target, found by name and tag, and how each part is removed."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import batched
from typing import Any

from aws.algorithms import ALGORITHMS
from aws.api import find_rest_api
from aws.client import Aws
from aws.function import log_group
from aws.hosting import ENDPOINT_LOG_GROUPS, wait_for_endpoint
from aws.names import PROJECT_TAG, Names
from aws.report import Step
from aws.storage import bucket_project
from aws.training import LOG_GROUP

STOP_TIMEOUT_SECONDS = 1800
DELETE_OBJECTS_AT_ONCE = 1000  # S3's limit


@dataclass(frozen=True)
class Found:
    """One thing of the project, and the calls that remove it."""

    kind: str
    name: str
    remove: Callable[[Step], object]


def inventory(aws: Aws, names: Names) -> list[Found]:
    """All that is left of a project, in the order in which it can go: callers before what they call."""
    kinds = (
        _rest_api,
        _function,
        _endpoint,
        _endpoint_configs,
        _models,
        _running_jobs,
        _log_groups,
        _training_logs,
        _roles,
        _bucket,
    )
    return [found for kind in kinds for found in kind(aws, names)]


def count_training_jobs(aws: Aws, names: Names) -> int:
    """How many training jobs the project ran. Their records stay with SageMaker and cost nothing."""
    return sum(1 for _ in _training_jobs(aws, names))


def _rest_api(aws: Aws, names: Names) -> Iterator[Found]:
    # One per round: should an earlier accident have left several, the next lookup finds the next.
    rest_api_id = find_rest_api(aws, names)
    if rest_api_id is not None:
        yield Found(
            "REST API",
            rest_api_id,
            lambda _: aws.remove("apigateway", "DeleteRestApi", restApiId=rest_api_id),
        )


def _function(aws: Aws, names: Names) -> Iterator[Found]:
    found = aws.find("lambda", "GetFunction", FunctionName=names.function)
    if found is not None and found.get("Tags", {}).get(PROJECT_TAG) == names.project:
        yield Found(
            "Function",
            names.function,
            lambda _: aws.remove("lambda", "DeleteFunction", FunctionName=names.function),
        )


def _endpoint(aws: Aws, names: Names) -> Iterator[Found]:
    def remove(step: Step) -> None:
        wait_for_endpoint(aws, names.endpoint, step)  # one that is changing cannot be deleted
        aws.remove("sagemaker", "DeleteEndpoint", EndpointName=names.endpoint)
        wait_for_endpoint(aws, names.endpoint, step)

    found = aws.find("sagemaker", "DescribeEndpoint", EndpointName=names.endpoint)
    if found is not None and _is_tagged(aws, names, found["EndpointArn"]):
        yield Found("Endpoint", names.endpoint, remove)


def _endpoint_configs(aws: Aws, names: Names) -> Iterator[Found]:
    pattern = re.compile(rf"{re.escape(names.project)}-[0-9a-f]{{10}}")
    listed = aws.list("sagemaker", "ListEndpointConfigs", "EndpointConfigs", NameContains=names.project)
    for config in listed:
        name = config["EndpointConfigName"]
        if pattern.fullmatch(name) and _is_tagged(aws, names, config["EndpointConfigArn"]):
            yield Found("Endpoint config", name, _remover(aws, "DeleteEndpointConfig", EndpointConfigName=name))


def _models(aws: Aws, names: Names) -> Iterator[Found]:
    for model in aws.list("sagemaker", "ListModels", "Models", NameContains=names.project):
        name = model["ModelName"]
        if _job_pattern(names).fullmatch(name) and _is_tagged(aws, names, model["ModelArn"]):
            yield Found("Model", name, _remover(aws, "DeleteModel", ModelName=name))


def _remover(aws: Aws, operation: str, **parameters: str) -> Callable[[Step], object]:
    return lambda _: aws.remove("sagemaker", operation, **parameters)


def _job_pattern(names: Names) -> re.Pattern[str]:
    algorithms = "|".join(map(re.escape, ALGORITHMS))
    return re.compile(rf"{re.escape(names.project)}-({algorithms})-[0-9a-f]{{10}}(-\d+)?")


def _is_tagged(aws: Aws, names: Names, arn: str) -> bool:
    tags = aws.list("sagemaker", "ListTags", "Tags", ResourceArn=arn)
    return any(tag == names.tag_list[0] for tag in tags)


def _training_jobs(aws: Aws, names: Names) -> Iterator[dict[str, Any]]:
    listed = aws.list("sagemaker", "ListTrainingJobs", "TrainingJobSummaries", NameContains=names.project)
    return (job for job in listed if _job_pattern(names).fullmatch(job["TrainingJobName"]))


def _running_jobs(aws: Aws, names: Names) -> Iterator[Found]:
    for job in _training_jobs(aws, names):
        if job["TrainingJobStatus"] in ("InProgress", "Stopping"):
            yield Found("Training job", job["TrainingJobName"], _job_stopper(aws, job["TrainingJobName"]))


def _job_stopper(aws: Aws, name: str) -> Callable[[Step], None]:
    def status() -> str:
        return str((aws.find("sagemaker", "DescribeTrainingJob", TrainingJobName=name) or {}).get("TrainingJobStatus"))

    def stop(step: Step) -> None:
        if status() == "InProgress":
            aws.change("sagemaker", "StopTrainingJob", TrainingJobName=name)
        step.show("Stopping")
        aws.wait_until(
            lambda: status() not in ("InProgress", "Stopping"),
            what=f"The training job {name}",
            timeout_seconds=STOP_TIMEOUT_SECONDS,
        )

    return stop


def _log_groups(aws: Aws, names: Names) -> Iterator[Found]:
    for group in (log_group(names), f"{ENDPOINT_LOG_GROUPS}{names.endpoint}"):
        listed = aws.list("logs", "DescribeLogGroups", "logGroups", logGroupNamePrefix=group)
        if group in {found["logGroupName"] for found in listed}:
            yield Found("Log group", group, _log_group_remover(aws, group))


def _log_group_remover(aws: Aws, group: str) -> Callable[[Step], object]:
    return lambda _: aws.remove("logs", "DeleteLogGroup", logGroupName=group)


def _training_logs(aws: Aws, names: Names) -> Iterator[Found]:
    """The log streams of the project's jobs; their group belongs to all jobs of the account."""
    for algorithm in ALGORITHMS:
        prefix = f"{names.project}-{algorithm}-"
        streams = [
            stream["logStreamName"]
            for stream in aws.list(
                "logs",
                "DescribeLogStreams",
                "logStreams",
                logGroupName=LOG_GROUP,
                logStreamNamePrefix=prefix,
            )
            if _job_pattern(names).fullmatch(stream["logStreamName"].partition("/")[0])
        ]
        if streams:
            yield Found("Training logs", f"{prefix}* ({len(streams)})", _stream_remover(aws, streams))


def _stream_remover(aws: Aws, streams: list[str]) -> Callable[[Step], None]:
    def remove(_: Step) -> None:
        for stream in streams:
            aws.remove("logs", "DeleteLogStream", logGroupName=LOG_GROUP, logStreamName=stream)

    return remove


def _roles(aws: Aws, names: Names) -> Iterator[Found]:
    for role in (names.training_role, names.function_role):
        found = aws.find("iam", "GetRole", RoleName=role)
        if found is not None and names.tag_list[0] in found["Role"].get("Tags", []):
            yield Found("Role", role, _role_remover(aws, role))


def _role_remover(aws: Aws, role: str) -> Callable[[Step], None]:
    def remove(_: Step) -> None:
        # A role goes only when nothing is attached to it any more.
        for policy in list(aws.list("iam", "ListAttachedRolePolicies", "AttachedPolicies", RoleName=role)):
            aws.remove("iam", "DetachRolePolicy", RoleName=role, PolicyArn=policy["PolicyArn"])
        inline = aws.find("iam", "ListRolePolicies", RoleName=role) or {"PolicyNames": []}
        for name in inline["PolicyNames"]:
            aws.remove("iam", "DeleteRolePolicy", RoleName=role, PolicyName=name)
        aws.remove("iam", "DeleteRole", RoleName=role)

    return remove


def _bucket(aws: Aws, names: Names) -> Iterator[Found]:
    def remove(step: Step) -> None:
        listed = aws.list("s3", "ListMultipartUploads", "Uploads", Bucket=names.bucket)
        for upload in list(listed):
            parameters = {"Bucket": names.bucket, "Key": upload["Key"], "UploadId": upload["UploadId"]}
            aws.remove("s3", "AbortMultipartUpload", **parameters)
        for objects in batched(_object_versions(aws, names.bucket), DELETE_OBJECTS_AT_ONCE):
            step.show(f"deleting {len(objects)} objects")
            aws.change("s3", "DeleteObjects", Bucket=names.bucket, Delete={"Objects": list(objects), "Quiet": True})
        aws.remove("s3", "DeleteBucket", Bucket=names.bucket)

    if bucket_project(aws, names.bucket) == names.project:
        yield Found("Bucket", names.bucket, remove)


def _object_versions(aws: Aws, bucket: str) -> Iterator[dict[str, str]]:
    for key in ("Versions", "DeleteMarkers"):
        for version in aws.list("s3", "ListObjectVersions", key, Bucket=bucket):
            yield {"Key": version["Key"], "VersionId": version["VersionId"]}
