"""Training jobs that train, and that fail the way AWS's fail."""

import contextlib
import io
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import docker
import psutil
import pytest
from botocore.exceptions import ClientError

from preflight.sagemaker.launching.ports import free_port
from preflight.sagemaker.settings import DOCKER_MARK
from preflight.stack import Stack
from tests.local.conftest import LINEAR_LEARNER, XGBOOST, Make, make_role, refusal, separable_rows, unique, wait_for_job


def log_lines(client: Make, job: dict[str, Any]) -> list[str]:
    logs, group = client("logs"), "/aws/sagemaker/TrainingJobs"
    prefix = f"{job['TrainingJobName']}/algo-1-{int(job['CreationTime'].timestamp())}"
    (stream,) = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=prefix)["logStreams"]
    events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
    return [event["message"] for event in events]


@pytest.mark.launchers("process", "docker")
def test_a_job_trains_and_leaves_its_model_and_logs_where_aws_leaves_them(
    train: Make, client: Make, bucket: str
) -> None:
    job = train()

    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Completed"
    states = [transition["Status"] for transition in job["SecondaryStatusTransitions"]]
    assert states == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    key = f"output/{job['TrainingJobName']}/output/model.tar.gz"
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{bucket}/{key}"
    archive = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        assert tar.getnames() == ["model_algo-1"]

    assert any("#quality_metric" in line for line in log_lines(client, job))


def test_a_job_reports_the_metrics_aws_adds_for_its_own_images(train: Make) -> None:
    job = train()
    metrics = {metric["MetricName"]: metric["Value"] for metric in job["FinalMetricDataList"]}

    assert metrics["train:binary_classification_accuracy"] > 0.99
    assert job["BillableTimeInSeconds"] >= 1
    assert "train:objective_loss" in {d["Name"] for d in job["AlgorithmSpecification"]["MetricDefinitions"]}


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (separable_rows() + "\n1,abc,3", "abc"),
        (separable_rows() + "\n1,2,3,4", "4"),
        (separable_rows() + "\n7,2,3", "7"),
    ],
)
def test_data_at_fault_fails_the_job_with_a_reason(train: Make, rows: str, problem: str) -> None:
    job = train(rows)

    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: ")
    assert job["FailureReason"].endswith(", exit code: 2")
    assert problem in job["FailureReason"]
    assert job["SecondaryStatusTransitions"][-1]["StatusMessage"] == "Training job failed"


@pytest.mark.launchers("process", "docker")
def test_an_unknown_hyperparameter_fails_the_job_by_name(train: Make) -> None:
    job = train(None, {"predictor_type": "binary_classifier", "feature_dimm": "2"})

    assert job["TrainingJobStatus"] == "Failed"
    assert "feature_dimm" in job["FailureReason"]


def test_a_long_reason_is_cut_and_keeps_its_exit_code(train: Make) -> None:
    reason = train(None, {"predictor_type": "x" * 2000})["FailureReason"]

    assert (len(reason), reason[-14:]) == (1024, ", exit code: 2")


def test_xgboost_trains_and_its_tabs_are_logged_as_aws_logs_them(train: Make, client: Make) -> None:
    specification = {"TrainingImage": XGBOOST, "TrainingInputMode": "File"}

    job = train(None, {"objective": "binary:logistic", "num_round": "3"}, AlgorithmSpecification=specification)

    assert job["TrainingJobStatus"] == "Completed", job["FailureReason"]
    assert any("[0]#011train-logloss:" in line for line in log_lines(client, job))


@pytest.fixture
def running_job(sagemaker: Any, job_request: Make) -> Iterator[str]:
    """The name of a job that trains, and would for very long."""
    request = job_request(
        None, {"predictor_type": "binary_classifier", "epochs": "1000000", "early_stopping_patience": "1000001"}
    )
    name = request["TrainingJobName"]
    sagemaker.create_training_job(**request)
    deadline = time.monotonic() + 60
    while "FinalMetricDataList" not in sagemaker.describe_training_job(TrainingJobName=name):  # it trains, and says so
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield name
    with contextlib.suppress(ClientError):
        sagemaker.stop_training_job(TrainingJobName=name)


@pytest.mark.launchers("process", "docker")
def test_stop_ends_a_running_job_as_stopped(sagemaker: Any, running_job: str) -> None:
    sagemaker.stop_training_job(TrainingJobName=running_job)

    job = wait_for_job(sagemaker, running_job)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    messages = [transition["StatusMessage"] for transition in job["SecondaryStatusTransitions"]]
    assert messages[-2:] == ["Stopping the training job", "Training job stopped"]
    assert refusal(sagemaker.stop_training_job, TrainingJobName=running_job) == (
        "ValidationException",
        "The request was rejected because the training job is in status Stopped",
    )


@pytest.mark.launchers("process", "docker")
def test_a_job_whose_container_is_killed_fails_with_the_signals_exit_code(
    stack: Stack, sagemaker: Any, running_job: str
) -> None:
    arn = sagemaker.describe_training_job(TrainingJobName=running_job)["TrainingJobArn"]

    kill_training(stack, arn)

    job = wait_for_job(sagemaker, running_job)
    assert (job["TrainingJobStatus"], job["FailureReason"]) == ("Failed", "AlgorithmError: , exit code: 137")


def kill_training(stack: Stack, job_arn: str) -> None:
    """Kill what runs the job, be it a process or a container (a stack of processes runs other images in Docker)."""
    process = stack.process()
    assert process is not None
    for child in process.children(recursive=True):
        if "train" in child.cmdline() and "guard.py" not in " ".join(child.cmdline()):
            child.kill()
    if (stack.folder / "sagemaker" / DOCKER_MARK).exists():
        engine = docker.from_env()
        for container in engine.containers.list(filters={"label": f"preflight.owner={job_arn}"}, ignore_removed=True):
            container.kill()
        engine.close()


@pytest.mark.launchers("process", "docker")
def test_the_time_limit_ends_a_job_as_stopped(train: Make) -> None:
    job = train(
        None,
        {"predictor_type": "binary_classifier", "epochs": "1000000", "early_stopping_patience": "1000001"},
        StoppingCondition={"MaxRuntimeInSeconds": 2},
    )

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    message = job["SecondaryStatusTransitions"][-1]["StatusMessage"]
    assert message == "Training job runtime exceeded MaxRuntimeInSeconds provided"


def test_a_model_saved_when_time_runs_out_is_uploaded(train: Make, client: Make, bucket: str) -> None:
    endless = {"objective": "binary:logistic", "num_round": "1000000", "save_model_on_termination": "true"}

    job = train(
        None,
        endless,
        AlgorithmSpecification={"TrainingImage": XGBOOST, "TrainingInputMode": "File"},
        StoppingCondition={"MaxRuntimeInSeconds": 8},  # a busy machine takes some to begin
    )

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    archive = client("s3").get_object(Bucket=bucket, Key=f"output/{job['TrainingJobName']}/output/model.tar.gz")
    with tarfile.open(fileobj=io.BytesIO(archive["Body"].read())) as tar:
        assert tar.getnames() == ["xgboost-model"]


def test_a_job_name_is_used_once(sagemaker: Any, train: Make, job_request: Make) -> None:
    name = train()["TrainingJobName"]

    code, message = refusal(sagemaker.create_training_job, **job_request(TrainingJobName=name))

    assert code == "ResourceInUse"
    assert message == (
        "Training job names must be unique within an AWS account and region, and a training job with this name "
        f"already exists (arn:aws:sagemaker:us-east-1:000000000000:training-job/{name})"
    )


def test_boto3s_waiter_ends_with_the_job(sagemaker: Any, job_request: Make) -> None:
    request = job_request()
    sagemaker.create_training_job(**request)

    sagemaker.get_waiter("training_job_completed_or_stopped").wait(
        TrainingJobName=request["TrainingJobName"], WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    summaries = sagemaker.list_training_jobs(NameContains=request["TrainingJobName"])["TrainingJobSummaries"]

    assert [summary["TrainingJobStatus"] for summary in summaries] == ["Completed"]


def test_objects_that_cannot_be_files_fail_the_job_with_their_name(
    sagemaker: Any, job_request: Make, put: Make
) -> None:
    put("clash/a", "1,2,3")
    put("clash/a/b", "1,2,3")
    request = job_request()
    uri = put("clash/c", "1,2,3").removesuffix("c")
    request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = uri
    sagemaker.create_training_job(**request)

    job = wait_for_job(sagemaker, request["TrainingJobName"])

    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Data download failed:s3://")


def start_endless_job(stack: Stack, image: str = LINEAR_LEARNER) -> None:
    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=stack.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    client("s3").create_bucket(Bucket="endless")
    client("s3").put_object(Bucket="endless", Key="train.csv", Body=separable_rows())
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://endless/train.csv"}
    client("sagemaker").create_training_job(
        TrainingJobName=unique("endless"),  # the stack may have kept one
        AlgorithmSpecification={"TrainingImage": image, "TrainingInputMode": "File"},
        RoleArn=make_role(client("iam"), "sagemaker.amazonaws.com"),
        InputDataConfig=[{"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}],
        OutputDataConfig={"S3OutputPath": "s3://endless/output"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
        HyperParameters={
            "predictor_type": "binary_classifier",
            "epochs": "1000000",
            "early_stopping_patience": "1000001",
        },
    )


def wait_for_training(stack_process: psutil.Process) -> list[psutil.Process]:
    """The guard and the container of a job that trains, once both run."""
    deadline = time.monotonic() + 30
    while True:
        children = [child for child in stack_process.children(recursive=True) if "train" in child.cmdline()]
        if len(children) >= 2:
            return children
        assert time.monotonic() < deadline, "no job trains"
        time.sleep(0.05)


def test_a_killed_stack_takes_its_training_processes_along(tmp_path: Path) -> None:
    """SIGKILL leaves the stack no chance to clean up; what it started ends all the same."""
    stack = Stack(port=free_port(), home=tmp_path)
    try:
        stack.up()
        start_endless_job(stack)
        process = stack.process()
        assert process is not None
        started = wait_for_training(process)
        process.kill()

        _, alive = psutil.wait_procs(started, timeout=30)
        assert alive == []
    finally:
        stack.down()
