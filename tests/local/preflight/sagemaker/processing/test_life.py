"""A processing job's states and its end: stop, time-out, failure, message, list, delete, and many at once."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest

from preflight.sagemaker.launching.ports import free_port
from preflight.sagemaker.service import SageMaker
from preflight.sagemaker.settings import Settings
from preflight.stack import Stack
from preflight.waiting import wait_until
from tests.local.conftest import XGBOOST, Make, make_role, refusal, unique
from tests.local.deaf_relay import relay
from tests.local.odd_container import OddLauncher
from tests.local.odd_service import SCOPE
from tests.local.preflight.sagemaker.processing.conftest import (
    ECR,
    cluster,
    log_of,
    s3_input,
    s3_output,
    wait_for_processing,
)
from tests.local.preflight.sagemaker.telemetry.test_events import Watch

ENDLESS = """
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
say("begun")
print("running", flush=True)
while True:
    time.sleep(1)
"""


def test_a_job_is_described_as_it_was_asked_for_with_awss_defaults(
    sagemaker: Any, start: Make, request_for: Make
) -> None:
    request = request_for("say('all well')", Tags=[{"Key": "team", "Value": "a"}])
    sagemaker.create_processing_job(**request)
    sagemaker.get_waiter("processing_job_completed_or_stopped").wait(
        ProcessingJobName=request["ProcessingJobName"], WaiterConfig={"Delay": 1}
    )

    job = sagemaker.describe_processing_job(ProcessingJobName=request["ProcessingJobName"])

    assert (job["ProcessingJobStatus"], job["ExitMessage"]) == ("Completed", "all well")
    assert job["StoppingCondition"] == {"MaxRuntimeInSeconds": 86_400}
    assert {key: job[key] for key in ("AppSpecification", "ProcessingResources", "RoleArn")} == {
        key: request[key] for key in ("AppSpecification", "ProcessingResources", "RoleArn")
    }
    source = job["ProcessingInputs"][0]["S3Input"]
    assert (source["S3InputMode"], source["S3DataDistributionType"], source["S3CompressionType"]) == (
        "File",
        "FullyReplicated",
        "None",
    )
    assert job["CreationTime"] <= job["ProcessingStartTime"] <= job["ProcessingEndTime"] == job["LastModifiedTime"]
    assert sagemaker.list_tags(ResourceArn=job["ProcessingJobArn"])["Tags"] == request["Tags"]


def test_a_failed_job_says_so_in_its_message_and_leaves_nothing(process: Make, output: Make, image: str) -> None:
    job = process('keep()\nsay("Algorithm Error: no rows")\nsys.exit(3)', image=image)

    assert (job["ProcessingJobStatus"], job["FailureReason"], job["ExitMessage"]) == (
        "Failed",
        "AlgorithmError: See job logs for more information",
        "Algorithm Error: no rows",
    )
    assert output(job["ProcessingJobName"]) == {}


def test_a_program_that_is_not_there_fails_the_job_and_the_log_says_so(process: Make, client: Make) -> None:
    job = process(AppSpecification={"ImageUri": XGBOOST, "ContainerEntrypoint": ["no-such-program"]})

    assert job["FailureReason"] == "AlgorithmError: See job logs for more information"
    (lines,) = log_of(client, job["ProcessingJobName"]).values()
    assert "no-such-program" in lines[0]


def test_one_failing_host_fails_the_job(process: Make, image: str) -> None:
    script = 'if host == "algo-2": sys.exit(1)\nwhile True: time.sleep(1)'

    job = process(script, image=image, ProcessingResources=cluster(2))

    assert job["FailureReason"] == "AlgorithmError: See job logs for more information"


@pytest.mark.parametrize("count", [1, 2])
def test_an_exit_message_is_the_hosts_first_kilobyte(process: Make, count: int) -> None:
    job = process('say("é" * 300)', ProcessingResources=cluster(count))

    assert job["ExitMessage"] == "é" * min(300 * count, 512)


def test_a_message_that_is_not_utf_8_fails_the_job(process: Make) -> None:
    job = process('(ML / "output/message").write_bytes(b"\\xff")')

    assert (job["ProcessingJobStatus"], job["FailureReason"].partition(":")[0]) == ("Failed", "ClientError")
    assert "ExitMessage" not in job


@pytest.mark.parametrize("kind", ["symlink_to('/etc/hostname')", "mkdir()", "write_text('')"])
def test_what_is_no_message_is_none(process: Make, kind: str) -> None:
    job = process(f"(ML / 'output/message').{kind}")

    assert (job["ProcessingJobStatus"], "ExitMessage" in job) == ("Completed", False)


def test_a_stopped_job_keeps_its_message_and_cannot_be_stopped_again(
    sagemaker: Any, start: Make, client: Make, image: str
) -> None:
    name = start(ENDLESS, image=image)
    wait_for_line(client, name)

    sagemaker.stop_processing_job(ProcessingJobName=name)

    job = wait_for_processing(sagemaker, name)
    assert (job["ProcessingJobStatus"], job["ExitMessage"]) == ("Stopped", "begun")
    assert "FailureReason" not in job
    assert refusal(sagemaker.stop_processing_job, ProcessingJobName=name) == (
        "ValidationException",
        "The request was rejected because the processing job is in status Stopped",
    )


def wait_for_line(client: Make, name: str) -> None:
    """Until the job has printed something, and so has come to the end of what it does first."""
    deadline = time.monotonic() + 60
    while not any(log_of(client, name).values()):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_job_that_runs_too_long_is_stopped(process: Make, output: Make, image: str) -> None:
    job = process(f"keep(){ENDLESS}", image=image, StoppingCondition={"MaxRuntimeInSeconds": 1})

    assert (job["ProcessingJobStatus"], "FailureReason" in job) == ("Stopped", False)
    assert output(job["ProcessingJobName"]) == {}


def test_what_cannot_be_downloaded_fails_the_job(process: Make, put: Make, bucket: str) -> None:
    manifest = put(f"{unique('manifest')}.json", f'[{{"prefix": "s3://{bucket}/"}}, "not-there"]')

    nothing = process("", s3_input(f"s3://{bucket}/not-there/"))
    broken = process("", s3_input(manifest, S3DataType="ManifestFile"))

    assert nothing["FailureReason"] == (
        f"ClientError: Failed to download data. No S3 objects found under S3 URL s3://{bucket}/not-there/."
    )
    assert broken["FailureReason"].startswith(
        f"ClientError: Failed to download data. Unable to download object s3://{bucket}/not-there"
    )
    assert "ProcessingStartTime" not in nothing


def test_without_a_way_to_s3_the_job_fails_in_awss_words(
    stack: Stack, request_for: Make, put: Make, role: str, tmp_path: Path
) -> None:
    data = put(f"{unique('data')}/rows.csv", "1").rpartition("/")[0]
    request = request_for("", s3_input(f"{data}/"))
    name = request["ProcessingJobName"]
    with relay(stack, r"list-type=2.*prefix=data-") as address:
        settings = Settings(address, tmp_path)
        with closing(SageMaker(settings, OddLauncher())) as service:
            service.call("CreateProcessingJob", SCOPE, request)
            job = wait_until(lambda: ended(service, name), 60, 0.05)

    assert job["FailureReason"] == (
        f"ClientError: Failed to download data. ListObjectsV2 failed for {data}/ nextToken:[null]: "
        "Unable to execute request to S3"
    )


def ended(service: SageMaker, name: str) -> Any:
    job = service.call("DescribeProcessingJob", SCOPE, {"ProcessingJobName": name})
    return job if job["ProcessingJobStatus"] == "Failed" else None


@pytest.mark.parametrize("mode", ["EndOfJob", "Continuous"])
def test_a_bucket_that_is_not_there_fails_the_job_at_its_end(process: Make, mode: str) -> None:
    uri = f"s3://{unique('none')}/"

    job = process("keep()", ProcessingOutputConfig={"Outputs": [s3_output(uri, mode=mode)]})

    assert (job["ProcessingJobStatus"], uri in job["FailureReason"]) == ("Failed", True)


@pytest.mark.parametrize(
    ("actions", "reason"),
    [
        (["s3:ListBucket"], "ClientError: Failed to download data. Unable to download object s3://"),
        (["s3:ListBucket", "s3:GetObject"], "ClientError: "),
    ],
)
def test_a_job_acts_as_its_role(client: Make, process: Make, actions: list[str], reason: str) -> None:
    allowed = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    role = make_role(client("iam"), "sagemaker.amazonaws.com", [allowed])

    job = process("keep()", RoleArn=role)

    assert (job["ProcessingJobStatus"], job["FailureReason"].startswith(reason)) == ("Failed", True)
    assert "AccessDenied" in job["FailureReason"]


@pytest.mark.docker
def test_a_missing_image_fails_the_job_and_no_log_is_there(process: Make, client: Make) -> None:
    image = f"{ECR}/preflight-processing-none:1"

    job = process(image=image)

    assert job["FailureReason"].startswith(
        f"ClientError: API error (404): manifest for {image} not found: manifest unknown: Requested image not found"
    )
    assert ("ProcessingStartTime" in job, log_of(client, job["ProcessingJobName"])) == (False, {})


def test_a_name_is_taken_until_its_job_is_deleted(sagemaker: Any, start: Make, request_for: Make) -> None:
    request = request_for(ENDLESS)
    name, arn = request["ProcessingJobName"], sagemaker.create_processing_job(**request)["ProcessingJobArn"]
    assert refusal(sagemaker.create_processing_job, **request) == (
        "ResourceInUse",
        f"Job name must be unique within an AWS account and region, and a job with this name already exists ({arn})",
    )
    assert refusal(sagemaker.delete_processing_job, ProcessingJobName=name)[0] == "ResourceInUse"
    sagemaker.stop_processing_job(ProcessingJobName=name)
    wait_for_processing(sagemaker, name)

    sagemaker.delete_processing_job(ProcessingJobName=name)

    for call in (sagemaker.describe_processing_job, sagemaker.stop_processing_job, sagemaker.delete_processing_job):
        code, message = refusal(call, ProcessingJobName=name)
        assert (code, message.startswith("Could not find requested job with name")) == ("ValidationException", True)
    assert start("", ProcessingJobName=name) == name


def test_lists_show_the_oldest_first_with_what_became_of_it(sagemaker: Any, process: Make) -> None:
    prefix = unique("list")
    for place, script in enumerate(("say('one')", "sys.exit(1)", "")):
        process(script, ProcessingJobName=f"{prefix}-{place}")

    def rows(**filters: Any) -> list[dict[str, Any]]:
        answer = sagemaker.get_paginator("list_processing_jobs").paginate(NameContains=prefix, **filters)
        return [row for page in answer for row in page["ProcessingJobSummaries"]]

    assert [row["ProcessingJobName"][-1] for row in rows()] == ["0", "1", "2"]
    assert [row["ProcessingJobStatus"] for row in rows(SortOrder="Descending")] == ["Completed", "Failed", "Completed"]
    assert [row["ProcessingJobName"][-1] for row in rows(StatusEquals="Failed")] == ["1"]
    assert rows()[0]["ExitMessage"] == "one"
    assert rows()[1]["FailureReason"] == "AlgorithmError: See job logs for more information"


def test_accounts_and_regions_do_not_see_each_others_jobs(client: Make, process: Make) -> None:
    name = process()["ProcessingJobName"]

    for other in (client("sagemaker", account="111111111111"), client("sagemaker", region="eu-west-1")):
        assert refusal(other.describe_processing_job, ProcessingJobName=name)[0] == "ValidationException"
        assert other.list_processing_jobs(NameContains=name)["ProcessingJobSummaries"] == []


def test_events_spell_what_is_in_them_in_upper_case(client: Make, process: Make, put: Make, bucket: str) -> None:
    put(key := unique("data"), "x")
    manifest = put(f"{key}.json", f'[{{"prefix": "s3://{bucket}/"}}, "{key}"]')
    watch = Watch(client)
    try:
        job = process("keep()", s3_input(manifest, S3DataType="ManifestFile", S3InputMode="Pipe"))
        events = watch.wait_for(job["ProcessingJobArn"], 3)
    finally:
        watch.stop()

    assert {event["detail-type"] for event in events} == {"SageMaker Processing Job State Change"}
    (detail,) = [event["detail"] for event in events if event["detail"]["ProcessingJobStatus"] == "Completed"]
    source = detail["ProcessingInputs"][1]["S3Input"]
    assert (source["S3DataType"], source["S3InputMode"]) == ("MANIFEST_FILE", "PIPE")
    assert source["S3DataDistributionType"] == "FULLYREPLICATED"
    assert detail["ProcessingEndTime"] == round(job["ProcessingEndTime"].timestamp() * 1000)
    assert detail["ExperimentConfig"] == {}


def test_fifty_jobs_at_once_neither_lose_nor_mix_a_result(stack: Stack, request_for: Make, output: Make) -> None:
    requests = [request_for(f"keep(number={place})\nsay('{place}')") for place in range(50)]
    keys = {"aws_access_key_id": "000000000000", "aws_secret_access_key": "test"}
    with (
        closing(boto3.client("sagemaker", "us-east-1", endpoint_url=stack.endpoint_url, **keys)) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        list(pool.map(lambda request: client.create_processing_job(**request), requests))
        jobs = list(pool.map(lambda request: wait_for_processing(client, request["ProcessingJobName"]), requests))
        outputs = list(pool.map(lambda job: output(job["ProcessingJobName"]), jobs))

    assert [job["ExitMessage"] for job in jobs] == [str(place) for place in range(50)]
    assert [left["algo-1.json"] for left in outputs] == [b'{"number": %d}' % place for place in range(50)]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Stack]:
    """A stack of the test's own, not started yet."""
    stack = Stack(port=free_port(), home=tmp_path)
    yield stack
    stack.down()


def start_sleepers(stack: Stack, image: str = XGBOOST) -> None:
    """A job of two processes, one of them in the background, that would sleep for an hour."""
    keys = {"aws_access_key_id": "000000000000", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    with (
        closing(boto3.client("sagemaker", endpoint_url=stack.endpoint_url, **keys)) as sagemaker,
        closing(boto3.client("iam", endpoint_url=stack.endpoint_url, **keys)) as iam,
    ):
        sagemaker.create_processing_job(
            ProcessingJobName="sleepers",
            ProcessingResources=cluster(),
            AppSpecification={"ImageUri": image, "ContainerEntrypoint": ["bash", "-c", "sleep 3600 & sleep 3600"]},
            RoleArn=make_role(iam, "sagemaker.amazonaws.com"),
        )


def test_a_killed_stack_takes_its_processing_jobs_along_and_the_next_one_their_folders(own: Stack) -> None:
    own.up()
    start_sleepers(own)
    process = own.process()
    assert process is not None
    started = wait_for_sleepers(process)
    assert list(own.folder.rglob("processing-jobs"))

    process.kill()

    _, alive = psutil.wait_procs(started, timeout=30)
    assert alive == []
    own.up()
    assert not list(own.folder.rglob("processing-jobs"))


def test_an_image_that_needs_docker_is_refused_without_it(own: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    own.up()
    image = f"{ECR}/mine:1"

    code, message = refusal(start_sleepers, own, image)

    assert (code, image in message, "no Docker engine answers" in message) == ("UnsupportedByPreflight", True, True)


def wait_for_sleepers(stack_process: psutil.Process) -> list[psutil.Process]:
    """All that the stack runs, once the job's two processes are among it."""
    deadline = time.monotonic() + 30
    while True:
        children = stack_process.children(recursive=True)
        if sum(child.name() == "sleep" for child in children) == 2:
            return children
        assert time.monotonic() < deadline, children
        time.sleep(0.05)
