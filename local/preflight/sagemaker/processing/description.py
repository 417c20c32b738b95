"""A processing job as DescribeProcessingJob, ListProcessingJobs and events show it. Call under the resources' lock."""

from typing import Any

from preflight.sagemaker.api.errors import ResourceInUse, ValidationException, guessed
from preflight.sagemaker.api.listing import Listing
from preflight.sagemaker.api.shape import Shape
from preflight.sagemaker.processing.record import ProcessingJobRecord
from preflight.sagemaker.processing.request import ProcessingInput, ProcessingOutput
from preflight.sagemaker.resources.table import Kind

# Members shown as they were asked for; the others have something added.
_AS_ASKED = ("ProcessingResources", "AppSpecification", "Environment", "NetworkConfig", "RoleArn", "ExperimentConfig")

# In events the values of enums below the job's own status are spelled so; of some there is no sample.
_EVENT_SPELLINGS: dict[str, dict[str, str]] = {
    "S3DataType": {"ManifestFile": "MANIFEST_FILE", "S3Prefix": "S3_PREFIX"},
    "S3InputMode": {},
    "S3DataDistributionType": {},
    "S3CompressionType": {},
    "S3UploadMode": {"EndOfJob": "END_OF_JOB"},
}


def describe(job: ProcessingJobRecord) -> dict[str, Any]:
    request = job.request
    asked = request.as_asked()
    description = {
        "ProcessingInputs": [describe_input(entry) for entry in request.processing_inputs] or None,
        "ProcessingOutputConfig": _describe_outputs(job),
        "ProcessingJobName": job.name,
        "ProcessingJobArn": job.arn,
        "ProcessingJobStatus": job.status,
        "StoppingCondition": {"MaxRuntimeInSeconds": request.stopping_condition.max_runtime_in_seconds},
        "ExitMessage": job.exit_message,
        "FailureReason": job.failure_reason,
        "ProcessingEndTime": job.end_time,
        "ProcessingStartTime": job.start_time,
        "LastModifiedTime": job.last_modified,
        "CreationTime": job.creation_time,
        **{key: asked[key] for key in _AS_ASKED if key in asked},
    }
    return {key: value for key, value in description.items() if value is not None}


def describe_input(entry: ProcessingInput) -> dict[str, Any]:
    """An input with AWS's defaults."""
    shown = {"InputName": entry.input_name, "AppManaged": entry.app_managed}
    return shown | ({"S3Input": _whole(entry.s3_input)} if entry.s3_input else {})


def describe_output(output: ProcessingOutput) -> dict[str, Any]:
    """An output with AWS's defaults."""
    shown = {"OutputName": output.output_name, "AppManaged": output.app_managed}
    return shown | ({"S3Output": _whole(output.s3_output)} if output.s3_output else {})


def summarize(job: ProcessingJobRecord) -> dict[str, Any]:
    """One of ProcessingJobSummaries."""
    summary = {
        "ProcessingJobName": job.name,
        "ProcessingJobArn": job.arn,
        "CreationTime": job.creation_time,
        "ProcessingEndTime": job.end_time,
        "LastModifiedTime": job.last_modified,
        "ProcessingJobStatus": job.status,
        "FailureReason": job.failure_reason,
        "ExitMessage": job.exit_message,
    }
    return {key: value for key, value in summary.items() if value is not None}


def event_detail(description: dict[str, Any]) -> dict[str, Any]:
    """``description`` as events spell it.

    https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
    """
    spelled = {
        key: _spell(value)
        for key, value in description.items()
        if key in ("ProcessingInputs", "ProcessingOutputConfig")
    }
    return {"ExperimentConfig": {}, **description, **spelled}


def _spell(value: Any) -> Any:
    match value:
        case list():
            return [_spell(item) for item in value]
        case dict():
            return {
                key: _EVENT_SPELLINGS[key].get(item, item.upper()) if key in _EVENT_SPELLINGS else _spell(item)
                for key, item in value.items()
            }
    return value


def _whole(shape: Shape) -> dict[str, Any]:
    """Its members with AWS's defaults, less those that have no value."""
    return shape.model_dump(by_alias=True, exclude_none=True)


def _describe_outputs(job: ProcessingJobRecord) -> dict[str, Any] | None:
    config = job.request.processing_output_config
    if not config.outputs:
        return None
    key = {"KmsKeyId": config.kms_key_id} if config.kms_key_id is not None else {}
    return {"Outputs": [describe_output(output) for output in config.outputs], **key}


def _taken(arn: str) -> ResourceInUse:
    return ResourceInUse(
        f"Job name must be unique within an AWS account and region, and a job with this name already exists ({arn})"
    )


PROCESSING_JOB = Kind(
    record=ProcessingJobRecord,
    arn_kind="processing-job",
    event="Processing Job",
    listing=Listing(
        result_key="ProcessingJobSummaries",
        name_key="ProcessingJobName",
        status_key="ProcessingJobStatus",
        default_order="Ascending",
    ),
    describe=describe,
    summarize=summarize,
    taken=_taken,
    missing=lambda arn: ValidationException(
        guessed(f"Could not find requested job with name: {arn.rpartition('/')[2]}")
    ),
    event_detail=event_detail,
)
