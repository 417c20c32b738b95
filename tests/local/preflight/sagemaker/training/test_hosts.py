"""Several hosts, checkpoints and epochs: what the built-in algorithms do not use, with scripts of our own in Docker.

The image is any with Python; the script comes in a channel of its own and is the job's ContainerEntrypoint.
"""

import io
import json
import tarfile
import time
from contextlib import closing
from typing import Any

import docker
import pytest
from botocore.exceptions import ClientError

from tests.local.conftest import Make, unique, wait_for_job
from tests.local.preflight.sagemaker.data.test_channels import channel

pytestmark = pytest.mark.docker

PRELUDE = """
import json, os, pathlib, signal, socket, sys, time
ML = pathlib.Path("/opt/ml")
resources = json.loads((ML / "input/config/resourceconfig.json").read_text())
host = resources["current_host"]
def keep(**facts):
    (ML / "model" / f"{host}.json").write_text(json.dumps(facts))
"""
RESOURCES = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5}


@pytest.fixture(scope="module")
def start(sagemaker: Any, put: Make, job_request: Make) -> Make:
    """Starts a job that runs a script over channels; returns its name."""
    image = "preflight-test/python:1"
    with closing(docker.from_env()) as engine:
        engine.images.build(fileobj=io.BytesIO(b"FROM python:3.13-slim"), tag=image, rm=True)

    def start(script: str, *channels: dict[str, Any], **members: Any) -> str:
        code = channel(put(f"{unique('code')}/train.py", PRELUDE + script), "code")
        specification = {
            "TrainingImage": f"123456789012.dkr.ecr.us-east-1.amazonaws.com/{image}",
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python3"],
            "ContainerArguments": ["/opt/ml/input/data/code/train.py"],
            **members.pop("AlgorithmSpecification", {}),
        }
        request = job_request(
            "", {}, AlgorithmSpecification=specification, InputDataConfig=[code, *channels], **members
        )
        sagemaker.create_training_job(**request)
        return str(request["TrainingJobName"])

    return start


@pytest.fixture(scope="module")
def facts(sagemaker: Any, client: Make, start: Make) -> Make:
    """Runs a script to its end; returns what each host kept, by name of the host."""

    def run(*arguments: Any, **members: Any) -> dict[str, Any]:
        job = wait_for_job(sagemaker, start(*arguments, **members))
        assert job["TrainingJobStatus"] == "Completed", job["FailureReason"]
        bucket, _, key = job["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://").partition("/")
        body = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(body)) as tar:
            return {
                member.name.removesuffix(".json"): json.load(tar.extractfile(member))  # type: ignore[arg-type]
                for member in tar
                if member.isfile()
            }

    return run


@pytest.fixture(scope="module")
def parts(put: Make) -> str:
    prefix = unique("parts")
    for name in "abc":
        uri = put(f"{prefix}/{name}", name)
    return str(uri).removesuffix("c")


def wait_for_object(client: Make, bucket: str, key: str) -> bytes:
    deadline = time.monotonic() + 60
    while True:
        try:
            return bytes(client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
        except ClientError:
            assert time.monotonic() < deadline, key
            time.sleep(0.2)


def test_each_host_gets_its_share_knows_the_others_and_adds_to_one_model(facts: Make, parts: str) -> None:
    script = """
server = socket.create_server(("", 5000))
other = next(name for name in resources["hosts"] if name != host)
while True:
    try:
        socket.create_connection((other, 5000)).sendall(host.encode())
        break
    except OSError:
        time.sleep(0.1)
heard = server.accept()[0].recv(100).decode()
names = {name: sorted(p.name for p in (ML / "input/data" / name).iterdir()) for name in ("all", "share")}
keep(resources=resources, heard=heard, **names)
"""
    share = channel(parts, "share", S3DataDistributionType="ShardedByS3Key")

    hosts = facts(script, channel(parts, "all"), share, ResourceConfig={**RESOURCES, "InstanceCount": 2})

    assert {name: host["share"] for name, host in hosts.items()} == {"algo-1": ["a", "c"], "algo-2": ["b"]}
    assert [host["all"] for host in hosts.values()] == [["a", "b", "c"]] * 2
    assert [host["resources"]["current_host"] for host in hosts.values()] == ["algo-1", "algo-2"]
    assert hosts["algo-1"]["resources"]["hosts"] == ["algo-1", "algo-2"]
    assert {name: host["heard"] for name, host in hosts.items()} == {"algo-1": "algo-2", "algo-2": "algo-1"}


def test_a_group_of_instances_gets_the_channels_that_name_it(facts: Make, parts: str) -> None:
    script = 'keep(group=resources["current_group_name"], channels=sorted(os.listdir(ML / "input/data")))'
    groups = [
        {"InstanceGroupName": name, "InstanceType": "ml.m5.large", "InstanceCount": 1} for name in ("first", "second")
    ]

    hosts = facts(
        script,
        channel(parts, "mine", InstanceGroupNames=["second"]),
        ResourceConfig={"VolumeSizeInGB": 5, "InstanceGroups": groups},
    )

    assert hosts["algo-1"] == {"group": "first", "channels": ["code"]}
    assert hosts["algo-2"] == {"group": "second", "channels": ["code", "mine"]}


def test_a_container_reads_file_for_fast_file_and_gets_no_variable_of_the_toolkits(facts: Make, parts: str) -> None:
    script = """
config = json.loads((ML / "input/config/inputdataconfig.json").read_text())
keep(fast=config["fast"], toolkit=[name for name in os.environ if name.startswith("SM_")])
"""
    kept = facts(script, channel(parts, "fast", InputMode="FastFile"))["algo-1"]

    assert kept["fast"] == {
        "ContentType": "text/csv",
        "TrainingInputMode": "File",
        "S3DistributionType": "FullyReplicated",
        "RecordWrapperType": "None",
    }
    assert kept["toolkit"] == []


def test_one_failing_host_fails_the_job_and_stops_the_others(sagemaker: Any, start: Make) -> None:
    script = """
print("ready", host, flush=True)
if host == "algo-2":
    (ML / "output/failure").write_text("the second broke")
    sys.exit(3)
time.sleep(3600)
"""
    name = start(script, ResourceConfig={**RESOURCES, "InstanceCount": 2})

    job = wait_for_job(sagemaker, name)

    assert [t["Status"] for t in job["SecondaryStatusTransitions"]][-2:] == ["Uploading", "Failed"]
    assert (job["TrainingJobStatus"], job["FailureReason"]) == (
        "Failed",
        "AlgorithmError: the second broke, exit code: 3",
    )


def test_a_failed_jobs_output_is_kept(sagemaker: Any, client: Make, bucket: str, start: Make) -> None:
    name = start('(ML / "output/data/why").write_text("see here"); keep(half=1); sys.exit(1)')
    wait_for_job(sagemaker, name)

    for archive, member in (("output.tar.gz", "why"), ("model.tar.gz", "algo-1.json")):
        with tarfile.open(
            fileobj=io.BytesIO(wait_for_object(client, bucket, f"output/{name}/output/{archive}"))
        ) as tar:
            assert tar.getnames() == [member]


def test_each_host_has_a_log_stream(sagemaker: Any, client: Make, start: Make) -> None:
    name = start('print("I am", host, flush=True)', ResourceConfig={**RESOURCES, "InstanceCount": 2})
    wait_for_job(sagemaker, name)

    logs = client("logs")
    group = "/aws/sagemaker/TrainingJobs"
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
    lines = [
        logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"][0]["message"]
        for stream in streams
    ]
    assert lines == ["I am algo-1", "I am algo-2"]


def test_each_epoch_is_a_pipe_of_its_own_and_can_be_shuffled(facts: Make, parts: str) -> None:
    script = """
def read(name, epoch):
    pipe = ML / "input/data" / f"{name}_{epoch}"
    while not pipe.exists():
        time.sleep(0.01)
    return pipe.read_text()
keep(plain=[read("plain", epoch) for epoch in range(3)], mixed=[read("mixed", epoch) for epoch in range(8)])
"""
    mixed = channel(parts, "mixed", InputMode="Pipe", ShuffleConfig={"Seed": 1})

    kept = facts(script, channel(parts, "plain", InputMode="Pipe"), mixed)["algo-1"]

    assert kept["plain"] == ["abc"] * 3
    assert {"".join(sorted(epoch)) for epoch in kept["mixed"]} == {"abc"}
    assert len(set(kept["mixed"])) > 1


def test_checkpoints_come_from_s3_go_there_while_the_job_runs_and_at_its_end(
    sagemaker: Any, client: Make, put: Make, bucket: str, start: Make
) -> None:
    script = """
folder = pathlib.Path(json.loads((ML / "input/config/checkpointconfig.json").read_text())["LocalPath"])
def last(*_):
    (folder / "deep/last").write_text("last")
    sys.exit(0)
signal.signal(signal.SIGTERM, last)
(folder / "deep").mkdir()
(folder / "half.sagemaker-ignore").write_text("not whole yet")
(folder / "deep/first").write_text("after " + (folder / "old").read_text())
while True:
    time.sleep(0.1)
"""
    prefix = unique("checkpoints")
    put(f"{prefix}/old", "before")
    put(f"{prefix}-other/old", "not this")

    name = start(script, CheckpointConfig={"S3Uri": f"s3://{bucket}/{prefix}"})

    assert wait_for_object(client, bucket, f"{prefix}/deep/first") == b"after before"
    sagemaker.stop_training_job(TrainingJobName=name)
    assert wait_for_job(sagemaker, name)["TrainingJobStatus"] == "Stopped"
    assert wait_for_object(client, bucket, f"{prefix}/deep/last") == b"last"
    kept = client("s3").list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/")["Contents"]
    assert {entry["Key"] for entry in kept} == {f"{prefix}/{name}" for name in ("old", "deep/first", "deep/last")}


@pytest.mark.parametrize("folder", ["checkpoints", "model"])
def test_a_file_whose_name_cannot_be_a_key_fails_the_job(
    sagemaker: Any, client: Make, bucket: str, start: Make, folder: str
) -> None:
    script = f"""
(ML / "{folder}" / "good").write_text("good")
open(b"/opt/ml/{folder}/bad\\xff", "w").close()
"""
    output = {"S3OutputPath": f"s3://{bucket}/{unique('names')}", "CompressionType": "NONE"}
    checkpoints = f"{unique('names')}/"

    name = start(script, OutputDataConfig=output, CheckpointConfig={"S3Uri": f"s3://{bucket}/{checkpoints}"})
    job = wait_for_job(sagemaker, name)

    assert job["FailureReason"].startswith("ClientError: Artifact upload failed:")
    assert "is not UTF-8" in job["FailureReason"]
    if folder == "checkpoints":
        assert client("s3").get_object(Bucket=bucket, Key=f"{checkpoints}good")["Body"].read() == b"good"


def test_tensorboard_output_goes_to_s3(sagemaker: Any, client: Make, bucket: str, start: Make) -> None:
    script = """
(ML / "output/tensorboard").mkdir(parents=True, exist_ok=True)
(ML / "output/tensorboard/events").write_text("seen")
"""
    name = start(script, TensorBoardOutputConfig={"S3OutputPath": f"s3://{bucket}/boards"})
    wait_for_job(sagemaker, name)

    assert wait_for_object(client, bucket, f"boards/{name}/tensorboard-output/events") == b"seen"


@pytest.mark.parametrize("expression", ["(zzz)?.*", "((\\S+\\s*)+)+\x01"])
def test_no_metric_definition_can_hold_up_a_job(sagemaker: Any, start: Make, expression: str) -> None:
    definitions = [{"Name": "own", "Regex": expression}, {"Name": "loss", "Regex": "loss=(.*)"}]
    script = 'print("some words " * 40, flush=True); print("loss=0.5", flush=True)'

    job = wait_for_job(sagemaker, start(script, AlgorithmSpecification={"MetricDefinitions": definitions}))

    assert {m["MetricName"]: m["Value"] for m in job["FinalMetricDataList"]}["loss"] == 0.5
