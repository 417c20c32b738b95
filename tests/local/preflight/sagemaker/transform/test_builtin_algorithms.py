"""The built-in algorithms in batch, through boto3 and its waiter: what each answers there."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.local.conftest import XGBOOST, Make, make_model
from tests.local.preflight.sagemaker.transform.conftest import CSV, JOINED, Transformed

ROWS = "".join(f"p{number},{(number % 2) * 4 + number % 3},{number % 5}\n" for number in range(20))

Run = Callable[..., Transformed]


@pytest.fixture
def run(sagemaker: Any, transform_request: Make, finished: Make) -> Run:
    def run(model: str, objects: Any, **members: Any) -> Transformed:
        request = transform_request(model, objects, **members)
        sagemaker.create_transform_job(**request)
        waiter = sagemaker.get_waiter("transform_job_completed_or_stopped")
        waiter.wait(TransformJobName=request["TransformJobName"], WaiterConfig={"Delay": 1})
        done: Transformed = finished(sagemaker.describe_transform_job, request)
        return done

    return run


def test_xgboost_answers_a_line_for_each_record(sagemaker: Any, role: str, xgboost_artifact: str, run: Run) -> None:
    model = make_model(sagemaker, role, xgboost_artifact, XGBOOST)
    job = run(model, "1,2\n5,3\n", source=CSV["source"], BatchStrategy="MultiRecord")
    assert [0 < float(line) < 1 for line in job.output.splitlines()] == [True, True]
    assert job.output.endswith("\n")


def test_xgboost_is_joined_with_its_input(sagemaker: Any, role: str, xgboost_artifact: str, run: Run) -> None:
    model = make_model(sagemaker, role, xgboost_artifact, XGBOOST)
    job = run(model, ROWS, data=JOINED, BatchStrategy="MultiRecord", **CSV)
    scores = dict(line.split(",") for line in job.output.splitlines())
    assert list(scores) == [f"p{number}" for number in range(20)]
    assert all((float(score) > 0.5) == (int(name[1:]) % 2 == 1) for name, score in scores.items())


def test_linear_learner_has_no_csv_to_join(sagemaker: Any, model: str, transform_request: Make, finished: Make) -> None:
    request = transform_request(model, ROWS, data=JOINED, **CSV)
    sagemaker.create_transform_job(**request)
    job = finished(sagemaker.describe_transform_job, request)
    assert job.log[-1] == "data.txt: Failed to parse output from the algorithm as CSV"
    assert job.description["FailureReason"] == "ClientError: See job logs for more information"


def test_linear_learner_is_joined_in_json_lines(model: str, run: Run) -> None:
    records = [{"id": number, "row": {"features": [number % 2 * 4, 1]}} for number in range(4)]
    lines = {"ContentType": "application/jsonlines", "SplitType": "Line"}
    job = run(
        model,
        "".join(f"{json.dumps(record)}\n" for record in records),
        source=lines,
        output={"Accept": "application/jsonlines", "AssembleWith": "Line"},
        data={"InputFilter": "$.row", "JoinSource": "Input", "OutputFilter": "$['id','SageMakerOutput']"},
    )
    results = [json.loads(line) for line in job.output.splitlines()]
    assert [result["id"] for result in results] == [0, 1, 2, 3]
    assert [result["SageMakerOutput"]["predicted_label"] for result in results] == [0, 1, 0, 1]


def test_the_container_chooses_its_parameters(model: str, run: Run) -> None:
    job = run(model, "1,2\n", source=CSV["source"])
    assert job.log[0].endswith(", MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD")
