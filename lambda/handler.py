"""Answers one row of the table: one passenger, satisfied or not. The Lambda function behind ``POST /predict``.

It is zipped together with ``encoder.py`` and the ``schema.json`` of the data that the model was trained on, and asks
the endpoint named by the variable ENDPOINT_NAME. The event is one of

    {"data": "v1,...,vN"}            the model's features in order, encoded already  ->  0 or 1
    {"passenger": {column: value}}   a raw row: numbers, or the strings of the CSV   ->  {"satisfied": 0, "score": 0.07}
    {"record": {column: value}}      the same, whatever the table is about           ->  {"label": 0, "score": 0.07}

Where the label has three or more classes, encoded features are answered with the class's number, and a raw row with
its name: {"label": "b", "score": 0.8, "scores": {"a": 0.1, "b": 0.8, "c": 0.1}}; where it is a number, with that:
{"label": 151.3}.

An asynchronous endpoint (the variable ASYNC_INPUT says where in S3 its questions go) takes the row and answers later:
either event is then answered with {"output": "s3://...", "failure": "s3://..."}, one of which will be there, and holds
what the model said.

Behind a proxy integration the event has that as JSON in ``body``, and the answer is the body of the response. The
names ``passenger`` and ``satisfied`` are the schema's (``[data.request]`` of preflight.toml).

Errors. A sentence for the caller, and an HTTP status:
    400  the input is wrong; the sentence names the field
    502  the endpoint refused the row or answered no prediction
    503  the endpoint is not there, or not in time
Behind a proxy integration the status is ``statusCode`` and the body ``{"message": sentence}``. Behind a non-proxy
integration the error is raised with the message ``[400] sentence``, for the integration responses to match with a
selectionPattern such as ``(?s)\\[400\\].*``.
https://docs.aws.amazon.com/apigateway/latest/developerguide/handle-errors-in-lambda-integration.html
"""

import base64
import json
import math
import os
import re
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from encoder import Encoder, EncodingError, format_row  # type: ignore[import-not-found]

ENDPOINT_NAME = os.environ["ENDPOINT_NAME"]
ASYNC_INPUT = os.environ.get("ASYNC_INPUT")
SCHEMA = json.loads(Path(__file__).with_name("schema.json").read_text(encoding="utf-8"))
ENCODER = Encoder(SCHEMA)
ROW_KEY = SCHEMA["request"]["key"]
KIND = SCHEMA["label"]["kind"]
CLASSES = SCHEMA["label"]["classes"]
# Both attempts together stay below the function's own 20 seconds, and so below the 29 that API Gateway waits.
RUNTIME = boto3.client(
    "sagemaker-runtime",
    config=Config(connect_timeout=1, read_timeout=8, retries={"mode": "standard", "total_max_attempts": 2}),
)
S3 = boto3.client("s3")

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
THRESHOLD = 0.5
RESULT_NAMES = {"record": "label", ROW_KEY: SCHEMA["request"]["result"]}
KEYS = ("data", *RESULT_NAMES)
SHOWN_CHARACTERS = 200


class PredictionError(Exception):
    """What the caller gets instead of a prediction."""

    status = 500

    def __init__(self, sentence: str) -> None:
        super().__init__(f"[{self.status}] {sentence}")
        self.sentence = sentence


class BadRequest(PredictionError):
    """The input is wrong."""

    status = 400


class BadAnswer(PredictionError):
    """The endpoint refused the row, or its answer is no prediction."""

    status = 502


class EndpointUnavailable(PredictionError):
    """The endpoint is not there, or did not answer in time."""

    status = 503


def handler(event: Any, context: Any) -> Any:
    """Answer an event of either integration. Raises PredictionError behind a non-proxy one."""
    if not is_proxy(event):
        return predict(event)
    try:
        return _http_response(200, predict(_parse_body(event)))
    except PredictionError as error:
        return _http_response(error.status, {"message": error.sentence})


def predict(request: Any) -> float | dict[str, Any]:
    """Return the label for ``data``, and an object with the score for a raw row."""
    given = [key for key in KEYS if isinstance(request, Mapping) and key in request]
    if len(given) != 1:
        raise BadRequest(
            'Send a JSON object with one of "data" (the encoded features as comma-separated text) or '
            f'"{ROW_KEY}" (an object of raw columns); this one has {" and ".join(given) or "neither"}.'
        )
    [key] = given
    row = _check_features(request["data"]) if key == "data" else _encode(key, request[key])
    if ASYNC_INPUT:
        return _invoke_endpoint_async(row)
    label, scores = _invoke_endpoint(row)
    if key == "data":
        return label
    return _described(RESULT_NAMES[key], label, scores)


def _described(result: str, label: float, scores: list[float]) -> dict[str, Any]:
    """The answer to a raw row, by the kind of label."""
    if KIND == "regression":
        return {result: label}
    if KIND == "binary":
        return {result: label, "score": scores[0]}
    named = dict(zip(CLASSES, scores, strict=True)) if scores else {}  # multi:softmax tells the class alone
    name = CLASSES[int(label)]
    return {result: name, "score": named[name], "scores": named} if named else {result: name}


def is_proxy(event: Any) -> bool:
    """True for the event of a proxy integration or a function URL: the request itself is in its body."""
    return isinstance(event, Mapping) and ("httpMethod" in event or "requestContext" in event)


def _parse_body(event: Mapping[str, Any]) -> Any:
    body = event.get("body") or ""
    try:
        return json.loads(base64.b64decode(body) if event.get("isBase64Encoded") else body)
    except ValueError as error:
        raise BadRequest(f"The body is not JSON: {error}.") from error


def _check_features(data: Any) -> str:
    """Return the row as the endpoint takes it, when it is as many numbers as the model has features."""
    names = ENCODER.feature_names
    if not isinstance(data, str):
        raise BadRequest(f'"data" must be text with {len(names)} numbers separated by commas.')
    values = [value.strip() for value in data.split(",")]
    if len(values) != len(names):
        raise BadRequest(f'"data" has {len(values)} values; the model takes {len(names)}: {", ".join(names)}.')
    for position, (name, value) in enumerate(zip(names, values, strict=True), start=1):
        if not NUMBER.fullmatch(value) or not math.isfinite(float(value)):
            raise BadRequest(f'Value {position} of "data" ({name}) is {_shown(value)}, which is not a number.')
    return ",".join(values)


def _encode(key: str, record: Any) -> str:
    if not isinstance(record, Mapping):
        raise BadRequest(f'"{key}" must be an object with the raw columns and their values.')
    try:
        row: str = format_row(ENCODER.encode(record))
    except EncodingError as error:
        raise BadRequest(str(error)) from error
    return row


def _invoke_endpoint(row: str) -> tuple[float, list[float]]:
    """Return label and scores: one for two classes, one a class for more, none for a number.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
    """
    try:
        answer = RUNTIME.invoke_endpoint(EndpointName=ENDPOINT_NAME, ContentType="text/csv", Body=row)
        body = answer["Body"].read()
    except RUNTIME.exceptions.ModelError as error:
        words = error.response.get("OriginalMessage") or error.response["Error"]["Message"]
        raise BadAnswer(f"The model did not take the row: {words}") from error
    except ClientError as error:
        words = error.response["Error"].get("Message") or error.response["Error"].get("Code")
        raise EndpointUnavailable(f"The endpoint {ENDPOINT_NAME} is not available: {words}") from error
    except BotoCoreError as error:
        raise EndpointUnavailable(f"The endpoint {ENDPOINT_NAME} did not answer: {error}") from error
    try:
        return _read_prediction(body.decode())
    except (ValueError, KeyError, IndexError, TypeError) as error:
        text = _shown(body.decode(errors="replace"))
        raise BadAnswer(f"The endpoint {ENDPOINT_NAME} answered {text}, which is no prediction.") from error


def _invoke_endpoint_async(row: str) -> dict[str, str]:
    """Store the row, have the endpoint read it when it can, and return where the answer will be.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointAsync.html
    """
    question = f"{ASYNC_INPUT}/{uuid.uuid4()}.csv"
    bucket, _, object_key = question.removeprefix("s3://").partition("/")
    try:
        S3.put_object(Bucket=bucket, Key=object_key, Body=row)
        answer = RUNTIME.invoke_endpoint_async(
            EndpointName=ENDPOINT_NAME, ContentType="text/csv", InputLocation=question
        )
    except ClientError as error:
        words = error.response["Error"].get("Message") or error.response["Error"].get("Code")
        raise EndpointUnavailable(f"The endpoint {ENDPOINT_NAME} takes no questions: {words}") from error
    except BotoCoreError as error:
        raise EndpointUnavailable(f"The endpoint {ENDPOINT_NAME} did not take the question: {error}") from error
    return {"output": answer["OutputLocation"], "failure": answer["FailureLocation"]}


def _read_prediction(text: str) -> tuple[float, list[float]]:
    """Read Linear Learner's JSON, which has the label, or XGBoost's bare numbers."""
    if text.lstrip().startswith("{"):
        [prediction] = json.loads(text)["predictions"]
        score = prediction["score"]
        scores = [float(value) for value in (score if isinstance(score, list) else [score])]
        if KIND == "regression":
            [number] = scores
            return number, []
        if KIND == "multiclass":
            _require_a_score_for_each_class(scores)
        return int(float(prediction["predicted_label"])), scores
    scores = [float(value) for value in text.split(",")]
    if KIND == "multiclass" and len(scores) > 1:
        _require_a_score_for_each_class(scores)
        return scores.index(max(scores)), scores
    [number] = scores
    if KIND == "multiclass":
        return int(number), []
    return (number, []) if KIND == "regression" else (1 if number >= THRESHOLD else 0, scores)


def _require_a_score_for_each_class(scores: list[float]) -> None:
    if len(scores) != len(CLASSES):
        raise ValueError(f"{len(scores)} scores for {len(CLASSES)} classes")


def _http_response(status: int, result: object) -> dict[str, object]:
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps(result),
        "isBase64Encoded": False,
    }


def _shown(text: str) -> str:
    return repr(text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}...")
