"""data_prep over several machines: two processing jobs, found again by the hash of all that goes into them.

The first counts what each part of the table holds; the second encodes each part by the medians of all. Their hosts
share the parts out by their keys. https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingS3Input.html
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws.client import Aws
from aws.config import PrepareSettings
from aws.names import Names
from aws.report import Step
from aws.steps.jobs import PROCESSING, find_or_start, wait_until_completed
from aws.steps.storage import DATA_PREFIX, PREPARE_PREFIX, file_digest, upload

INPUT, OUTPUT = "/opt/ml/processing/input", "/opt/ml/processing/output"
GATHER, ENCODE = "gather", "encode"


@dataclass(frozen=True)
class Preparation:
    """Where in S3 the jobs find what they read, and the machines that they run on."""

    table: str
    parts: str
    description: str
    program: str
    image: str
    role_arn: str
    machine: PrepareSettings
    instances: int


def upload_parts(aws: Aws, names: Names, table: Path, parts: Sequence[Path]) -> str:
    """The parts of a table, below a prefix that has nothing else. Returns its URI."""
    prefix = f"{DATA_PREFIX}parts/{file_digest(table)[:16]}-{len(parts)}/"
    for part in parts:
        upload(aws, names.bucket, f"{prefix}{part.name}", part)
    return f"s3://{names.bucket}/{prefix}"


def gather(aws: Aws, names: Names, preparation: Preparation, step: Step) -> str:
    """Have the parts' values counted. Returns where the counts are; raises ``ResourceError`` with the job's reason."""
    return _run(aws, names, preparation, GATHER, "gathered", "part-00000.json", {}, step)


def encode(aws: Aws, names: Names, preparation: Preparation, gathered: str, step: Step) -> str:
    """Have the parts encoded. Returns where the results are; raises ``ResourceError`` with the job's reason."""
    return _run(aws, names, preparation, ENCODE, "made", "schema.json", {"gathered": gathered}, step)


def _run(
    aws: Aws,
    names: Names,
    preparation: Preparation,
    stage: str,
    output: str,
    proof: str,
    inputs: dict[str, str],
    step: Step,
) -> str:
    request = _request(preparation, stage, inputs)
    fingerprint = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()[:10]
    folder = f"{PREPARE_PREFIX}{stage}-{fingerprint}"
    uri = f"s3://{names.bucket}/{folder}"
    where = {"S3Uri": uri, "LocalPath": f"{OUTPUT}/{output}", "S3UploadMode": "EndOfJob"}
    request["ProcessingOutputConfig"] = {"Outputs": [{"OutputName": output, "S3Output": where}]}
    job_name = step.result = find_or_start(
        aws,
        names,
        PROCESSING,
        f"{names.project}-{stage}-{fingerprint}",
        request,
        has_result=lambda job: aws.find("s3", "HeadObject", Bucket=names.bucket, Key=f"{folder}/{proof}") is not None,
        result="result",
        why="no job has done so with this table, description and machines",
    )
    wait_until_completed(aws, PROCESSING, job_name, step)
    return uri


def _request(preparation: Preparation, stage: str, more: dict[str, str]) -> dict[str, Any]:
    """A CreateProcessingJob request without its name, tags and output."""
    machine = preparation.machine
    whole = {"code": preparation.program, "description": preparation.description, "parts": preparation.parts, **more}
    shared = _input("table", preparation.table, "ShardedByS3Key")
    cluster = {
        "InstanceType": machine.instance_type,
        "InstanceCount": preparation.instances,
        "VolumeSizeInGB": machine.volume_gb,
    }
    return {
        "ProcessingResources": {"ClusterConfig": cluster},
        "AppSpecification": {
            "ImageUri": preparation.image,
            "ContainerEntrypoint": ["python3", f"{INPUT}/code/data_prep.zip", stage],
        },
        "ProcessingInputs": [shared, *(_input(name, uri, "FullyReplicated") for name, uri in whole.items())],
        "RoleArn": preparation.role_arn,
        "StoppingCondition": {"MaxRuntimeInSeconds": machine.max_runtime_seconds},
    }


def _input(name: str, uri: str, distribution: str) -> dict[str, Any]:
    where = {
        "S3Uri": uri,
        "LocalPath": f"{INPUT}/{name}",
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
        "S3DataDistributionType": distribution,
    }
    return {"InputName": name, "S3Input": where}
