"""A transform job as DescribeTransformJob and ListTransformJobs show it. Call under the resources' lock."""

from typing import Any

from preflight.sagemaker.api.errors import ResourceInUse, ValidationException, guessed
from preflight.sagemaker.api.listing import Listing
from preflight.sagemaker.resources.table import Kind
from preflight.sagemaker.transform.record import TransformJobRecord

# Members shown as they were asked for; the others have something added.
_AS_ASKED = (
    "ModelName",
    "MaxConcurrentTransforms",
    "ModelClientConfig",
    "MaxPayloadInMB",
    "BatchStrategy",
    "Environment",
    "TransformResources",
    "DataCaptureConfig",
    "ExperimentConfig",
)


def describe(job: TransformJobRecord) -> dict[str, Any]:
    asked = job.request.as_asked()
    description = {
        "TransformJobName": job.name,
        "TransformJobArn": job.arn,
        "TransformJobStatus": job.status,
        "FailureReason": job.failure_reason,
        "TransformInput": {"CompressionType": "None", "SplitType": "None", **asked["TransformInput"]},
        "TransformOutput": {"AssembleWith": "None", "KmsKeyId": "", **asked["TransformOutput"]},
        "CreationTime": job.creation_time,
        "TransformStartTime": job.start_time,
        "TransformEndTime": job.end_time,
        "DataProcessing": {
            "InputFilter": "$",
            "OutputFilter": "$",
            "JoinSource": "None",
            **asked.get("DataProcessing", {}),
        },
        **{key: asked[key] for key in _AS_ASKED if key in asked},
    }
    return {key: value for key, value in description.items() if value is not None}


def summarize(job: TransformJobRecord) -> dict[str, Any]:
    """One of TransformJobSummaries."""
    summary = {
        "TransformJobName": job.name,
        "TransformJobArn": job.arn,
        "CreationTime": job.creation_time,
        "TransformEndTime": job.end_time,
        "LastModifiedTime": job.last_modified,
        "TransformJobStatus": job.status,
        "FailureReason": job.failure_reason,
    }
    return {key: value for key, value in summary.items() if value is not None}


def _taken(arn: str) -> ResourceInUse:
    return ResourceInUse(
        guessed(
            f"Job name must be unique within an AWS account and region, and a job with this name already exists ({arn})"
        )
    )


def _missing(arn: str) -> ValidationException:
    return ValidationException(guessed(f"Could not find requested job with name: {arn.rpartition('/')[2]}"))


TRANSFORM_JOB = Kind(
    record=TransformJobRecord,
    arn_kind="transform-job",
    event="Transform Job",
    listing=Listing(result_key="TransformJobSummaries", name_key="TransformJobName", status_key="TransformJobStatus"),
    describe=describe,
    summarize=summarize,
    taken=_taken,
    missing=_missing,
)
