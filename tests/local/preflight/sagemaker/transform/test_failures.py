"""A job whose objects do not all get a result: what fails, what is kept, and what is said of it."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.local.conftest import Make, make_model, make_role
from tests.local.preflight.sagemaker.transform.conftest import Transform, Transformed, orders

LINE = {"SplitType": "Line"}
SINGLE = {"source": LINE, "BatchStrategy": "SingleRecord"}
IN_FORCE = "MaxConcurrentTransforms=1, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD"


def test_good_objects_stay_and_the_job_fails(transform: Transform) -> None:
    job = transform({"a": "1", "bad": orders(status=400), "c": "3"})
    assert job.outputs == {"a.out": b"odd(1)", "c.out": b"odd(3)"}
    assert job.status == "Failed"
    assert job.description["FailureReason"] == "ClientError: See job logs for more information"


def test_a_bad_record_takes_its_whole_object_with_it(transform: Transform) -> None:
    job = transform(f"1\n{orders(status=422)}\n3\n", **SINGLE)
    assert (job.status, job.outputs) == ("Failed", {})


def test_the_data_log_has_what_the_container_said(transform: Transform) -> None:
    job = transform({"bad": orders(status=400, body="no such\ncolumn")})
    assert job.log == [IN_FORCE, "bad: ClientError: 400", "bad: ", "bad: Message:", "bad: no such", "bad: column"]


def test_a_server_error_is_the_algorithms(transform: Transform) -> None:
    job = transform({"bad": orders(status=500, body="oops")}, ModelClientConfig={"InvocationsMaxRetries": 0})
    assert job.log[1:] == [
        "bad: Bad HTTP status received from algorithm: 500",
        "bad: ",
        "bad: Message:",
        "bad: oops",
    ]
    assert job.description["FailureReason"] == "AlgorithmError: See job logs for more information"


@pytest.mark.parametrize(("retries", "status"), [(2, "Completed"), (1, "Failed")])
def test_a_request_that_fails_is_made_again(transform: Transform, retries: int, status: str) -> None:
    order = orders(status=503, fails=2, body="at last")
    assert transform(order, ModelClientConfig={"InvocationsMaxRetries": retries}).status == status


def test_a_refusal_is_not_asked_again(transform: Transform) -> None:
    assert transform(orders(status=400, fails=1)).status == "Failed"


def test_an_answer_that_does_not_come_in_time_is_none(transform: Transform) -> None:
    limits = {"InvocationsTimeoutInSeconds": 1, "InvocationsMaxRetries": 0}
    job = transform({"slow": orders(delay=5)}, ModelClientConfig=limits)
    assert job.log[1:] == ["slow: Unable to get response from algorithm"]
    assert job.description["FailureReason"] == "AlgorithmError: See job logs for more information"


def test_a_container_that_ends_ends_the_job(transform: Transform) -> None:
    job = transform({"a": "1", "b": orders(die=True), "c": "3"})
    assert (job.status, job.outputs) == ("Failed", {"a.out": b"odd(1)"})
    assert job.log[1:] == ["b: Unable to get response from algorithm"]


def test_a_container_that_ends_before_it_is_well_fails_the_job(transform: Transform) -> None:
    job = transform("a", environment={"ODD_PING_ONCE": "1", "ODD_PING": "503"})
    assert job.description["FailureReason"] == "AlgorithmError: Model container failed to respond to ping"
    assert "TransformStartTime" in job.description


def test_a_job_without_objects_fails(transform: Transform) -> None:
    job = transform({})
    assert job.status == "Failed"
    assert job.description["FailureReason"].startswith("ClientError: No S3 objects found")


@pytest.mark.parametrize(
    ("allowed", "says"),
    [
        pytest.param(["s3:GetObject"], "No S3 objects found", id="may-not-list"),
        pytest.param(["s3:GetObject", "s3:ListBucket"], "See job logs", id="may-not-store"),
    ],
)
def test_the_models_role_reads_and_stores(
    sagemaker: Any,
    client: Make,
    artifact: str,
    transform_request: Make,
    finished: Callable[..., Transformed],
    allowed: list[str],
    says: str,
) -> None:
    statement = {"Effect": "Allow", "Action": ["logs:*", *allowed], "Resource": "*"}
    role = make_role(client("iam"), "sagemaker.amazonaws.com", [statement])
    request = transform_request(make_model(sagemaker, role, artifact), "1,2\n", source={"ContentType": "text/csv"})
    sagemaker.create_transform_job(**request)
    job = finished(sagemaker.describe_transform_job, request)
    assert (job.status, job.outputs) == ("Failed", {})
    assert says in job.description["FailureReason"]
