"""A training job's states: stop, update, delete, list, and what happens when the world around it changes."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from preflight.stack import Stack
from tests.local.conftest import Make, make_role, refusal, separable_rows, unique, wait_for_job

ENDLESS = {"predictor_type": "binary_classifier", "epochs": "1000000", "early_stopping_patience": "1000001"}
WARM = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5, "KeepAlivePeriodInSeconds": 600}


def wait_for_state(sagemaker: Any, name: str, secondary_status: str) -> None:
    deadline = time.monotonic() + 60
    while sagemaker.describe_training_job(TrainingJobName=name)["SecondaryStatus"] != secondary_status:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def endless(sagemaker: Any, job_request: Make) -> Any:
    """Starts a job that trains until it is stopped, and stops it after the test."""
    started: list[str] = []

    def start(**members: Any) -> str:
        request = job_request(None, ENDLESS, **members)
        sagemaker.create_training_job(**request)
        started.append(request["TrainingJobName"])
        return started[-1]

    yield start
    for name in started:
        if sagemaker.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] == "InProgress":
            sagemaker.stop_training_job(TrainingJobName=name)
        wait_for_job(sagemaker, name)


def test_times_fit_together(train: Make) -> None:
    job = train()
    transitions = job["SecondaryStatusTransitions"]

    assert [t["StatusMessage"] for t in transitions] == [
        "Preparing the instances for training",
        "Downloading the training image",
        "Training image download completed. Training in progress.",
        "Uploading generated training model",
        "Training job completed",
    ]
    assert job["CreationTime"] == transitions[0]["StartTime"]
    assert job["TrainingStartTime"] == transitions[1]["StartTime"] == transitions[0]["EndTime"]
    assert job["TrainingEndTime"] == transitions[-1]["StartTime"] == transitions[-1]["EndTime"]
    assert job["ProfilingStatus"] == "Disabled"


def test_a_job_may_run_for_a_day_unless_it_says_otherwise(sagemaker: Any, job_request: Make) -> None:
    request = job_request()
    del request["StoppingCondition"]

    sagemaker.create_training_job(**request)

    job = wait_for_job(sagemaker, request["TrainingJobName"])
    assert job["StoppingCondition"] == {"MaxRuntimeInSeconds": 86_400}


def test_a_job_without_compression_leaves_plain_files(train: Make, client: Make, bucket: str) -> None:
    job = train(OutputDataConfig={"S3OutputPath": f"s3://{bucket}/plain/", "CompressionType": "NONE"})

    folder = f"plain/{job['TrainingJobName']}/output/model/"
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{bucket}/{folder}"
    objects = client("s3").list_objects_v2(Bucket=bucket, Prefix=folder)["Contents"]
    assert [entry["Key"] for entry in objects] == [f"{folder}model_algo-1"]


def occupy_every_place(sagemaker: Any, endless: Make) -> str:
    """Starts endless jobs until one has to wait for the others; returns the waiting one's name."""
    for _ in range(100):
        name = endless()
        while (state := sagemaker.describe_training_job(TrainingJobName=name)["SecondaryStatus"]) != "Training":
            if state == "Pending":
                return str(name)
            time.sleep(0.05)
    raise AssertionError("A hundred jobs train at once.")


def test_a_models_key_is_the_one_asked_for(train: Make, client: Make, bucket: str) -> None:
    key = client("kms").create_key()["KeyMetadata"]

    job = train(OutputDataConfig={"S3OutputPath": f"s3://{bucket}/keyed", "KmsKeyId": key["KeyId"]})

    model = client("s3").head_object(Bucket=bucket, Key=f"keyed/{job['TrainingJobName']}/output/model.tar.gz")
    assert (model["ServerSideEncryption"], model["SSEKMSKeyId"]) == ("aws:kms", key["Arn"])
    assert job["OutputDataConfig"]["KmsKeyId"] == key["KeyId"]


def test_a_job_that_waits_for_its_turn_is_pending_and_can_be_stopped(sagemaker: Any, endless: Make) -> None:
    name = occupy_every_place(sagemaker, endless)

    sagemaker.stop_training_job(TrainingJobName=name)

    job = wait_for_job(sagemaker, name)
    assert [t["Status"] for t in job["SecondaryStatusTransitions"]] == ["Starting", "Pending", "Stopping", "Stopped"]
    assert "TrainingStartTime" not in job
    assert "BillableTimeInSeconds" not in job


def test_a_spot_job_that_waits_too_long_is_stopped(sagemaker: Any, endless: Make) -> None:
    occupy_every_place(sagemaker, endless)
    condition = {"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 1}

    job = wait_for_job(sagemaker, endless(EnableManagedSpotTraining=True, StoppingCondition=condition))

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")


def test_a_running_job_cannot_be_deleted(sagemaker: Any, endless: Make) -> None:
    name = endless()

    code, message = refusal(sagemaker.delete_training_job, TrainingJobName=name)

    assert (code, "InProgress" in message) == ("ResourceInUse", True)


def test_a_deleted_jobs_name_is_free_and_its_model_stays(
    sagemaker: Any, train: Make, client: Make, bucket: str
) -> None:
    job = train(Tags=[{"Key": "team", "Value": "a"}])
    name = job["TrainingJobName"]

    sagemaker.delete_training_job(TrainingJobName=name)

    assert refusal(sagemaker.describe_training_job, TrainingJobName=name) == (
        "ValidationException",
        "Requested resource not found.",
    )
    assert refusal(sagemaker.list_tags, ResourceArn=job["TrainingJobArn"])[0] == "ValidationException"
    client("s3").head_object(Bucket=bucket, Key=f"output/{name}/output/model.tar.gz")
    assert train(TrainingJobName=name)["TrainingJobStatus"] == "Completed"


def test_a_warm_pool_is_available_until_a_job_of_its_shape_reuses_it(sagemaker: Any, train: Make) -> None:
    first = train(ResourceConfig=WARM)
    name = first["TrainingJobName"]
    assert first["WarmPoolStatus"]["Status"] == "Available"
    assert refusal(sagemaker.delete_training_job, TrainingJobName=name)[0] == "ResourceInUse"

    second = train(ResourceConfig=WARM)["TrainingJobName"]

    pool = sagemaker.describe_training_job(TrainingJobName=name)["WarmPoolStatus"]
    assert (pool["Status"], pool["ReusedByJob"]) == ("Reused", second)
    sagemaker.update_training_job(TrainingJobName=second, ResourceConfig={"KeepAlivePeriodInSeconds": 0})
    described = sagemaker.describe_training_job(TrainingJobName=second)
    assert described["WarmPoolStatus"]["Status"] == "Terminated"
    assert described["ResourceConfig"]["KeepAlivePeriodInSeconds"] == 0
    listed = sagemaker.list_training_jobs(WarmPoolStatusEquals="Reused")["TrainingJobSummaries"]
    assert name in [summary["TrainingJobName"] for summary in listed]


def test_update_changes_the_profiler_of_a_running_job_only(sagemaker: Any, endless: Make) -> None:
    name = endless()

    sagemaker.update_training_job(TrainingJobName=name, ProfilerConfig={"ProfilingIntervalInMilliseconds": 1000})

    job = sagemaker.describe_training_job(TrainingJobName=name)
    assert job["ProfilerConfig"] == {"ProfilingIntervalInMilliseconds": 1000, "DisableProfiler": False}
    assert refusal(
        sagemaker.update_training_job, TrainingJobName=name, ResourceConfig={"KeepAlivePeriodInSeconds": 60}
    )[0] == ("ValidationException")
    sagemaker.stop_training_job(TrainingJobName=name)
    wait_for_job(sagemaker, name)
    code, message = refusal(
        sagemaker.update_training_job, TrainingJobName=name, ProfilerConfig={"DisableProfiler": True}
    )
    assert (code, "Stopped" in message) == ("ValidationException", True), message


def test_buckets_that_go_away_fail_the_job_with_a_sentence(
    sagemaker: Any, client: Make, job_request: Make, endless: Make
) -> None:
    waiting = occupy_every_place(sagemaker, endless)
    jobs = {}
    for gone in (unique("input"), unique("output")):
        client("s3").create_bucket(Bucket=gone)
        client("s3").put_object(Bucket=gone, Key="train.csv", Body=separable_rows(20))
        request = job_request(OutputDataConfig={"S3OutputPath": f"s3://{gone}/o"})
        if gone.startswith("input"):
            request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = f"s3://{gone}/train.csv"
        sagemaker.create_training_job(**request)
        jobs[request["TrainingJobName"]] = gone
        client("s3").delete_object(Bucket=gone, Key="train.csv")
        client("s3").delete_bucket(Bucket=gone)
    for summary in sagemaker.list_training_jobs(StatusEquals="InProgress", MaxResults=100)["TrainingJobSummaries"]:
        if summary["TrainingJobName"] not in jobs:
            sagemaker.stop_training_job(TrainingJobName=summary["TrainingJobName"])
    wait_for_job(sagemaker, waiting)

    reasons = [wait_for_job(sagemaker, name)["FailureReason"] for name in jobs]

    assert reasons[0].startswith("ClientError: Data download failed:No S3 objects found under S3 URL s3://input-")
    assert reasons[1].startswith("ClientError: Artifact upload failed:Unable to upload s3://output-")


def test_lists_show_the_newest_first_and_take_the_status_after_the_page(
    sagemaker: Any, client: Make, train: Make
) -> None:
    prefix, before = unique("list"), datetime.now(UTC)
    for place, rows in enumerate((separable_rows(20), "1,no,2", separable_rows(20))):
        train(rows, TrainingJobName=f"{prefix}-{place}")

    def names(**filters: Any) -> list[str]:
        rows = sagemaker.list_training_jobs(NameContains=prefix, **filters)["TrainingJobSummaries"]
        return [row["TrainingJobName"][-1] for row in rows]

    assert names() == ["2", "1", "0"]
    assert names(StatusEquals="Failed") == ["1"]
    assert names(StatusEquals="Failed", MaxResults=1) == []
    assert names(LastModifiedTimeAfter=before, SortBy="Status", SortOrder="Ascending") == ["0", "2", "1"]
    assert names(LastModifiedTimeBefore=before) == names(WarmPoolStatusEquals="InUse") == []
    plan = "arn:aws:sagemaker:us-east-1:000000000000:training-plan/none"
    assert names(TrainingPlanArnEquals=plan) == []


def test_accounts_and_regions_do_not_see_each_others_jobs(client: Make, sagemaker: Any, train: Make) -> None:
    name = train()["TrainingJobName"]

    for other in (client("sagemaker", account="111111111111"), client("sagemaker", region="eu-west-1")):
        for call in (other.describe_training_job, other.stop_training_job, other.delete_training_job):
            assert refusal(call, TrainingJobName=name) == ("ValidationException", "Requested resource not found.")
        assert other.list_training_jobs(NameContains=name)["TrainingJobSummaries"] == []


def test_one_name_in_two_accounts_is_two_jobs(client: Make, train: Make, job_request: Make) -> None:
    other = {service: client(service, account="222222222222") for service in ("sagemaker", "s3", "iam")}
    bucket = unique("other")
    other["s3"].create_bucket(Bucket=bucket)
    other["s3"].put_object(Bucket=bucket, Key="train.csv", Body="1,no,2")
    name = train()["TrainingJobName"]
    request = job_request(
        TrainingJobName=name,
        RoleArn=make_role(other["iam"], "sagemaker.amazonaws.com"),
        OutputDataConfig={"S3OutputPath": f"s3://{bucket}/o"},
    )
    request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = f"s3://{bucket}/train.csv"
    other["sagemaker"].create_training_job(**request)

    assert wait_for_job(other["sagemaker"], name)["TrainingJobStatus"] == "Failed"
    assert client("sagemaker").describe_training_job(TrainingJobName=name)["TrainingJobStatus"] == "Completed"


def test_many_jobs_at_once_neither_lose_nor_mix_a_result(stack: Stack, job_request: Make) -> None:
    """Each job's data has a fault of its own, which its FailureReason must name."""
    requests = [job_request(f"{separable_rows(20)}\n1,fault{place}x,2") for place in range(20)]
    keys = {"aws_access_key_id": "000000000000", "aws_secret_access_key": "test"}
    with (
        closing(boto3.client("sagemaker", "us-east-1", endpoint_url=stack.endpoint_url, **keys)) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        list(pool.map(lambda request: client.create_training_job(**request), requests))
        jobs = list(pool.map(lambda request: wait_for_job(client, request["TrainingJobName"]), requests))

    reasons = [job["FailureReason"] for job in jobs]
    assert [f"fault{place}x" in reason for place, reason in enumerate(reasons)] == [True] * len(requests), reasons
