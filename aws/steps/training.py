"""The training job: found again by the hash of all that goes into it, or started and waited for."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from aws.client import Aws
from aws.dataset import Dataset
from aws.names import Names
from aws.report import Step
from aws.steps.algorithms import Algorithm, hyperparameters
from aws.steps.jobs import TRAINING, find_or_start, wait_until_completed
from aws.steps.storage import DATA_PREFIX, MODELS_PREFIX, upload
from aws.wanted import Wanted

CSV = "text/csv"
TRAIN_PREFIX = f"{DATA_PREFIX}train/"
HELD_OUT_PREFIX = f"{DATA_PREFIX}held-out/"


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
        "HyperParameters": hyperparameters(algorithm, wanted.settings, wanted.dataset),
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
    job_name = step.result = find_or_start(
        aws,
        names,
        TRAINING,
        base_name,
        request,
        has_result=lambda job: _has_model(aws, job),
        result="model",
        why="no job has run with this data, machine and these hyperparameters",
    )
    job = wait_until_completed(aws, TRAINING, job_name, step)
    return TrainedModel(
        job_name=job_name,
        image=request["AlgorithmSpecification"]["TrainingImage"],
        environment=request.get("Environment", {}),
        artifact=job["ModelArtifacts"]["S3ModelArtifacts"],
        metrics={metric["MetricName"]: metric["Value"] for metric in job.get("FinalMetricDataList", [])},
    )


def _has_model(aws: Aws, job: dict[str, Any]) -> bool:
    artifact = urlsplit(job["ModelArtifacts"]["S3ModelArtifacts"])
    return aws.find("s3", "HeadObject", Bucket=artifact.netloc, Key=artifact.path.lstrip("/")) is not None
