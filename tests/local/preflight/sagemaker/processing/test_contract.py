"""What a container is given and what becomes of what it leaves, as a process and in Docker.

https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
"""

import gzip
import json
import time
from typing import Any

import pytest

from tests.local.conftest import XGBOOST, Make, unique
from tests.local.preflight.sagemaker.processing.conftest import (
    COMMAND,
    cluster,
    log_of,
    s3_input,
    s3_output,
    wait_for_processing,
)


@pytest.fixture(scope="module")
def parts(put: Make) -> str:
    """The prefix of three objects, one of them deeper."""
    prefix = unique("parts")
    for name in ("a.txt", "b.txt", "deep/c.txt"):
        uri = put(f"{prefix}/{name}", name)
    return str(uri).removesuffix("/deep/c.txt")


CONFIGURATION = 'keep(**{p.stem: json.loads(p.read_text()) for p in (ML / "config").iterdir()})'


def test_a_container_is_told_its_job_with_null_for_what_is_not_set(facts: Make, image: str, role: str) -> None:
    found = facts(CONFIGURATION, image=image, Environment={"KEY": "VALUE"})["algo-1"]["processingjobconfig"]

    name, inputs, outputs = (
        found.pop(key) for key in ("ProcessingJobName", "ProcessingInputs", "ProcessingOutputConfig")
    )
    resources = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5, "VolumeKmsKeyId": None}
    assert found == {
        "ProcessingJobArn": f"arn:aws:sagemaker:us-east-1:000000000000:processing-job/{name}",
        "AppSpecification": {"ImageUri": image, "ContainerEntrypoint": COMMAND, "ContainerArguments": None},
        "Environment": {"KEY": "VALUE"},
        "ProcessingResources": {"ClusterConfig": resources},
        "RoleArn": role,
        "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
    }
    assert ([entry["InputName"] for entry in inputs], outputs["KmsKeyId"]) == (["code"], None)


def test_a_container_is_told_its_inputs_and_outputs_with_their_defaults(
    facts: Make, image: str, bucket: str, parts: str
) -> None:
    name = unique("configured")
    output = s3_output(f"s3://{bucket}/{name}/out")
    members = {"ProcessingJobName": name, "ProcessingOutputConfig": {"Outputs": [output]}}

    found = facts(CONFIGURATION, s3_input(parts), image=image, **members)["algo-1"]["processingjobconfig"]

    assert found["ProcessingInputs"][1]["S3Input"] == {
        "LocalPath": "/opt/ml/processing/data",
        "S3Uri": parts,
        "S3DataDistributionType": "FullyReplicated",
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
        "S3CompressionType": "None",
        "S3DownloadMode": "StartOfJob",
    }
    assert found["ProcessingOutputConfig"]["Outputs"] == [{**output, "AppManaged": False, "FeatureStoreOutput": None}]


def test_inputs_lie_where_local_path_says(facts: Make, image: str, put: Make, bucket: str, parts: str) -> None:
    manifest = put(f"{unique('manifest')}.json", json.dumps([{"prefix": f"{parts}/"}, "deep/c.txt", "a.txt"]))

    found = facts(
        'keep(prefix=names("processing/prefix"), one=names("processing/in/one"), listed=names("processing/listed"))',
        s3_input(parts, "prefix"),
        s3_input(f"{parts}/deep/c.txt", "one", LocalPath="/opt/ml/processing/in/one/"),
        s3_input(manifest, "listed", S3DataType="ManifestFile"),
        image=image,
    )

    assert found["algo-1"] == {
        "prefix": ["a.txt", "b.txt", "deep/c.txt"],
        "one": ["c.txt"],
        "listed": ["a.txt", "deep/c.txt"],
    }


def test_hosts_share_what_is_sharded_and_add_to_one_output(facts: Make, image: str, parts: str) -> None:
    found = facts(
        'hosts = json.loads((ML / "config/resourceconfig.json").read_text())["hosts"]\n'
        'keep(all=len(names("processing/all")), share=names("processing/share"), hosts=hosts)',
        s3_input(parts, "all"),
        s3_input(parts, "share", S3DataDistributionType="ShardedByS3Key"),
        image=image,
        ProcessingResources=cluster(2),
    )

    both = ["algo-1", "algo-2"]
    assert found == {
        "algo-1": {"all": 3, "share": ["a.txt", "deep/c.txt"], "hosts": both},
        "algo-2": {"all": 3, "share": ["b.txt"], "hosts": both},
    }


@pytest.mark.docker
def test_hosts_reach_each_other_by_name_in_docker(facts: Make, python_image: str) -> None:
    script = """
import socket
server = socket.create_server(("", 5000))
other = {"algo-1": "algo-2", "algo-2": "algo-1"}[host]
while True:
    try:
        socket.create_connection((other, 5000)).sendall(host.encode())
        break
    except OSError:
        time.sleep(0.1)
keep(heard=server.accept()[0].recv(100).decode())
"""
    found = facts(script, image=python_image, ProcessingResources=cluster(2))

    assert found == {"algo-1": {"heard": "algo-2"}, "algo-2": {"heard": "algo-1"}}


def test_a_pipe_brings_the_objects_one_after_the_other_unzipped(facts: Make, image: str, put: Make) -> None:
    prefix = unique("zipped")
    for name in ("1", "2"):
        uri = put(f"{prefix}/{name}", gzip.compress(f"part {name};".encode()))

    found = facts(
        'keep(epoch=(ML / "processing/data_0").read_text())',
        s3_input(str(uri).removesuffix("2"), S3InputMode="Pipe", S3CompressionType="Gzip"),
        image=image,
    )

    assert found["algo-1"] == {"epoch": "part 1;part 2;"}


def test_arguments_and_environment_reach_the_program(facts: Make, image: str) -> None:
    found = facts(
        'keep(arguments=sys.argv[1:], colour=os.environ["COLOUR"], region=os.environ["AWS_REGION"])',
        AppSpecification={
            "ImageUri": image,
            "ContainerEntrypoint": COMMAND,
            "ContainerArguments": ["--rows", "a b", "$HOME"],
        },
        Environment={"COLOUR": "blue"},
    )

    assert found["algo-1"] == {"arguments": ["--rows", "a b", "$HOME"], "colour": "blue", "region": "us-east-1"}


@pytest.mark.docker
@pytest.mark.parametrize(
    ("command", "line"),
    [
        ({}, "from the image: its own words"),
        ({"ContainerArguments": ["mine"]}, "from the image: mine"),
        ({"ContainerEntrypoint": ["echo"]}, ""),
        ({"ContainerEntrypoint": ["echo"], "ContainerArguments": ["both mine"]}, "both mine"),
    ],
)
def test_entry_point_and_arguments_take_the_place_of_the_images_as_dockers_do(
    process: Make, client: Make, python_image: str, command: dict[str, Any], line: str
) -> None:
    job = process(AppSpecification={"ImageUri": python_image, **command})

    assert job["ProcessingJobStatus"] == "Completed"
    assert [text.strip() for lines in log_of(client, job["ProcessingJobName"]).values() for text in lines] == [line]


def test_an_output_is_its_folders_files_and_no_link_is_followed(process: Make, output: Make, image: str) -> None:
    script = """
(OUT / "deep").mkdir()
(OUT / "deep/file").write_text("content")
(OUT / "link").symlink_to(OUT / "deep/file")
(OUT / "folder").symlink_to(OUT / "deep")
(OUT / "empty").mkdir()
"""
    assert output(process(script, image=image)["ProcessingJobName"]) == {"deep/file": b"content"}


def test_nothing_left_is_a_success_with_nothing_in_s3(process: Make, output: Make, image: str) -> None:
    job = process("assert OUT.is_dir()", image=image)

    assert (job["ProcessingJobStatus"], output(job["ProcessingJobName"])) == ("Completed", {})


@pytest.mark.parametrize("mode", ["EndOfJob", "Continuous"])
def test_an_outputs_key_is_the_one_asked_for(process: Make, client: Make, bucket: str, mode: str) -> None:
    key, place = client("kms").create_key()["KeyMetadata"], unique("keyed")
    config = {"Outputs": [s3_output(f"s3://{bucket}/{place}/", mode=mode)], "KmsKeyId": key["KeyId"]}

    job = process("keep()", ProcessingOutputConfig=config)

    kept = client("s3").head_object(Bucket=bucket, Key=f"{place}/algo-1.json")
    assert (kept["ServerSideEncryption"], kept["SSEKMSKeyId"]) == ("aws:kms", key["Arn"])
    assert job["ProcessingOutputConfig"]["KmsKeyId"] == key["KeyId"]


def test_a_continuous_output_is_in_s3_while_the_job_runs(
    sagemaker: Any, client: Make, start: Make, output: Make, image: str, bucket: str
) -> None:
    name = unique("continuous")
    config = {"Outputs": [s3_output(f"s3://{bucket}/{name}/out", mode="Continuous")]}
    script = """
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
(OUT / "early").write_text("early")
while True:
    time.sleep(0.1)
"""
    start(script, image=image, ProcessingJobName=name, ProcessingOutputConfig=config)
    deadline = time.monotonic() + 60
    while not output(name):
        assert time.monotonic() < deadline
        time.sleep(0.1)

    assert sagemaker.describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"] == "InProgress"
    sagemaker.stop_processing_job(ProcessingJobName=name)
    assert wait_for_processing(sagemaker, name)["ProcessingJobStatus"] == "Stopped"
    assert output(name) == {"early": b"early"}


def test_what_an_application_manages_is_left_to_it(facts: Make, bucket: str) -> None:
    theirs = s3_input(f"s3://{bucket}/none") | {"AppManaged": True}

    assert facts("keep(inputs=names('processing'))", theirs)["algo-1"] == {"inputs": ["code/script.py"]}


def test_each_host_has_a_log_stream_of_its_own(process: Make, client: Make, image: str) -> None:
    job = process("print(f'here is {host}', flush=True)", image=image, ProcessingResources=cluster(2))

    name, created = job["ProcessingJobName"], int(job["CreationTime"].timestamp())
    assert log_of(client, name) == {f"{name}/algo-{number}-{created}": [f"here is algo-{number}"] for number in (1, 2)}


def test_python3_of_a_built_in_algorithms_image_has_its_library(facts: Make) -> None:
    assert facts("import xgboost\nkeep(has=xgboost.__name__)", image=XGBOOST)["algo-1"] == {"has": "xgboost"}
