"""Transform jobs over the odd containers, which do as each record says."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.local.conftest import XGBOOST, Make, unique
from tests.local.odd_service import OddService

Transform = Callable[..., "Transformed"]
JOINED = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}
CSV: dict[str, Any] = {
    "source": {"ContentType": "text/csv", "SplitType": "Line"},
    "output": {"Accept": "text/csv", "AssembleWith": "Line"},
}


@dataclass(frozen=True)
class Transformed:
    """A job at its end: its description, the objects it has stored, and its lines in the data log.

    ``outputs`` are by their key below the output path; a ``log`` line has no time, and no bucket nor input prefix.
    """

    description: dict[str, Any]
    outputs: dict[str, bytes]
    log: list[str]

    @property
    def status(self) -> str:
        return str(self.description["TransformJobStatus"])

    @property
    def output(self) -> str:
        """The only object."""
        (content,) = self.outputs.values()
        return content.decode()


def wait_for_transform(describe: Callable[..., dict[str, Any]], name: str, timeout_seconds: float = 60) -> Any:
    deadline = time.monotonic() + timeout_seconds
    while True:
        job = describe(TransformJobName=name)
        if job["TransformJobStatus"] not in ("InProgress", "Stopping"):
            return job
        assert time.monotonic() < deadline, job
        time.sleep(0.05)


def read_objects(s3: Any, bucket: str, prefix: str) -> dict[str, bytes]:
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return {
        entry["Key"].removeprefix(prefix): s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
        for entry in listed
    }


def read_data_log(logs: Any, job: str) -> list[str]:
    group = "/aws/sagemaker/TransformJobs"
    try:
        streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{job}/")["logStreams"]
    except logs.exceptions.ResourceNotFoundException:  # no job has written yet
        return []
    return [
        event["message"].partition(":[sagemaker logs]: ")[2]
        for stream in streams
        if stream["logStreamName"].endswith("/data-log")
        for event in logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)[
            "events"
        ]
    ]


@pytest.fixture
def transform_request(bucket: str, put: Make) -> Callable[..., dict[str, Any]]:
    """A CreateTransformJob request over ``objects``, texts by name; keywords replace members at the top.

    ``source``, ``output`` and ``data`` add members to TransformInput, TransformOutput and DataProcessing.
    """

    def make(
        model: str,
        objects: Mapping[str, str | bytes] | str,
        *,
        source: Mapping[str, Any] = {},
        output: Mapping[str, Any] = {},
        data: Mapping[str, Any] = {},
        **members: Any,
    ) -> dict[str, Any]:
        folder = unique("in")
        for name, body in ({"data.txt": objects} if isinstance(objects, str) else objects).items():
            put(f"{folder}/{name}", body)
        s3_source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/{folder}/"}
        return {
            "TransformJobName": unique("transform"),
            "ModelName": model,
            "TransformInput": {"DataSource": {"S3DataSource": s3_source}, **source},
            "TransformOutput": {"S3OutputPath": f"s3://{bucket}/{folder}-out", **output},
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
            **({"DataProcessing": dict(data)} if data else {}),
            **members,
        }

    return make


@pytest.fixture(scope="session")
def xgboost_artifact(train: Make) -> str:
    specification = {"TrainingImage": XGBOOST, "TrainingInputMode": "File"}
    job = train(None, {"num_round": "2", "objective": "binary:logistic"}, AlgorithmSpecification=specification)
    uri: str = job["ModelArtifacts"]["S3ModelArtifacts"]
    return uri


@pytest.fixture
def finished(client: Make, bucket: str) -> Callable[..., Transformed]:
    """Waits for a job that was created by ``call`` with ``request``."""

    def finish(describe: Callable[..., dict[str, Any]], request: Mapping[str, Any]) -> Transformed:
        name = request["TransformJobName"]
        description = wait_for_transform(describe, name)
        uri = request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
        prefix = f"{request['TransformOutput']['S3OutputPath'].removeprefix(f's3://{bucket}/')}/"
        log = [line.replace(uri.removeprefix("s3://"), "") for line in read_data_log(client("logs"), name)]
        return Transformed(description, read_objects(client("s3"), bucket, prefix), log)

    return finish


@pytest.fixture
def transform(
    odd: OddService, transform_request: Callable[..., dict[str, Any]], finished: Callable[..., Transformed]
) -> Transform:
    """Runs a job over odd containers to its end. ``environment`` is the model's."""

    def run(objects: Any, *, environment: Mapping[str, str] = {}, **members: Any) -> Transformed:
        model = members.pop("model", None) or odd.model(dict(environment))
        request = transform_request(model, objects, **members)
        odd.call("CreateTransformJob", **request)
        return finished(lambda **names: odd.call("DescribeTransformJob", **names), request)

    return run


def orders(**order: Any) -> str:
    """A record that tells the container what to do."""
    return json.dumps(order)
