"""DataProcessing: filters and joins, in CSV, JSON Lines and JSON."""

import json
from typing import Any

import pytest

from tests.local.conftest import refusal
from tests.local.preflight.sagemaker.transform.conftest import Transform, Transformed

ECHO = {"ODD_ECHO": "1"}


def as_type(content_type: str, by_line: bool = True) -> dict[str, Any]:
    return {
        "source": {"ContentType": content_type, "SplitType": "Line" if by_line else "None"},
        "output": {"Accept": content_type, "AssembleWith": "Line" if by_line else "None"},
        "environment": ECHO,
    }


CSV, JSON_LINES, JSON = as_type("text/csv"), as_type("application/jsonlines"), as_type("application/json", False)


@pytest.mark.parametrize(
    ("data", "output"),
    [
        pytest.param({"InputFilter": "$[1:]"}, "1,2\n3,4\n", id="columns-left-out"),
        pytest.param({"InputFilter": "$[0]"}, "a\nb\n", id="one-column"),
        pytest.param({"InputFilter": "$[-1,0]"}, "2,a\n4,b\n", id="columns-in-another-order"),
        pytest.param({"InputFilter": "$[0:1]"}, "a,1\nb,3\n", id="a-range-with-its-end"),
        pytest.param({"InputFilter": "$[:-2]"}, "a,1\nb,3\n", id="a-range-from-the-end"),
        pytest.param({"OutputFilter": "$[2]"}, "2\n4\n", id="of-the-answer"),
        pytest.param({"JoinSource": "Input"}, "a,1,2,a,1,2\nb,3,4,b,3,4\n", id="joined"),
        pytest.param(
            {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}, "a,2\nb,4\n", id="id-and-score"
        ),
        pytest.param({"InputFilter": "$[*]"}, "a,1,2\nb,3,4\n", id="all"),
    ],
)
def test_csv_rows_are_arrays(transform: Transform, data: dict[str, str], output: str) -> None:
    assert transform("a,1,2\nb,3,4\n", data=data, **CSV).output == output


def test_csv_keeps_its_quotes_where_they_are_needed(transform: Transform) -> None:
    data = {"InputFilter": "$[1]", "JoinSource": "Input"}
    assert transform('"a, ""b""",1\n', data=data, **CSV).output == '"a, ""b""",1,1\n'


@pytest.mark.parametrize(
    ("data", "output"),
    [
        pytest.param({"InputFilter": "$.features"}, [[1, 2]], id="one-member"),
        pytest.param({"InputFilter": "$['id','more']"}, [{"id": 7, "more": {"x": [5]}}], id="two-members"),
        pytest.param({"InputFilter": "$.more.x[0]"}, [5], id="deep"),
        pytest.param({"InputFilter": "$.more.*"}, [[[5]]], id="wildcard"),
        pytest.param(
            {"InputFilter": "$.features", "JoinSource": "Input", "OutputFilter": "$['id','SageMakerOutput']"},
            [{"id": 7, "SageMakerOutput": [1, 2]}],
            id="joined",
        ),
    ],
)
def test_json_lines_are_values(transform: Transform, data: dict[str, str], output: list[Any]) -> None:
    record = json.dumps({"id": 7, "features": [1, 2], "more": {"x": [5]}})
    job = transform(f"{record}\n", data=data, **JSON_LINES)
    assert [json.loads(line) for line in job.output.splitlines()] == output


@pytest.mark.parametrize(
    ("record", "joined"),
    [
        ('{"key":1}', {"key": 1, "SageMakerOutput": {"key": 1}}),
        ("[1,2]", {"SageMakerInput": [1, 2], "SageMakerOutput": [1, 2]}),
    ],
)
def test_the_answer_to_json_is_added_to_it(transform: Transform, record: str, joined: dict[str, Any]) -> None:
    assert json.loads(transform(record, data={"JoinSource": "Input"}, **JSON).output) == joined


def failed(job: Transformed) -> str:
    assert (job.status, job.outputs) == ("Failed", {})
    assert job.description["FailureReason"] == "ClientError: See job logs for more information"
    return job.log[-1].removeprefix("data.txt: ")


def test_two_ranges_fail_in_the_run(transform: Transform) -> None:
    job = transform("a,1\n", data={"OutputFilter": "$[0:2,246:]"}, **CSV)
    assert failed(job) == (
        "Invalid JsonPath: $[0:2,246:]: only single range filters of format (eg: [1:5]) are supported. "
        "Format [0:2,246:] is not supported"
    )


def test_an_answer_of_another_type_cannot_be_joined(transform: Transform) -> None:
    members = {**CSV, "environment": {}}
    job = transform('{"body": "{\\"predictions\\": []}"}\n', data={"OutputFilter": "$[0]"}, **members)
    assert failed(job) == "Failed to parse output from the algorithm as CSV"


@pytest.mark.parametrize(
    ("data", "record"),
    [
        pytest.param({"InputFilter": "$[5]"}, "a,1", id="no-such-column"),
        pytest.param({"OutputFilter": "$[1:9]"}, "a,1", id="a-range-beyond-the-row"),
        pytest.param({"InputFilter": "$[0]"}, 'a"b,1', id="not-csv"),
    ],
)
def test_what_cannot_be_selected_fails_in_the_run(transform: Transform, data: dict[str, str], record: str) -> None:
    assert failed(transform(record, data=data, **CSV))


def test_answers_must_be_as_many_as_records(transform: Transform) -> None:
    members = {**JSON_LINES, "environment": {}}
    assert "join" in failed(transform('{"body": "1\\n2\\n"}\n', data={"JoinSource": "Input"}, **members))


def test_an_underscore_is_refused_in_aws_words(sagemaker: Any, model: str, transform_request: Any) -> None:
    members = {key: value for key, value in JSON_LINES.items() if key != "environment"}
    data = {"JoinSource": "Input", "OutputFilter": "$['account_id','SageMakerOutput']"}
    request = transform_request(model, "{}", data=data, **members)
    assert refusal(sagemaker.create_transform_job, **request) == (
        "ValidationException",
        "Invalid OutputFilter: \"$['account_id','SageMakerOutput']\". Unexpected \"_\" in JsonPath. Supported "
        "operators for \"application/jsonlines\" are ['$', '[', ']', '*', '.', ' ', ',', ':', '-', ''']",
    )


@pytest.mark.parametrize(
    ("members", "data"),
    [
        pytest.param(CSV, {"InputFilter": "[0]"}, id="no-root"),
        pytest.param(CSV, {"InputFilter": "$[0"}, id="open"),
        pytest.param(CSV, {"InputFilter": "$[]"}, id="empty"),
        pytest.param(CSV, {"InputFilter": "$.name"}, id="a-name-in-csv"),
        pytest.param(JSON_LINES, {"OutputFilter": "$..name"}, id="descent"),
        pytest.param(JSON_LINES, {"OutputFilter": "$[?(@.x>1)]"}, id="condition"),
        pytest.param(as_type("image/png"), {"JoinSource": "Input"}, id="of-another-type"),
        pytest.param(as_type("text/csv", by_line=False), {"JoinSource": "Input"}, id="csv-not-by-line"),
    ],
)
def test_what_aws_refuses_at_once(
    sagemaker: Any, model: str, transform_request: Any, members: dict[str, Any], data: dict[str, str]
) -> None:
    given = {key: value for key, value in members.items() if key != "environment"}
    request = transform_request(model, "a,1", data=data, **given)
    assert refusal(sagemaker.create_transform_job, **request)[0] == "ValidationException"
