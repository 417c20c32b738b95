"""The training job: found again by the hash of all that goes into it, or started and waited for."""

import hashlib
import json
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from aws.algorithms import Algorithm, hyperparameters, image_uri
from aws.client import Aws
from aws.config import DeploySettings
from aws.dataset import Dataset
from aws.errors import ResourceError
from aws.names import Names
from aws.report import Step
from aws.storage import upload

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
CSV = "text/csv"


@dataclass(frozen=True)
class TrainedModel:
    """What a completed training job left behind."""

    job_name: str
    image: str
    artifact: str
    metrics: dict[str, float]


def upload_data(aws: Aws, bucket: str, dataset: Dataset) -> dict[str, str]:
    """Store the rows for training and the held-out rows. Returns the SHA-256 of each."""
    return {
        "train": upload(aws, bucket, "data/train/train.csv", dataset.train_path),
        "held_out": upload(aws, bucket, "data/held-out/test.csv", dataset.test_path),
    }


def training_request(
    algorithm: Algorithm,
    settings: DeploySettings,
    *,
    region: str,
    bucket: str,
    role_arn: str,
    feature_dim: int,
) -> dict[str, Any]:
    """A CreateTrainingJob request without its name and tags.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
    """
    machine = settings.training
    return {
        "AlgorithmSpecification": {
            "TrainingImage": image_uri(algorithm.name, region),
            "TrainingInputMode": "File",
        },
        "HyperParameters": hyperparameters(algorithm, settings, feature_dim=feature_dim),
        "RoleArn": role_arn,
        "InputDataConfig": [
            _channel("train", f"s3://{bucket}/data/train/"),
            _channel(algorithm.held_out_channel, f"s3://{bucket}/data/held-out/"),
        ],
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/models"},
        "ResourceConfig": {
            "InstanceType": machine.instance_type,
            "InstanceCount": machine.instance_count,
            "VolumeSizeInGB": machine.volume_gb,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": machine.max_runtime_seconds},
    }


def _channel(name: str, uri: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "ContentType": CSV, "DataSource": {"S3DataSource": source}}


def train(
    aws: Aws, names: Names, algorithm: Algorithm, request: dict[str, Any], digests: dict[str, str], step: Step
) -> TrainedModel:
    """The model of this request and data: of the job that ran already, or of a new one.

    Raises ``ResourceError`` with the job's FailureReason and where its logs are.
    """
    fingerprint = json.dumps([request, digests], sort_keys=True).encode()
    base_name = f"{names.project}-{algorithm.name}-{hashlib.sha256(fingerprint).hexdigest()[:10]}"
    job_name = _find_or_start(aws, names, base_name, request)
    step.result = job_name
    job = _wait(aws, job_name, step)
    return TrainedModel(
        job_name=job_name,
        image=request["AlgorithmSpecification"]["TrainingImage"],
        artifact=job["ModelArtifacts"]["S3ModelArtifacts"],
        metrics={metric["MetricName"]: metric["Value"] for metric in job.get("FinalMetricDataList", [])},
    )


def _find_or_start(aws: Aws, names: Names, base_name: str, request: dict[str, Any]) -> str:
    """The name of a job for this request that is under way or has a model, else of a new one.

    The name of a job that failed, or whose model is gone, stays taken: the next attempt gets a number.
    """
    for attempt in count(1):
        job_name = base_name if attempt == 1 else f"{base_name}-{attempt}"
        job = aws.find("sagemaker", "DescribeTrainingJob", TrainingJobName=job_name)
        if job is None:
            aws.change("sagemaker", "CreateTrainingJob", TrainingJobName=job_name, Tags=names.tag_list, **request)
            return job_name
        if job["TrainingJobStatus"] == "InProgress" or _has_model(aws, job):
            return job_name
    raise AssertionError("unreachable")


def _has_model(aws: Aws, job: dict[str, Any]) -> bool:
    if job["TrainingJobStatus"] != "Completed":
        return False
    artifact = urlsplit(job["ModelArtifacts"]["S3ModelArtifacts"])
    return aws.find("s3", "HeadObject", Bucket=artifact.netloc, Key=artifact.path.lstrip("/")) is not None


def _wait(aws: Aws, job_name: str, step: Step) -> dict[str, Any]:
    job: dict[str, Any] = {}

    def is_done() -> bool:
        nonlocal job
        job = aws.find("sagemaker", "DescribeTrainingJob", TrainingJobName=job_name) or {}
        if job.get("TrainingJobStatus") not in ("InProgress", "Stopping"):
            return True
        step.show(job["SecondaryStatus"])
        return False

    # The job has its own time limit; what comes on top is finding a machine and moving the data.
    aws.wait_until(is_done, what=f"The training job {job_name}", timeout_seconds=24 * 3600)
    if job.get("TrainingJobStatus") != "Completed":
        reason = job.get("FailureReason") or f"it ended {job.get('SecondaryStatus', 'with nothing to describe')}"
        raise ResourceError(
            f"The training job {job_name} did not complete: {reason}. Its logs are in CloudWatch Logs, "
            f"group {LOG_GROUP}, streams {job_name}/..."
        )
    return job
