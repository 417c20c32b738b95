"""The pipeline and its group of model packages, kept as wanted; one execution started, watched and told of."""

import json
from collections.abc import Mapping
from typing import Any

from aws.client import Aws
from aws.errors import ResourceError
from aws.names import Names
from aws.report import Step
from aws.steps.pipeline_definition import APPROVAL, STEPS, TOO_LOW, TRAIN, TUNE

PIPELINE_JOBS = "pipelines-"  # so start the names of all that executions make, before the execution's id
EXECUTING = ("Executing", "Stopping")
STOP_TIMEOUT_SECONDS = 1800
EXECUTION_TIMEOUT_SECONDS = 24 * 3600
MARKS = {"Succeeded": "\N{CHECK MARK}", "Failed": "\N{BALLOT X}", "Stopped": "\N{BALLOT X}"}
UNDER_WAY = "\N{HORIZONTAL ELLIPSIS}"


def ensure_package_group(aws: Aws, names: Names) -> None:
    """The group whose versions are the models that were good enough."""
    if find_package_group(aws, names) is None:
        group = {"ModelPackageGroupName": names.package_group, "Tags": names.tag_list}
        aws.change("sagemaker", "CreateModelPackageGroup", why="it does not exist", **group)


def find_package_group(aws: Aws, names: Names) -> dict[str, Any] | None:
    listed = aws.list(
        "sagemaker", "ListModelPackageGroups", "ModelPackageGroupSummaryList", NameContains=names.package_group
    )
    return next((group for group in listed if group["ModelPackageGroupName"] == names.package_group), None)


def ensure_pipeline(aws: Aws, names: Names, definition: Mapping[str, Any], role_arn: str) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreatePipeline.html"""
    found = aws.find("sagemaker", "DescribePipeline", PipelineName=names.pipeline)
    wanted = {"PipelineName": names.pipeline, "PipelineDefinition": json.dumps(definition), "RoleArn": role_arn}
    if found is None:
        aws.change("sagemaker", "CreatePipeline", why="it does not exist", Tags=names.tag_list, **wanted)
    elif json.loads(found["PipelineDefinition"]) != definition or found["RoleArn"] != role_arn:
        aws.change("sagemaker", "UpdatePipeline", why="its definition is another", **wanted)


def find_or_start(aws: Aws, names: Names, *, approve: bool) -> str:
    """The ARN of the execution that is under way, else of a new one, whose package is approved or awaits approval."""
    listed = aws.list("sagemaker", "ListPipelineExecutions", "PipelineExecutionSummaries", PipelineName=names.pipeline)
    for execution in listed:
        if execution["PipelineExecutionStatus"] == "Executing":
            return str(execution["PipelineExecutionArn"])
    status = "Approved" if approve else "PendingManualApproval"
    started = aws.change(
        "sagemaker",
        "StartPipelineExecution",
        why="its model is deployed if it is good enough" if approve else "its model is registered if it is good enough",
        PipelineName=names.pipeline,
        PipelineParameters=[{"Name": APPROVAL, "Value": status}],
    )
    return str(started["PipelineExecutionArn"])


def wait_until_ended(aws: Aws, execution_arn: str, step: Step, *, tune: bool) -> None:
    """Show the steps until the last has ended. Raises ``ResourceError`` with the reasons of those that failed."""

    def has_ended(execution: Mapping[str, Any]) -> bool:
        step.show(picture(steps_of(aws, execution_arn), tune=tune))
        return execution.get("PipelineExecutionStatus") not in EXECUTING

    execution = aws.wait(
        "sagemaker",
        "DescribePipelineExecution",
        has_ended,
        what=f"The execution {execution_arn}",
        timeout_seconds=EXECUTION_TIMEOUT_SECONDS,
        PipelineExecutionArn=execution_arn,
    )
    status = execution["PipelineExecutionStatus"]
    if status in ("Failed", "Stopped"):
        steps = steps_of(aws, execution_arn)
        reasons = [f"{name}: {one['FailureReason']}" for name, one in steps.items() if one.get("FailureReason")]
        raise ResourceError(f"The execution {execution_arn} has {status.lower()}. {' '.join(reasons)}")


def stop_execution(aws: Aws, execution_arn: str, step: Step) -> None:
    """End an execution and its jobs, and return when they have ended."""
    where = {"PipelineExecutionArn": execution_arn}
    found = aws.find("sagemaker", "DescribePipelineExecution", **where) or {}
    if found.get("PipelineExecutionStatus") == "Executing":
        aws.change("sagemaker", "StopPipelineExecution", **where)
    step.show("Stopping")
    aws.wait(
        "sagemaker",
        "DescribePipelineExecution",
        lambda execution: execution.get("PipelineExecutionStatus") not in EXECUTING,
        what=f"The execution {execution_arn}",
        timeout_seconds=STOP_TIMEOUT_SECONDS,
        PipelineExecutionArn=execution_arn,
    )


def steps_of(aws: Aws, execution_arn: str) -> dict[str, dict[str, Any]]:
    """The steps that have begun, by name."""
    listed = aws.list(
        "sagemaker", "ListPipelineExecutionSteps", "PipelineExecutionSteps", PipelineExecutionArn=execution_arn
    )
    return {step["StepName"]: step for step in listed}


def picture(steps: Mapping[str, Mapping[str, Any]], *, tune: bool) -> str:
    """The way through the pipeline in one line, each step with its state."""
    other = {TRAIN: TUNE} if tune else {}
    if TOO_LOW in steps:
        other[STEPS[-1]] = TOO_LOW
    way = [other.get(name, name) for name in STEPS]
    return " > ".join(
        f"{name} {MARKS.get(steps[name]['StepStatus'], UNDER_WAY)}" if name in steps else name for name in way
    )


def registered_package(aws: Aws, execution_arn: str) -> str | None:
    """The ARN of the model package that an execution has registered; None if it is yet to."""
    step = steps_of(aws, execution_arn).get("Register", {})
    arn = step.get("Metadata", {}).get("RegisterModel", {}).get("Arn")
    return str(arn) if arn else None


def wait_until_served(aws: Aws, names: Names, package_arn: str, step: Step) -> None:
    """Until the function that EventBridge calls has had the endpoint serve the package."""
    config = names.of_package(package_arn)

    def is_served(endpoint: Mapping[str, Any]) -> bool:
        status = str(endpoint.get("EndpointStatus", "waiting for EventBridge and the function"))
        if status == "Failed":
            raise ResourceError(f"The endpoint {names.endpoint} failed: {endpoint.get('FailureReason')}.")
        step.show(status)
        return status == "InService" and endpoint["EndpointConfigName"] == config

    aws.wait(
        "sagemaker",
        "DescribeEndpoint",
        is_served,
        what=f"The endpoint {names.endpoint} with {config} (what the function says: /aws/lambda/{names.approval})",
        timeout_seconds=3600,
        EndpointName=names.endpoint,
    )
