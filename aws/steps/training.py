"""The training job: found again by the hash of all that goes into it, or started and waited for."""

import hashlib
import json
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from aws.client import Aws
from aws.dataset import Dataset
from aws.errors import ResourceError
from aws.names import Names
from aws.report import Step
from aws.steps.algorithms import Algorithm, hyperparameters
from aws.steps.logs import TRAINING_GROUP, last_lines
from aws.steps.storage import DATA_PREFIX, MODELS_PREFIX, upload
from aws.wanted import Wanted

CSV = "text/csv"
TRAIN_PREFIX = f"{DATA_PREFIX}train/"
HELD_OUT_PREFIX = f"{DATA_PREFIX}held-out/"
# The job has its own time limit; what comes on top is finding a machine and moving the data.
JOB_TIMEOUT_SECONDS = 24 * 3600
STOP_TIMEOUT_SECONDS = 1800
CHANGING = ("InProgress", "Stopping")


@dataclass(frozen=True)
class TrainedModel:
    """What a completed training job left behind."""

    job_name: str
    image: str
    environment: dict[str, str]
    artifact: str
    metrics: dict[str, float]


def upload_data(aws: Aws, bucket: str, dataset: Dataset) -> dict[str, str]:
    """Store the rows for training and the held-out rows. Returns the SHA-256 of each."""
    return {
        "train": upload(aws, bucket, f"{TRAIN_PREFIX}train.csv", dataset.train_path),
        "held_out": upload(aws, bucket, f"{HELD_OUT_PREFIX}test.csv", dataset.test_path),
    }


def training_request(wanted: Wanted, *, image: str, bucket: str, role_arn: str) -> dict[str, Any]:
    """A CreateTrainingJob request without its name and tags.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
    """
    algorithm, machine = wanted.algorithm, wanted.settings.training
    request: dict[str, Any] = {
        "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
        "HyperParameters": hyperparameters(algorithm, wanted.settings, feature_dim=wanted.dataset.feature_dim),
        "RoleArn": role_arn,
        "InputDataConfig": [
            _channel("train", f"s3://{bucket}/{TRAIN_PREFIX}"),
            _channel(algorithm.held_out_channel, f"s3://{bucket}/{HELD_OUT_PREFIX}"),
        ],
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/{MODELS_PREFIX.rstrip('/')}"},
        "ResourceConfig": {
            "InstanceType": machine.instance_type,
            "InstanceCount": machine.instance_count,
            "VolumeSizeInGB": machine.volume_gb,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": machine.max_runtime_seconds},
    }
    if algorithm.environment:
        request["Environment"] = dict(algorithm.environment)
    return request


def _channel(name: str, uri: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "ContentType": CSV, "DataSource": {"S3DataSource": source}}


def train(
    aws: Aws, names: Names, algorithm: Algorithm, request: dict[str, Any], digests: dict[str, str], step: Step
) -> TrainedModel:
    """The model of this request and data: of the job that ran already, or of a new one.

    Raises ``ResourceError`` with the job's FailureReason and its last log lines.
    """
    fingerprint = json.dumps([request, digests], sort_keys=True).encode()
    base_name = f"{names.project}-{algorithm.name}-{hashlib.sha256(fingerprint).hexdigest()[:10]}"
    job_name = _find_or_start(aws, names, base_name, request)
    step.result = job_name
    job = aws.wait(
        "sagemaker",
        "DescribeTrainingJob",
        lambda job: _is_completed(aws, job_name, job, step),
        what=f"The training job {job_name}",
        timeout_seconds=JOB_TIMEOUT_SECONDS,
        TrainingJobName=job_name,
    )
    return TrainedModel(
        job_name=job_name,
        image=request["AlgorithmSpecification"]["TrainingImage"],
        environment=request.get("Environment", {}),
        artifact=job["ModelArtifacts"]["S3ModelArtifacts"],
        metrics={metric["MetricName"]: metric["Value"] for metric in job.get("FinalMetricDataList", [])},
    )


def _find_or_start(aws: Aws, names: Names, base_name: str, request: dict[str, Any]) -> str:
    """The name of a job for this request that is under way or has a model, else of a new one.

    The name of a job that failed, or whose model is gone, stays taken: the next attempt gets a number.
    """
    why = "no job has run with this data, machine and these hyperparameters"
    for attempt in count(1):
        job_name = base_name if attempt == 1 else f"{base_name}-{attempt}"
        job = aws.find("sagemaker", "DescribeTrainingJob", TrainingJobName=job_name)
        if job is None:
            parameters = {"TrainingJobName": job_name, "Tags": names.tag_list, **request}
            aws.change("sagemaker", "CreateTrainingJob", why=why, **parameters)
            return job_name
        if job["TrainingJobStatus"] == "InProgress" or _has_model(aws, job):
            return job_name
        why = f"{job_name} is {job['TrainingJobStatus']} and has no model"
    raise AssertionError("unreachable")


def _has_model(aws: Aws, job: dict[str, Any]) -> bool:
    if job["TrainingJobStatus"] != "Completed":
        return False
    artifact = urlsplit(job["ModelArtifacts"]["S3ModelArtifacts"])
    return aws.find("s3", "HeadObject", Bucket=artifact.netloc, Key=artifact.path.lstrip("/")) is not None


def _is_completed(aws: Aws, job_name: str, job: dict[str, Any], step: Step) -> bool:
    if job.get("TrainingJobStatus") in CHANGING:
        step.show(job["SecondaryStatus"])
        return False
    if job.get("TrainingJobStatus") == "Completed":
        return True
    reason = job.get("FailureReason") or f"it ended {job.get('SecondaryStatus', 'with nothing to describe')}"
    raise ResourceError(
        f"The training job {job_name} did not complete: {reason}. Its logs are in CloudWatch Logs, "
        f"group {TRAINING_GROUP}, streams {job_name}/...{last_lines(aws, TRAINING_GROUP, f'{job_name}/')}"
    )


def stop_job(aws: Aws, job_name: str, step: Step) -> None:
    """End a running job, and return when it has ended; its record stays with SageMaker and costs nothing."""
    job = aws.find("sagemaker", "DescribeTrainingJob", TrainingJobName=job_name) or {}
    if job.get("TrainingJobStatus") == "InProgress":
        aws.change("sagemaker", "StopTrainingJob", TrainingJobName=job_name)
    step.show("Stopping")
    aws.wait(
        "sagemaker",
        "DescribeTrainingJob",
        lambda job: job.get("TrainingJobStatus") not in CHANGING,
        what=f"The training job {job_name}",
        timeout_seconds=STOP_TIMEOUT_SECONDS,
        TrainingJobName=job_name,
    )
