"""Processing jobs that run a script: as processes by the program of a built-in algorithm's image, or in Docker."""

import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import docker
import pytest

from tests.local.conftest import XGBOOST, Make, unique

ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
PYTHON_IMAGE = "preflight-processing-python:1"
DOCKERFILE = b'FROM python:3.13-slim\nENTRYPOINT ["echo", "from the image:"]\nCMD ["its own words"]\n'

# The script finds /opt/ml where it is: a process may see it elsewhere.
COMMAND = ["bash", "-c", 'exec python3 "${SAGEMAKER_BASE_DIR:-/opt/ml}/processing/code/script.py" "$@"', "bash"]
PRELUDE = """
import json, os, pathlib, signal, sys, time
ML = pathlib.Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
OUT = ML / "processing/out"
host = json.loads((ML / "config/resourceconfig.json").read_text())["current_host"]
def keep(**facts):
    (OUT / f"{host}.json").write_text(json.dumps(facts))
def say(message):
    (ML / "output/message").write_text(message)
def names(path):
    return sorted(str(p.relative_to(ML / path)) for p in (ML / path).rglob("*") if p.is_file())
"""


def s3_input(uri: str, name: str = "data", **members: Any) -> dict[str, Any]:
    source = {"S3Uri": uri, "LocalPath": f"/opt/ml/processing/{name}", "S3DataType": "S3Prefix", **members}
    return {"InputName": name, "S3Input": source}


def s3_output(uri: str, name: str = "out", mode: str = "EndOfJob") -> dict[str, Any]:
    target = {"S3Uri": uri, "LocalPath": f"/opt/ml/processing/{name}", "S3UploadMode": mode}
    return {"OutputName": name, "S3Output": target}


def cluster(count: int = 1) -> dict[str, Any]:
    return {"ClusterConfig": {"InstanceCount": count, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}}


@pytest.fixture(scope="session")
def python_image() -> str:
    """The URI of an image with Python and a command of its own, which runs in Docker."""
    return build_python_image()


def build_python_image() -> str:
    with closing(docker.from_env()) as engine:
        engine.images.build(fileobj=io.BytesIO(DOCKERFILE), tag=PYTHON_IMAGE, rm=True)
    return f"{ECR}/{PYTHON_IMAGE}"


@pytest.fixture(
    params=[
        pytest.param("process", id=pytest.HIDDEN_PARAM),
        pytest.param("docker", id="docker", marks=pytest.mark.docker),
    ]
)
def image(request: pytest.FixtureRequest) -> str:
    """An image that has Python: one that is run as a process, and one that is run in Docker."""
    return str(request.getfixturevalue("python_image")) if request.param == "docker" else XGBOOST


@pytest.fixture(scope="session")
def request_for(role: str, bucket: str, put: Make) -> Make:
    """A CreateProcessingJob request that runs a script; its output goes below ``<bucket>/<job>/``."""

    def make(script: str = "", *inputs: dict[str, Any], image: str = XGBOOST, **members: Any) -> dict[str, Any]:
        name = unique("processing")
        code = s3_input(put(f"{name}/code/script.py", PRELUDE + script), "code")
        return {
            "ProcessingJobName": name,
            "ProcessingInputs": [code, *inputs],
            "ProcessingOutputConfig": {"Outputs": [s3_output(f"s3://{bucket}/{name}/out")]},
            "ProcessingResources": cluster(),
            "AppSpecification": {"ImageUri": image, "ContainerEntrypoint": COMMAND},
            "RoleArn": role,
        } | members

    return make


@pytest.fixture
def start(sagemaker: Any, request_for: Make) -> Iterator[Make]:
    """Starts a job that runs a script; returns its name. It has ended when the test has."""
    started: list[str] = []

    def start(*arguments: Any, **members: Any) -> str:
        request = request_for(*arguments, **members)
        sagemaker.create_processing_job(**request)
        started.append(request["ProcessingJobName"])
        return started[-1]

    yield start
    for name in started:
        if sagemaker.describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"] == "InProgress":
            sagemaker.stop_processing_job(ProcessingJobName=name)
        wait_for_processing(sagemaker, name)


@pytest.fixture
def process(sagemaker: Any, start: Make) -> Make:
    """Runs a script to its job's end; returns the job's description."""
    return lambda *arguments, **members: wait_for_processing(sagemaker, start(*arguments, **members))


@pytest.fixture
def facts(process: Make, output: Make) -> Make:
    """Runs a script that must succeed; returns what each host kept, by name of the host."""

    def run(*arguments: Any, **members: Any) -> dict[str, Any]:
        job = process(*arguments, **members)
        assert job["ProcessingJobStatus"] == "Completed", job["FailureReason"]
        return {name.removesuffix(".json"): json.loads(body) for name, body in output(job["ProcessingJobName"]).items()}

    return run


@pytest.fixture(scope="session")
def output(client: Make, bucket: str) -> Callable[[str], dict[str, bytes]]:
    """What a job has left below ``<bucket>/<job>/out/``, by name."""

    def read(name: str) -> dict[str, bytes]:
        s3, prefix = client("s3"), f"{name}/out/"
        keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())]
        return {key.removeprefix(prefix): s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    return read


def wait_for_processing(sagemaker: Any, name: str, timeout_seconds: float = 120) -> dict[str, Any]:
    deadline = time.monotonic() + timeout_seconds
    while True:
        job: dict[str, Any] = sagemaker.describe_processing_job(ProcessingJobName=name)
        if job["ProcessingJobStatus"] not in ("InProgress", "Stopping"):
            return job
        assert time.monotonic() < deadline, job
        time.sleep(0.05)


def log_of(client: Make, job: str) -> dict[str, list[str]]:
    """The lines of a job's log, by stream."""
    logs, group = client("logs"), "/aws/sagemaker/ProcessingJobs"
    try:
        streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{job}/")["logStreams"]
    except logs.exceptions.ResourceNotFoundException:  # nobody has written yet
        return {}
    return {
        (name := stream["logStreamName"]): [
            event["message"] for event in logs.get_log_events(logGroupName=group, logStreamName=name)["events"]
        ]
        for stream in streams
    }
