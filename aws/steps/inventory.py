"""What there is of a project on a target, found by name and tag, and how each part is removed."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from aws.client import Aws
from aws.names import PROJECT_TAG, Names
from aws.report import Step
from aws.steps import algorithms
from aws.steps.access import delete_usage_plan, find_api_key, find_usage_plan
from aws.steps.api import find_rest_api
from aws.steps.approval import delete_rule
from aws.steps.hosting import wait_until_settled
from aws.steps.jobs import CHANGING, PROCESSING, TRAINING, TRANSFORM, JobKind, stop_job
from aws.steps.logs import (
    PROCESSING_GROUP,
    TRAINING_GROUP,
    TRANSFORM_GROUP,
    approval_group,
    endpoint_group,
    find_log_group,
    function_group,
)
from aws.steps.own_image import find_repository
from aws.steps.pipeline import EXECUTING, PIPELINE_JOBS, find_package_group, stop_execution
from aws.steps.preparation import ENCODE, GATHER
from aws.steps.roles import delete_role
from aws.steps.scaling import find_alarm, find_target, release
from aws.steps.storage import delete_bucket, is_our_bucket

Remove = Callable[[Step], object]
RECORDS = re.compile(r":(training|transform|processing)-job/")  # of jobs: they stay, and cost nothing


@dataclass(frozen=True)
class Found:
    """One thing of the project, and the calls that remove it."""

    kind: str
    name: str
    remove: Remove


def inventory(aws: Aws, names: Names) -> list[Found]:
    """All that is left of a project, in the order in which it can go: callers before what they call."""
    kinds = (
        _executions,
        _approval_rule,
        _usage_plan,
        _api_key,
        _rest_api,
        _functions,
        _scaling,
        _backlog_alarm,
        _endpoint,
        _endpoint_configs,
        _models,
        _running_jobs,
        _log_groups,
        _job_logs,
        _preparation_logs,
        _pipeline_logs,
        _pipeline,
        _packages,
        _package_group,
        _repository,
        _roles,
        _bucket,
    )
    return [found for kind in kinds for found in kind(aws, names)]


def count_training_jobs(aws: Aws, names: Names) -> int:
    """How many training jobs the project ran. Their records stay with SageMaker and cost nothing."""
    return sum(1 for _ in _jobs(aws, names, TRAINING))


def left_over(aws: Aws, names: Names) -> list[str]:
    """The ARNs of what still bears the project's tag, as the Resource Groups Tagging API sees it.

    It also finds what no step of ours made; it lags behind by some minutes; jobs stay in it. Empty on the
    stack, which does not have it. https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
    """
    if aws.target.is_stack:
        return []
    filters = [{"Key": PROJECT_TAG, "Values": [names.project]}]
    listed = aws.list("resourcegroupstaggingapi", "GetResources", "ResourceTagMappingList", TagFilters=filters)
    arns = sorted(str(found["ResourceARN"]) for found in listed)
    return [arn for arn in arns if not RECORDS.search(arn)]


# API Gateway: a name may be taken several times. One is found per round, the next in the next.


def _usage_plan(aws: Aws, names: Names) -> Iterator[Found]:
    plan = find_usage_plan(aws, names)
    if plan is not None:
        yield Found("Usage plan", plan["id"], lambda _: delete_usage_plan(aws, plan))


def _api_key(aws: Aws, names: Names) -> Iterator[Found]:
    key = find_api_key(aws, names)
    if key is not None:
        yield Found("API key", key["id"], _remover(aws, "apigateway", "DeleteApiKey", apiKey=key["id"]))


def _rest_api(aws: Aws, names: Names) -> Iterator[Found]:
    api = find_rest_api(aws, names)
    if api is not None:
        yield Found("REST API", api["id"], _remover(aws, "apigateway", "DeleteRestApi", restApiId=api["id"]))


def _functions(aws: Aws, names: Names) -> Iterator[Found]:
    for name in (names.approval, names.function):
        found = aws.find("lambda", "GetFunction", FunctionName=name)
        if found is not None and found.get("Tags", {}).get(PROJECT_TAG) == names.project:
            yield Found("Function", name, _remover(aws, "lambda", "DeleteFunction", FunctionName=name))


def _approval_rule(aws: Aws, names: Names) -> Iterator[Found]:
    found = aws.find("events", "DescribeRule", Name=names.approval)
    if found is None:
        return
    tags = (aws.find("events", "ListTagsForResource", ResourceARN=found["Arn"]) or {}).get("Tags", [])
    if names.tag_list[0] in tags:
        yield Found("Event rule", names.approval, lambda _: delete_rule(aws, names))


def _all_executions(aws: Aws, names: Names) -> Iterator[dict[str, Any]]:
    where = {"PipelineName": names.pipeline}
    return aws.list("sagemaker", "ListPipelineExecutions", "PipelineExecutionSummaries", **where)


def _executions(aws: Aws, names: Names) -> Iterator[Found]:
    for execution in _all_executions(aws, names):
        arn = execution["PipelineExecutionArn"]
        if execution["PipelineExecutionStatus"] in EXECUTING:
            yield Found("Execution", arn.rpartition("/")[2], _execution_stopper(aws, arn))


def _execution_stopper(aws: Aws, arn: str) -> Remove:
    return lambda step: stop_execution(aws, arn, step)


def _pipeline(aws: Aws, names: Names) -> Iterator[Found]:
    found = aws.find("sagemaker", "DescribePipeline", PipelineName=names.pipeline)
    if found is not None and _is_tagged(aws, names, found["PipelineArn"]):
        remove = _remover(aws, "sagemaker", "DeletePipeline", PipelineName=names.pipeline)
        yield Found("Pipeline", names.pipeline, remove)


def _packages(aws: Aws, names: Names) -> Iterator[Found]:
    if not any(_package_group(aws, names)):
        return
    where = {"ModelPackageGroupName": names.package_group}
    for package in aws.list("sagemaker", "ListModelPackages", "ModelPackageSummaryList", **where):
        arn = package["ModelPackageArn"]
        remove = _remover(aws, "sagemaker", "DeleteModelPackage", ModelPackageName=arn)
        yield Found("Model package", arn.partition("model-package/")[2], remove)


def _package_group(aws: Aws, names: Names) -> Iterator[Found]:
    found = find_package_group(aws, names)
    if found is not None and _is_tagged(aws, names, found["ModelPackageGroupArn"]):
        where = {"ModelPackageGroupName": names.package_group}
        yield Found("Packages", names.package_group, _remover(aws, "sagemaker", "DeleteModelPackageGroup", **where))


def _scaling(aws: Aws, names: Names) -> Iterator[Found]:
    target = find_target(aws, names)
    if target is not None:
        tags = aws.find("application-autoscaling", "ListTagsForResource", ResourceARN=target["ScalableTargetARN"]) or {}
        if names.tags.items() <= tags.get("Tags", {}).items():
            yield Found("Scalable target", target["ResourceId"], lambda _: release(aws, names))


def _backlog_alarm(aws: Aws, names: Names) -> Iterator[Found]:
    """It goes with its target; without one it is what a deploy has left that ended in between."""
    alarm = None if find_target(aws, names) else find_alarm(aws, names)
    if alarm is not None:
        tags = (aws.find("cloudwatch", "ListTagsForResource", ResourceARN=alarm["AlarmArn"]) or {}).get("Tags", [])
        if names.tag_list[0] in tags:
            remove = _remover(aws, "cloudwatch", "DeleteAlarms", AlarmNames=[names.backlog_alarm])
            yield Found("Alarm", names.backlog_alarm, remove)


def _endpoint(aws: Aws, names: Names) -> Iterator[Found]:
    def remove(step: Step) -> None:
        wait_until_settled(aws, names.endpoint, step)  # one that is changing cannot be deleted
        aws.remove("sagemaker", "DeleteEndpoint", EndpointName=names.endpoint)
        wait_until_settled(aws, names.endpoint, step)

    found = aws.find("sagemaker", "DescribeEndpoint", EndpointName=names.endpoint)
    if found is not None and _is_tagged(aws, names, found["EndpointArn"]):
        yield Found("Endpoint", names.endpoint, remove)


def _endpoint_configs(aws: Aws, names: Names) -> Iterator[Found]:
    pattern = re.compile(rf"{re.escape(names.project)}-([0-9a-f]{{10}}|approved-\d+)")
    listed = aws.list("sagemaker", "ListEndpointConfigs", "EndpointConfigs", NameContains=names.project)
    for config in listed:
        name = config["EndpointConfigName"]
        if pattern.fullmatch(name) and _is_tagged(aws, names, config["EndpointConfigArn"]):
            remove = _remover(aws, "sagemaker", "DeleteEndpointConfig", EndpointConfigName=name)
            yield Found("Endpoint config", name, remove)


def _models(aws: Aws, names: Names) -> Iterator[Found]:
    approved = re.compile(rf"{re.escape(names.approval)}-\d+")
    of_project = aws.list("sagemaker", "ListModels", "Models", NameContains=names.project)
    of_pipelines = aws.list("sagemaker", "ListModels", "Models", NameContains=PIPELINE_JOBS)
    for model in (*of_project, *of_pipelines):
        name = model["ModelName"]
        is_ours = _job_pattern(names).fullmatch(name) or approved.fullmatch(name) or name.startswith(PIPELINE_JOBS)
        if is_ours and _is_tagged(aws, names, model["ModelArn"]):
            yield Found("Model", name, _remover(aws, "sagemaker", "DeleteModel", ModelName=name))


def _job_pattern(names: Names) -> re.Pattern[str]:
    known = "|".join(map(re.escape, algorithms.NAMES))
    return re.compile(rf"{re.escape(names.project)}-({known})-[0-9a-f]{{10}}(-\d+)?")


def _is_tagged(aws: Aws, names: Names, arn: str) -> bool:
    tags = aws.list("sagemaker", "ListTags", "Tags", ResourceArn=arn)
    return any(tag == names.tag_list[0] for tag in tags)


def _preparation_pattern(names: Names) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(names.project)}-({GATHER}|{ENCODE})-[0-9a-f]{{10}}(-\d+)?")


def _jobs(aws: Aws, names: Names, kind: JobKind) -> Iterator[tuple[str, str | None]]:
    """Name and status of each of the project's."""
    pattern = _preparation_pattern(names) if kind is PROCESSING else _job_pattern(names)
    key = f"{kind.word}JobSummaries"
    for job in aws.list("sagemaker", f"List{kind.word}Jobs", key, NameContains=names.project):
        name = job[f"{kind.word}JobName"]
        if pattern.fullmatch(name):
            yield name, kind.status(job)


def _running_jobs(aws: Aws, names: Names) -> Iterator[Found]:
    for kind in (TRAINING, TRANSFORM, PROCESSING):
        for name, status in _jobs(aws, names, kind):
            if status in CHANGING:
                yield Found(f"{kind.word} job", name, _job_stopper(aws, kind, name))


def _job_stopper(aws: Aws, kind: JobKind, name: str) -> Remove:
    return lambda step: stop_job(aws, kind, name, step)


def _log_groups(aws: Aws, names: Names) -> Iterator[Found]:
    for group in (function_group(names), approval_group(names), endpoint_group(names)):
        if find_log_group(aws, group) is not None:
            yield Found("Log group", group, _remover(aws, "logs", "DeleteLogGroup", logGroupName=group))


def _job_logs(aws: Aws, names: Names) -> Iterator[Found]:
    """The log streams of the project's jobs; their groups belong to all jobs of the account."""
    kinds = {"Training logs": TRAINING_GROUP, "Transform logs": TRANSFORM_GROUP}
    for (kind, group), algorithm in product(kinds.items(), algorithms.NAMES):
        prefix = f"{names.project}-{algorithm}-"
        where = {"logGroupName": group, "logStreamNamePrefix": prefix}
        listed = aws.list("logs", "DescribeLogStreams", "logStreams", **where)
        streams = [str(stream["logStreamName"]) for stream in listed]
        streams = [stream for stream in streams if _job_pattern(names).fullmatch(stream.partition("/")[0])]
        if streams:
            yield Found(kind, f"{prefix}* ({len(streams)})", _stream_remover(aws, group, streams))


def _preparation_logs(aws: Aws, names: Names) -> Iterator[Found]:
    for stage in (GATHER, ENCODE):
        prefix = f"{names.project}-{stage}-"
        where = {"logGroupName": PROCESSING_GROUP, "logStreamNamePrefix": prefix}
        listed = aws.list("logs", "DescribeLogStreams", "logStreams", **where)
        streams = [str(stream["logStreamName"]) for stream in listed]
        streams = [name for name in streams if _preparation_pattern(names).fullmatch(name.partition("/")[0])]
        if streams:
            yield Found(
                "Processing logs", f"{prefix}* ({len(streams)})", _stream_remover(aws, PROCESSING_GROUP, streams)
            )


def _pipeline_logs(aws: Aws, names: Names) -> Iterator[Found]:
    """Likewise of the jobs that its executions started, as long as the pipeline is there to tell which."""
    prefixes = (
        prefix
        for execution in _all_executions(aws, names)
        for prefix in _job_prefixes(aws, execution["PipelineExecutionArn"].rpartition("/")[2])
    )
    for prefix, group in product(prefixes, (PROCESSING_GROUP, TRAINING_GROUP, TRANSFORM_GROUP)):
        where = {"logGroupName": group, "logStreamNamePrefix": prefix}
        streams = [
            str(stream["logStreamName"]) for stream in aws.list("logs", "DescribeLogStreams", "logStreams", **where)
        ]
        if streams:
            yield Found("Pipeline logs", f"{prefix}* ({len(streams)})", _stream_remover(aws, group, streams))


def _job_prefixes(aws: Aws, execution_id: str) -> Iterator[str]:
    """What the names of an execution's jobs begin with; those of its trials with their tuning job's."""
    own = f"{PIPELINE_JOBS}{execution_id}-"
    yield own
    tuning = aws.list(
        "sagemaker", "ListHyperParameterTuningJobs", "HyperParameterTuningJobSummaries", NameContains=execution_id
    )
    names = (str(job["HyperParameterTuningJobName"]) for job in tuning)
    yield from (f"{name}-" for name in names if not name.startswith(own))


def _stream_remover(aws: Aws, group: str, streams: list[str]) -> Remove:
    def remove(_: Step) -> None:
        for stream in streams:
            aws.remove("logs", "DeleteLogStream", logGroupName=group, logStreamName=stream)

    return remove


def _repository(aws: Aws, names: Names) -> Iterator[Found]:
    found = None if aws.target.is_stack else find_repository(aws, names)
    if found is None:
        return
    tags = (aws.find("ecr", "ListTagsForResource", resourceArn=found["repositoryArn"]) or {}).get("tags", [])
    if names.tag_list[0] in tags:
        remove = _remover(aws, "ecr", "DeleteRepository", repositoryName=names.repository, force=True)
        yield Found("Image repository", names.repository, remove)


def _roles(aws: Aws, names: Names) -> Iterator[Found]:
    for role in (names.approval_role, names.pipeline_role, names.training_role, names.function_role):
        found = aws.find("iam", "GetRole", RoleName=role)
        if found is not None and names.tag_list[0] in found["Role"].get("Tags", []):
            yield Found("Role", role, _role_remover(aws, role))


def _role_remover(aws: Aws, role: str) -> Remove:
    return lambda _: delete_role(aws, role)


def _bucket(aws: Aws, names: Names) -> Iterator[Found]:
    if is_our_bucket(aws, names):
        yield Found("Bucket", names.bucket, lambda step: delete_bucket(aws, names.bucket, step))


def _remover(aws: Aws, service: str, operation: str, **parameters: Any) -> Remove:
    return lambda _: aws.remove(service, operation, **parameters)
