"""Jobs on several hosts, as processes of one machine that know each other by name."""

import io
import json
import tarfile
from typing import Any

import numpy as np
import pytest
import xgboost

from preflight.sagemaker.launching.framework_images import framework_images
from preflight.sagemaker.launching.process.private_folders import private_folders
from tests.local.conftest import Make, unique, wait_for_job

ACCOUNT = "683313688378.dkr.ecr.us-east-1.amazonaws.com"
XGBOOST = f"{ACCOUNT}/sagemaker-xgboost:3.2-0"
RESOURCES = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 5}

pytestmark = pytest.mark.skipif(bool(private_folders().problem), reason=private_folders().problem)
needs_script_mode = pytest.mark.skipif(
    not next(each for each in framework_images() if each.name == "xgboost:3.2-0").has_python, reason="no Python 3.12"
)

# Each host has rows of one label only: a model that knows both has been trained by both.
SCRIPT = """
import json, os, numpy, xgboost
from sagemaker_xgboost_container.distributed import rabit_run, wait_hostname_resolution

def train(rows, is_master):
    matrix = xgboost.QuantileDMatrix(rows[:, 1:], label=rows[:, 0])
    booster = xgboost.train({"objective": "binary:logistic"}, matrix, num_boost_round=3)
    if is_master:
        booster.save_model(os.path.join(os.environ["SM_MODEL_DIR"], "xgboost-model"))

if __name__ == "__main__":
    hosts = json.loads(os.environ["SM_HOSTS"])
    wait_hostname_resolution(hosts)
    folder = os.environ["SM_CHANNEL_TRAIN"]
    rows = numpy.vstack([numpy.loadtxt(os.path.join(folder, name), delimiter=",") for name in os.listdir(folder)])
    rabit_run(train, {"rows": rows}, True, hosts, os.environ["SM_CURRENT_HOST"], update_rabit_args=True)
"""
NAMES = """
import os, socket
from pathlib import Path
host = socket.gethostname()
addresses = {name: socket.gethostbyname(name) for name in ("algo-1", "algo-2")}
if host == "algo-1":
    with socket.create_server(("algo-1", 7777)) as server:
        server.settimeout(60)
        said = server.accept()[0].makefile().read()
else:
    while True:
        try:
            with socket.create_connection(("algo-1", 7777), timeout=60) as connection:
                connection.sendall(host.encode())
            break
        except ConnectionRefusedError:
            pass
    said = "algo-1 has taken it"
Path("/opt/ml/processing/output", host).write_text(f"{said} {len(set(addresses.values()))}")
"""


def rows_of(label: int) -> str:
    return "\n".join(f"{label},{label * 4 + place % 3},{place % 5}" for place in range(200))


@pytest.fixture(scope="module")
def parts(put: Make) -> list[dict[str, Any]]:
    """A channel whose two objects go to one host each."""
    prefix = unique("parts")
    uris = [put(f"{prefix}/{label}.csv", rows_of(label)) for label in (0, 1)]
    source = {"S3DataType": "S3Prefix", "S3Uri": uris[0].rpartition("/")[0], "S3DataDistributionType": "ShardedByS3Key"}
    return [{"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}]


def scores(client: Make, job: dict[str, Any]) -> list[float]:
    """What the job's model says of a row of each label."""
    assert job["TrainingJobStatus"] == "Completed", job["FailureReason"]
    bucket, _, key = job["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://").partition("/")
    body = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        member = tar.extractfile("xgboost-model")
        assert member is not None
        booster = xgboost.Booster(model_file=bytearray(member.read()))
    predicted: list[float] = booster.predict(xgboost.DMatrix(np.array([[1.0, 1.0], [5.0, 1.0]]))).tolist()
    return predicted


def log_of(client: Make, job: dict[str, Any], host: str) -> list[str]:
    logs, group = client("logs"), "/aws/sagemaker/TrainingJobs"
    [stream] = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{job['TrainingJobName']}/{host}-")[
        "logStreams"
    ]
    events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)
    return [event["message"] for event in events["events"]]


def test_the_built_in_trains_one_model_on_what_its_hosts_have(
    train: Make, client: Make, parts: list[dict[str, Any]]
) -> None:
    specification = {"TrainingImage": XGBOOST, "TrainingInputMode": "File"}
    hyperparameters = {"num_round": "3", "objective": "binary:logistic"}

    job = train(
        None,
        hyperparameters,
        AlgorithmSpecification=specification,
        InputDataConfig=parts,
        ResourceConfig=RESOURCES,
    )

    no, yes = scores(client, job)
    assert no < 0.5 < yes
    figures = [[line for line in log_of(client, job, host) if "train-logloss" in line] for host in ("algo-1", "algo-2")]
    assert [len(lines) for lines in figures] == [3, 0]


def test_a_host_without_rows_takes_no_part_and_without_any_the_job_fails(
    train: Make, client: Make, put: Make, parts: list[dict[str, Any]]
) -> None:
    specification = {"TrainingImage": XGBOOST, "TrainingInputMode": "File"}
    hyperparameters = {"num_round": "2", "objective": "binary:logistic"}

    def run(*objects: str) -> dict[str, Any]:
        prefix = unique("share")
        uris = [put(f"{prefix}/{number}.csv", rows) for number, rows in enumerate(objects)]
        source = parts[0]["DataSource"]["S3DataSource"] | {"S3Uri": uris[0].rpartition("/")[0]}
        channel = parts[0] | {"DataSource": {"S3DataSource": source}}
        members = {"AlgorithmSpecification": specification, "ResourceConfig": RESOURCES, "InputDataConfig": [channel]}
        job: dict[str, Any] = train(None, hyperparameters, **members)
        return job

    no, yes = scores(client, run(f"{rows_of(0)}\n{rows_of(1)}", ""))
    assert no < 0.5 < yes
    failed = run("", "")
    assert failed["FailureReason"].startswith("AlgorithmError: No hosts received training data.")


@needs_script_mode
def test_a_script_of_xgboosts_trains_one_model_on_its_hosts(
    sagemaker: Any, client: Make, put: Make, job_request: Make, parts: list[dict[str, Any]]
) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        entry = tarfile.TarInfo("train.py")
        entry.size = len(SCRIPT)
        tar.addfile(entry, io.BytesIO(SCRIPT.encode()))
    source = put(f"{unique('source')}/sourcedir.tar.gz", buffer.getvalue())
    request = job_request(
        None,
        {"sagemaker_program": '"train.py"', "sagemaker_submit_directory": json.dumps(source)},
        AlgorithmSpecification={"TrainingImage": XGBOOST, "TrainingInputMode": "File"},
        InputDataConfig=parts,
        ResourceConfig=RESOURCES,
    )
    sagemaker.create_training_job(**request)

    no, yes = scores(client, wait_for_job(sagemaker, request["TrainingJobName"], timeout_seconds=400))

    assert no < 0.5 < yes


@needs_script_mode
def test_the_hosts_of_a_processing_job_reach_each_other_by_name(
    sagemaker: Any, client: Make, bucket: str, put: Make, role: str
) -> None:
    name = unique("names")
    code = {"S3Uri": put(f"{name}-code/names.py", NAMES), "LocalPath": "/opt/ml/processing/input/code"}
    target = {"S3Uri": f"s3://{bucket}/{name}", "LocalPath": "/opt/ml/processing/output", "S3UploadMode": "EndOfJob"}
    sagemaker.create_processing_job(
        ProcessingJobName=name,
        ProcessingResources={"ClusterConfig": RESOURCES},
        AppSpecification={
            "ImageUri": XGBOOST,
            "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/names.py"],
        },
        ProcessingInputs=[{"InputName": "code", "S3Input": {**code, "S3DataType": "S3Prefix", "S3InputMode": "File"}}],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "said", "S3Output": target}]},
        RoleArn=role,
    )
    sagemaker.get_waiter("processing_job_completed_or_stopped").wait(
        ProcessingJobName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 200}
    )

    said = [client("s3").get_object(Bucket=bucket, Key=f"{name}/algo-{n}")["Body"].read() for n in (1, 2)]
    assert said == [b"algo-2 2", b"algo-1 has taken it 2"]
