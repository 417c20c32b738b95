"""The transform job of a file: found again by the hash of all that goes into it, or started and waited for.

A file is one of data_prep's: the label, then the features. The model gets the features; its answer is joined with the
whole row. https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html
"""

import csv
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws.client import Aws
from aws.config import BatchSettings
from aws.errors import InputError
from aws.names import Names
from aws.report import Step
from aws.steps.algorithms import Algorithm
from aws.steps.jobs import TRANSFORM, find_or_start, wait_until_completed
from aws.steps.storage import BATCH_PREFIX, file_digest, upload

ROWS = "rows"  # what the object is called; its folder tells its content
CSV = "text/csv"
# The first column is not for the model. Where AWS joins no CSV, the row is an object of the same parts.
INPUT_FILTERS = {CSV: "$[1:]", "application/jsonlines": "$.row"}


@dataclass(frozen=True)
class Batch:
    """What is to be scored: ``path`` holds the rows in ``content_type``, by the model of that name."""

    path: Path
    content_type: str
    model_name: str
    bucket: str


def written_for(algorithm: Algorithm, file: Path, folder: Path) -> Path:
    """``file`` in the type that the algorithm's answers can be joined with: itself, or made of it in ``folder``.

    Raises:
        InputError: it cannot be read, or a row has no features.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f"{file.name}.jsonl"
    try:
        if algorithm.batch_type == CSV:
            with file.open(newline="", encoding="utf-8-sig") as rows:
                [float(value) for value in next(csv.reader(rows), ["an empty file"])]  # the model reads the others
            return file
        with file.open(newline="", encoding="utf-8-sig") as rows, made.open("w", encoding="utf-8") as lines:
            for label, *features in csv.reader(rows):
                record = {"label": float(label), "row": {"features": [float(value) for value in features]}}
                lines.write(f"{json.dumps(record)}\n")
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(
            f"{file} cannot be read as rows of numbers, a label and its features ({error}); "
            "`python -m data_prep` writes such as test_aws.csv."
        ) from error
    return made


def transform(aws: Aws, names: Names, algorithm: Algorithm, batch: Batch, machine: BatchSettings, step: Step) -> str:
    """Have the rows scored, and return the key of the result in the bucket: by the job that did so, or a new one.

    Raises ``ResourceError`` with the job's FailureReason and its last log lines.
    """
    key = f"{BATCH_PREFIX}in/{file_digest(batch.path)}/{ROWS}"
    upload(aws, batch.bucket, key, batch.path)
    request = _request(batch, machine, key)
    fingerprint = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()[:10]
    base_name = f"{names.project}-{algorithm.name}-{fingerprint}"
    folder = f"{BATCH_PREFIX}out/{fingerprint}"
    request["TransformOutput"]["S3OutputPath"] = f"s3://{batch.bucket}/{folder}"
    result = f"{folder}/{ROWS}.out"
    job_name = step.result = find_or_start(
        aws,
        names,
        TRANSFORM,
        base_name,
        request,
        has_result=lambda job: aws.find("s3", "HeadObject", Bucket=batch.bucket, Key=result) is not None,
        result="result",
        why="no job has scored these rows with this model and machine",
    )
    wait_until_completed(aws, TRANSFORM, job_name, step)
    return result


def _request(batch: Batch, machine: BatchSettings, key: str) -> dict[str, Any]:
    """A CreateTransformJob request without its name, tags and place of output.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html
    """
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{batch.bucket}/{key}"}
    return {
        "ModelName": batch.model_name,
        "BatchStrategy": "MultiRecord",
        "TransformInput": {
            "DataSource": {"S3DataSource": source},
            "ContentType": batch.content_type,
            "SplitType": "Line",
        },
        "TransformOutput": {"Accept": batch.content_type, "AssembleWith": "Line"},
        "TransformResources": {"InstanceType": machine.instance_type, "InstanceCount": machine.instance_count},
        "DataProcessing": {"InputFilter": INPUT_FILTERS[batch.content_type], "JoinSource": "Input"},
    }
