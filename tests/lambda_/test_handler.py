"""The function behind POST /predict, run as a function: right answers, and sentences for wrong questions."""

import base64
import csv
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.lambda_.conftest import Function, create

ROOT = Path(__file__).resolve().parents[2]
LINEAR_LEARNER = ("application/json", b'{"predictions": [{"score": 0.81, "predicted_label": 1.0}]}')


class Endpoint(BaseHTTPRequestHandler):
    """Answers InvokeEndpoint with what the test has put into ``server.answer``, and keeps the row."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        server: Any = self.server
        server.row = self.rfile.read(int(self.headers["Content-Length"])).decode()
        status, headers, body = server.answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever).start()
        yield server
        server.shutdown()


@pytest.fixture
def endpoint(server: Any) -> Any:
    """What answers InvokeEndpoint: a bare score of 0.93, as XGBoost's, unless the test says otherwise."""
    server.answer = (200, {"Content-Type": "text/csv; charset=utf-8"}, b"0.93\n")
    server.row = None
    return server


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated airline sample, prepared."""
    folder = tmp_path_factory.mktemp("data")
    subprocess.run([sys.executable, "-m", "data_prep", "--output", str(folder)], cwd=ROOT, check=True, timeout=120)
    return folder


@pytest.fixture(scope="module")
def deploy(server: Any, lambda_client: Any, function_role: str) -> Iterator[Callable[[str], Function]]:
    """Deploys the handler with a schema; its endpoint is ``server``."""
    made: list[Function] = []

    def deploy(schema: str) -> Function:
        files: dict[str, str | bytes] = {
            "handler.py": (ROOT / "lambda" / "handler.py").read_bytes(),
            "encoder.py": (ROOT / "data_prep" / "encoder.py").read_bytes(),
            "schema.json": schema,
        }
        host, port = server.server_address
        variables = {"ENDPOINT_NAME": "airline", "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": f"http://{host}:{port}"}
        settings = {"Handler": "handler.handler", "Environment": {"Variables": variables}}
        made.append(create(lambda_client, function_role, files, **settings))
        return made[-1]

    yield deploy
    for function in made:
        lambda_client.delete_function(FunctionName=function.name)


@pytest.fixture(scope="module")
def predict(data: Path, deploy: Callable[[str], Function]) -> Function:
    """The handler with the schema of ``data``."""
    return deploy((data / "schema.json").read_text())


@pytest.fixture
def passenger(data: Path) -> dict[str, str]:
    """The first raw row of the test file, as text."""
    with (data / "test_raw.csv").open(newline="") as file:
        return next(csv.DictReader(file))


@pytest.fixture
def row(data: Path) -> str:
    """The same passenger, encoded by data_prep."""
    with (data / "test_aws.csv").open() as file:
        return next(file).strip().partition(",")[2]


@pytest.mark.parametrize(
    ("content_type", "body", "label"),
    [("text/csv", b"0.93\n", 1), ("text/csv", b"0.49", 0), ("text/csv", b"0.5", 1), (*LINEAR_LEARNER, 1)],
)
def test_encoded_features_are_answered_with_0_or_1(
    predict: Function, endpoint: Any, row: str, content_type: str, body: bytes, label: int
) -> None:
    endpoint.answer = (200, {"Content-Type": content_type}, body)

    assert predict({"data": row}).payload == label
    assert endpoint.row == row


@pytest.mark.parametrize(("key", "result"), [("passenger", "satisfied"), ("record", "label")])
def test_a_raw_row_is_encoded_as_in_training_and_answered_with_its_score(
    predict: Function, endpoint: Any, passenger: dict[str, str], row: str, key: str, result: str
) -> None:
    assert predict({key: passenger}).payload == {result: 1, "score": 0.93}
    assert endpoint.row == row


def test_another_table_has_names_of_its_own(
    deploy: Callable[[str], Function], data: Path, endpoint: Any, passenger: dict[str, str]
) -> None:
    schema = json.loads((data / "schema.json").read_text())
    predict = deploy(json.dumps(schema | {"request": {"key": "flight", "result": "late"}}))

    assert predict({"flight": passenger}).payload == {"late": 1, "score": 0.93}
    assert '"flight"' in predict({"passenger": passenger}).payload["errorMessage"]


def test_linear_learners_label_counts_whatever_its_score(
    predict: Function, endpoint: Any, passenger: dict[str, str]
) -> None:
    body = b'{"predictions": [{"score": 0.61, "predicted_label": 0}]}'
    endpoint.answer = (200, {"Content-Type": "application/json"}, body)

    assert predict({"passenger": passenger}).payload == {"satisfied": 0, "score": 0.61}


def test_numbers_are_as_good_as_their_text_and_what_is_no_feature_may_be_there_or_not(
    predict: Function, endpoint: Any, passenger: dict[str, str], row: str
) -> None:
    numbers = {name: int(value) if value.isdigit() else value for name, value in passenger.items()}
    for name in ("", "Unnamed: 0", "id", "satisfaction"):
        numbers.pop(name, None)
    predict({"passenger": numbers})
    assert endpoint.row == row

    predict({"passenger": {"": 7, "id": "13", **numbers}})
    assert endpoint.row == row


def test_null_and_empty_are_the_median(predict: Function, endpoint: Any, passenger: dict[str, str], data: Path) -> None:
    columns = json.loads((data / "schema.json").read_text())["columns"]
    [median] = [column["median"] for column in columns if column["name"] == "Arrival Delay in Minutes"]
    for nothing in (None, ""):
        predict({"passenger": {**passenger, "Arrival Delay in Minutes": nothing}})

        assert float(endpoint.row.split(",")[-1]) == median


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"Age": "old"}, "Age"),
        ({"Class": "Steerage"}, "Class"),
        ({"Seat comfort": [5]}, "Seat comfort"),
        ({"Aeg": 1}, "Aeg"),
    ],
)
def test_a_wrong_value_is_a_400_that_names_its_field(
    predict: Function, endpoint: Any, passenger: dict[str, str], change: dict[str, object], field: str
) -> None:
    answer = predict({"passenger": passenger | change})

    assert answer.payload["errorType"] == "BadRequest"
    assert answer.payload["errorMessage"].startswith("[400] ")
    assert field in answer.payload["errorMessage"]
    assert endpoint.row is None


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        ({"data": "1,2"}, '"data" has 2 values; the model takes 22: Gender, '),
        ({"data": [1, 2]}, '"data" must be text with 22 numbers separated by commas.'),
        ({"data": "1," * 21 + "x"}, "Value 22 of \"data\" (Arrival Delay in Minutes) is 'x', which is not a number."),
        ({"data": "1," * 2 + "," + "1," * 18 + "1"}, "Value 3 of \"data\" (Age) is '', which is not a number."),
        ({"data": "nan," * 21 + "1"}, "Value 1 of \"data\" (Gender) is 'nan', which is not a number."),
        ({"passenger": "me"}, '"passenger" must be an object with the raw columns and their values.'),
        ({"passenger": {}}, "'Gender' is missing."),
        ({}, "this one has neither."),
        ({"data": "1", "passenger": {}}, "this one has data and passenger."),
        ([1], "this one has neither."),
        (None, "this one has neither."),
    ],
)
def test_a_wrong_request_is_a_400_with_a_sentence(
    predict: Function, endpoint: Any, event: object, sentence: str
) -> None:
    answer = predict(event)

    assert (answer.error, answer.payload["errorType"]) == ("Unhandled", "BadRequest")
    assert answer.payload["errorMessage"].startswith("[400] ")
    assert sentence in answer.payload["errorMessage"]


@pytest.mark.parametrize("is_base64", [False, True])
def test_a_proxy_event_gets_an_http_response(
    predict: Function, endpoint: Any, passenger: dict[str, str], is_base64: bool
) -> None:
    body = json.dumps({"passenger": passenger})
    if is_base64:
        body = base64.b64encode(body.encode()).decode()

    answer = predict({"httpMethod": "POST", "body": body, "isBase64Encoded": is_base64}).payload

    assert (answer["statusCode"], answer["headers"]) == (200, {"Content-Type": "application/json"})
    assert json.loads(answer["body"]) == {"satisfied": 1, "score": 0.93}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [("{", "The body is not JSON: "), (None, "The body is not JSON: "), ('{"data": "1"}', '"data" has 1 values')],
)
def test_a_wrong_proxy_request_is_a_400_response(
    predict: Function, endpoint: Any, body: str | None, sentence: str
) -> None:
    answer = predict({"httpMethod": "POST", "body": body, "isBase64Encoded": False})

    assert (answer.error, answer.payload["statusCode"]) == (None, 400)
    assert json.loads(answer.payload["body"])["message"].startswith(sentence)


MODEL_ERROR = {"Message": "Received client error (400)", "OriginalMessage": "row 1 has 22", "OriginalStatusCode": 400}
NOT_FOUND = {"message": "Endpoint airline of account 000000000000 not found."}


@pytest.mark.parametrize(
    ("status", "code", "body", "sentence"),
    [
        (424, "ModelError", json.dumps(MODEL_ERROR), "[502] The model did not take the row: row 1 has 22"),
        (
            400,
            "ValidationError",
            json.dumps(NOT_FOUND),
            "[503] The endpoint airline is not available: Endpoint airline",
        ),
        (200, "", "<html>", "[502] The endpoint airline answered '<html>', which is no prediction."),
        (200, "", '{"predictions": []}', "[502] The endpoint airline answered '{\"predictions\": []}', which is"),
    ],
)
def test_an_endpoint_that_does_not_predict_is_a_502_or_503(
    predict: Function, endpoint: Any, row: str, status: int, code: str, body: str, sentence: str
) -> None:
    endpoint.answer = (status, {"x-amzn-ErrorType": code, "Content-Type": "application/json"}, body.encode())

    assert predict({"data": row}).payload["errorMessage"].startswith(sentence)
    proxied = predict({"httpMethod": "POST", "body": json.dumps({"data": row})}).payload
    assert proxied["statusCode"] == int(sentence[1:4])
