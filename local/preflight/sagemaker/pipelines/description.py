"""Pipelines, executions and steps as Describe and List show them. Call under the resources' lock."""

from typing import Any

from preflight.sagemaker.api.errors import ResourceNotFound, ValidationException, guessed
from preflight.sagemaker.api.listing import Listing
from preflight.sagemaker.pipelines.parameters import as_text
from preflight.sagemaker.pipelines.record import ExecutionRecord, PipelineRecord, PipelineVersion, StepRecord
from preflight.sagemaker.resources.table import Kind

_EXECUTION_STATUS = {"InProgress": "Executing", "Completed": "Succeeded"}  # of the others the word is the same


def execution_status(execution: ExecutionRecord) -> str:
    return _EXECUTION_STATUS.get(execution.status, execution.status)


def summarize_version(pipeline: PipelineRecord, version: PipelineVersion) -> dict[str, Any]:
    """One of PipelineVersionSummaries."""
    return _known(
        {
            "PipelineArn": pipeline.arn,
            "PipelineVersionId": version.number,
            "CreationTime": version.creation_time,
            "PipelineVersionDescription": version.description,
            "PipelineVersionDisplayName": version.display_name,
            "LastExecutionPipelineExecutionArn": version.last_execution_arn,
        }
    )


def found_version(
    pipeline: PipelineRecord, version: PipelineVersion, last_execution: ExecutionRecord | None
) -> dict[str, Any]:
    """What Search knows of one."""
    summary = summarize_version(pipeline, version)
    summary.pop("LastExecutionPipelineExecutionArn", None)
    found = {**summary, "LastModifiedTime": version.last_modified or version.creation_time}
    if last_execution is None:
        return found
    return found | {
        "LastExecutedPipelineExecutionArn": last_execution.arn,
        "LastExecutedPipelineExecutionDisplayName": last_execution.display_name,
        "LastExecutedPipelineExecutionStatus": execution_status(last_execution),
    }


def describe_pipeline(pipeline: PipelineRecord, version: PipelineVersion | None = None) -> dict[str, Any]:
    """``version``: the newest if it is None. It has the definition; all else is the pipeline's."""
    version = version or pipeline.newest
    return _known(
        {
            "PipelineArn": pipeline.arn,
            "PipelineName": pipeline.name,
            "PipelineDisplayName": pipeline.display_name,
            "PipelineDefinition": version.definition,
            "PipelineDescription": pipeline.description,
            "RoleArn": pipeline.role_arn,
            "PipelineStatus": "Active",
            "CreationTime": pipeline.creation_time,
            "LastModifiedTime": pipeline.last_modified,
            "LastRunTime": pipeline.last_run,
            "ParallelismConfiguration": _parallelism(pipeline.max_parallel),
            "PipelineVersionDisplayName": version.display_name,
            "PipelineVersionDescription": version.description,
        }
    )


def summarize_pipeline(pipeline: PipelineRecord) -> dict[str, Any]:
    """One of PipelineSummaries."""
    return _known(
        {
            "PipelineArn": pipeline.arn,
            "PipelineName": pipeline.name,
            "PipelineDisplayName": pipeline.display_name,
            "PipelineDescription": pipeline.description,
            "RoleArn": pipeline.role_arn,
            "CreationTime": pipeline.creation_time,
            "LastModifiedTime": pipeline.last_modified,
            "LastExecutionTime": pipeline.last_run,
        }
    )


def describe_execution(execution: ExecutionRecord) -> dict[str, Any]:
    return _known(
        {
            "PipelineArn": execution.pipeline_arn,
            "PipelineExecutionArn": execution.arn,
            "PipelineExecutionDisplayName": execution.display_name,
            "PipelineExecutionStatus": execution_status(execution),
            "PipelineExecutionDescription": execution.description,
            "FailureReason": execution.failure_reason,
            "CreationTime": execution.creation_time,
            "LastModifiedTime": execution.last_modified,
            "ParallelismConfiguration": _parallelism(execution.max_parallel),
            "PipelineExperimentConfig": execution.experiment.members() if execution.experiment else None,
            "SelectiveExecutionConfig": _selection(execution),
            "PipelineVersionId": execution.version,
        }
    )


def _found_execution(execution: ExecutionRecord) -> dict[str, Any]:
    """What Search knows of one."""
    parameters = [{"Name": name, "Value": as_text(value)} for name, value in execution.parameters.items()]
    return {**describe_execution(execution), "PipelineParameters": parameters}


def _selection(execution: ExecutionRecord) -> dict[str, Any] | None:
    if execution.selected is None:
        return None
    source = {"SourcePipelineExecutionArn": execution.source_arn} if execution.source_arn else {}
    return {**source, "SelectedSteps": [{"StepName": name} for name in execution.selected]}


def summarize_execution(execution: ExecutionRecord) -> dict[str, Any]:
    """One of PipelineExecutionSummaries."""
    return _known(
        {
            "PipelineExecutionArn": execution.arn,
            "StartTime": execution.creation_time,
            "PipelineExecutionStatus": execution_status(execution),
            "PipelineExecutionDescription": execution.description,
            "PipelineExecutionDisplayName": execution.display_name,
            "PipelineExecutionFailureReason": execution.failure_reason,
        }
    )


def describe_step(step: StepRecord) -> dict[str, Any]:
    """One of PipelineExecutionSteps."""
    return _known(
        {
            "StepName": step.name,
            "StepDisplayName": step.display_name,
            "StepDescription": step.description,
            "StartTime": step.start_time,
            "EndTime": step.end_time,
            "StepStatus": step.status,
            "CacheHitResult": step.cached_from and {"SourcePipelineExecutionArn": step.cached_from},
            "FailureReason": step.failure_reason,
            "Metadata": step.metadata,
            "AttemptCount": step.attempts,
            "SelectiveExecutionResult": step.reused_from and {"SourcePipelineExecutionArn": step.reused_from},
        }
    )


def _parallelism(most: int | None) -> dict[str, int] | None:
    return None if most is None else {"MaxParallelExecutionSteps": most}


def _known(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _taken(arn: str) -> ValidationException:
    """Both of the phrases that AWS's SDKs look for."""
    name = arn.rpartition("/")[2]
    return ValidationException(
        f"Pipeline names must be unique within an AWS account and region. Pipeline with name ({name}) already exists."
    )


EXECUTION_LISTING = Listing(
    result_key="PipelineExecutionSummaries",
    name_key="PipelineExecutionArn",
    time_key="StartTime",
    more_columns={"PipelineExecutionArn": lambda summary: summary["PipelineExecutionArn"]},
)
STEP_LISTING = Listing(result_key="PipelineExecutionSteps", name_key="StepName", time_key="StartTime")
PARAMETER_LISTING = Listing(result_key="PipelineParameters", name_key="Name", default_order="Ascending")
VERSION_LISTING = Listing(result_key="PipelineVersionSummaries", name_key="PipelineArn")
PIPELINE = Kind(
    record=PipelineRecord,
    arn_kind="pipeline",
    event=None,
    listing=Listing(result_key="PipelineSummaries", name_key="PipelineName"),
    describe=describe_pipeline,
    summarize=summarize_pipeline,
    taken=_taken,
    missing=lambda arn: ResourceNotFound(guessed(f"Pipeline '{arn}' does not exist.")),
    searched_as="Pipeline",
)
EXECUTION = Kind(
    record=ExecutionRecord,
    arn_kind="pipeline-execution",
    event=None,
    listing=EXECUTION_LISTING,
    describe=describe_execution,
    summarize=summarize_execution,
    taken=lambda arn: ValidationException(guessed(f"The execution {arn} already exists.")),
    missing=lambda arn: ResourceNotFound(guessed(f"Pipeline execution '{arn}' does not exist.")),
    searched_as="PipelineExecution",
    found=_found_execution,
)
