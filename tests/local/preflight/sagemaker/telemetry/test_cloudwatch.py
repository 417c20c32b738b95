"""Metrics arrive in CloudWatch under AWS's names; a CloudWatch that fails holds nobody up."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from preflight.background import BackgroundWriter
from tests.local.conftest import Make, make_config, make_model, unique, wait_for_endpoint

Metric = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def metric(client: Make) -> Metric:
    """The statistics of one metric, once it has at least ``samples`` samples."""
    cloudwatch = client("cloudwatch")

    def metric(namespace: str, name: str, samples: int, **dimensions: str) -> dict[str, float]:
        deadline = time.monotonic() + 30
        while True:
            now = datetime.now(UTC)
            points = cloudwatch.get_metric_statistics(
                Namespace=namespace,
                MetricName=name,
                Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
                StartTime=now - timedelta(hours=1),
                EndTime=now + timedelta(hours=1),
                Period=7200,
                Statistics=["SampleCount", "Sum", "Average"],
            )["Datapoints"]
            # LocalStack reads one statistic after another: a point may have come since it counted the samples.
            count = sum(point.get("SampleCount", 0) for point in points)
            if count >= samples:
                total = sum(point["Sum"] for point in points)
                return {"count": count, "sum": total, "average": total / count, "unit": points[0]["Unit"]}
            assert time.monotonic() < deadline, (name, points)
            time.sleep(0.2)

    return metric


@pytest.fixture(scope="module")
def invoked(sagemaker: Any, runtime: Any, role: str, artifact: str) -> Iterator[dict[str, str]]:
    """The dimensions of a variant with two instances that got four requests, one of them bad."""
    name = unique("endpoint")
    config = make_config(sagemaker, make_model(sagemaker, role, artifact), InitialInstanceCount=2)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    assert wait_for_endpoint(sagemaker, name)["EndpointStatus"] == "InService"
    for _ in range(3):
        runtime.invoke_endpoint(EndpointName=name, ContentType="text/csv", Body=b"1,2")
    with pytest.raises(ClientError):
        runtime.invoke_endpoint(EndpointName=name, ContentType="text/csv", Body=b"not a number")
    yield {"EndpointName": name, "VariantName": "v1"}
    sagemaker.delete_endpoint(EndpointName=name)


@pytest.mark.parametrize(
    ("name", "total"),
    [
        ("Invocations", 4),
        ("InvocationsPerInstance", 2),
        ("Invocation4XXErrors", 1),
        ("Invocation5XXErrors", 0),
        ("InvocationModelErrors", 1),
    ],
)
def test_invocations_are_counted(invoked: dict[str, str], metric: Metric, name: str, total: float) -> None:
    found = metric("AWS/SageMaker", name, 4, **invoked)

    assert (found["count"], found["sum"], found["unit"]) == (4, total, "None")


def test_latencies_are_in_microseconds(invoked: dict[str, str], metric: Metric) -> None:
    model = metric("AWS/SageMaker", "ModelLatency", 4, **invoked)
    overhead = metric("AWS/SageMaker", "OverheadLatency", 4, **invoked)

    assert model["unit"] == overhead["unit"] == "Microseconds"
    assert 50 < model["average"] < 60e6
    assert 1 < overhead["average"] < 60e6


def test_a_training_jobs_metrics_are_written_and_end_in_its_description(train: Make, metric: Metric) -> None:
    job = train()
    final = {entry["MetricName"]: entry["Value"] for entry in job["FinalMetricDataList"]}

    losses = metric("/aws/sagemaker/TrainingJobs", "train:objective_loss", 3, TrainingJobName=job["TrainingJobName"])
    accuracy = metric(
        "/aws/sagemaker/TrainingJobs", "train:binary_classification_accuracy", 1, TrainingJobName=job["TrainingJobName"]
    )

    assert losses["count"] == 3  # one an epoch
    assert accuracy["average"] == pytest.approx(final["train:binary_classification_accuracy"])


def test_a_service_that_hangs_holds_no_one_up_and_fills_no_memory() -> None:
    gate, written = threading.Event(), []

    def write(items: list[int]) -> None:
        gate.wait(60)
        written.extend(items)

    writer = BackgroundWriter("a service that hangs", write, interval_seconds=0, max_batch=10, max_queued=1000)
    for item in range(50_000):
        writer.put(item)
    gate.set()
    writer.flush(30)

    assert written == sorted(written)
    assert 1000 <= len(written) <= 1000 + 10  # what the queue holds, and the batch that hung


def test_a_write_that_fails_does_not_end_the_writing() -> None:
    written: list[int] = []

    def write(items: list[int]) -> None:
        if 0 in items:
            raise RuntimeError("the service said no")
        written.extend(items)

    writer = BackgroundWriter("a service that fails", write, interval_seconds=0, max_batch=1, max_queued=10)
    for item in range(3):
        writer.put(item)
    writer.flush(30)

    assert written == [1, 2]


def test_what_an_endpoints_instances_use_is_told(
    sagemaker: Any, model: str, create_endpoint: Make, metric: Metric
) -> None:
    name = create_endpoint(make_config(sagemaker, model, InitialInstanceCount=2))["EndpointName"]
    sagemaker.delete_endpoint(EndpointName=name)  # ends it before its first minute, which is then told

    for kind in ("CPUUtilization", "MemoryUtilization", "DiskUtilization"):
        found = metric("/aws/sagemaker/Endpoints", kind, 2, EndpointName=name, VariantName="v1")
        assert (found["count"], found["unit"]) == (2, "Percent")
        assert found["sum"] > 0


@pytest.mark.parametrize("kind", ["CPUUtilization", "MemoryUtilization", "DiskUtilization"])
def test_what_a_job_uses_is_told(artifact: str, metric: Metric, kind: str) -> None:
    job = artifact.split("/")[-3]

    found = metric("/aws/sagemaker/TrainingJobs", kind, 1, Host=f"{job}/algo-1")

    assert found["unit"] == "Percent"
    assert 0 < found["sum"] < 100 * (os.cpu_count() or 1)
