"""What a function behind a proxy integration may answer.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import base64
from typing import Any

import pytest
import requests

from tests.local.preflight.hosts.localstack.api_gateway.conftest import Api, NewApi
from tests.local.preflight.hosts.localstack.lambda_.conftest import Create, Function

INTERNAL = '{"message": "Internal server error"}'


@pytest.fixture
def url(api: Api, puppet: Function) -> str:
    api.add("/", "POST", puppet)
    return api.deploy()


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        ({"statusCode": 200}, 200, ""),
        ({"statusCode": "201", "body": "made"}, 201, "made"),
        ({"body": "x"}, 200, "x"),
        ({}, 200, ""),
        ({"statusCode": 404, "body": None, "headers": None, "multiValueHeaders": None}, 404, ""),
        ({"statusCode": 599, "isBase64Encoded": False, "body": "é"}, 599, "é"),
    ],
)
def test_an_answer_is_passed_on(url: str, answer: dict[str, Any], status: int, body: str) -> None:
    found = requests.post(url, json=answer, timeout=30)

    assert (found.status_code, found.text) == (status, body)
    assert found.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "text",
        7,
        [],
        {"statusCode": 200, "body": {"label": 1}},
        {"statusCode": 200, "body": 5},
        {"statusCode": 200, "body": True},
        {"statusCode": 200, "body": ["a"]},
        {"statusCode": "test"},
        {"statusCode": 700},
        {"statusCode": 0},
        {"statusCode": 20.5},
        {"statusCode": True},
        {"statusCode": [200]},
        {"statusCode": 200, "wrongValue": "x"},
        {"statusCode": 200, "cookies": ["a=b"]},
        {"statusCode": 200, "headers": "a: b"},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "headers": {"a": ["b"]}},
        {"statusCode": 200, "headers": {"a": {"b": "c"}}},
        {"statusCode": 200, "headers": {"a": "b\r\nc: d"}},
        {"statusCode": 200, "headers": {"not a name": "b"}},
        {"statusCode": 200, "multiValueHeaders": {"a": "b"}},
        {"statusCode": 200, "multiValueHeaders": {"a": [{}]}},
        {"statusCode": 200, "isBase64Encoded": 1},
    ],
)
def test_what_is_no_answer_is_a_502(url: str, answer: Any) -> None:
    found = requests.post(url, json=answer, timeout=30)

    assert (found.status_code, found.text) == (502, INTERNAL)
    assert found.headers["x-amzn-ErrorType"] == "InternalServerErrorException"
    assert found.headers["X-Amzn-Trace-Id"].startswith("Root=1-")


@pytest.mark.parametrize("source", ["raise ValueError('no')", "import sys; sys.exit(1)", "return open('/dev/null')"])
def test_a_function_that_fails_is_a_502(api: Api, permitted: Create, source: str) -> None:
    api.add("/", "POST", permitted(f"def handler(event, context):\n    {source}\n"))

    found = requests.post(api.deploy(), json={}, timeout=30)

    assert (found.status_code, found.text) == (502, INTERNAL)


def test_header_values_may_be_numbers_and_truth_values(url: str) -> None:
    headers = {"X-Number": 5, "X-Fraction": 0.5, "X-True": True, "X-Text": "t"}

    found = requests.post(url, json={"headers": headers}, timeout=30).headers

    assert [found[name] for name in headers] == ["5", "0.5", "true", "t"]


def test_headers_of_both_kinds_are_merged(url: str) -> None:
    both = {"headers": {"x-both": "solo", "Content-Type": "text/csv"}, "multiValueHeaders": {"X-Both": ["multi", 2]}}

    found = requests.post(url, json=both, timeout=30)

    assert found.headers["X-Both"] == "multi, 2, solo"
    assert found.headers["Content-Type"] == "text/csv"


@pytest.mark.parametrize(
    "name", ["Date", "Server", "Content-Length", "WWW-Authenticate", "Authorization", "Connection"]
)
def test_headers_that_are_the_gateways_come_under_another_name(url: str, name: str) -> None:
    found = requests.post(url, json={"headers": {name: "mine"}, "body": "b"}, timeout=30)

    assert found.headers[f"x-amzn-Remapped-{name}"] == "mine"
    assert (found.headers.get(name), found.text) != ("mine", "")


@pytest.mark.parametrize(
    ("binary", "accept", "is_decoded"),
    [
        ([], "*/*", False),
        (["image/png"], "image/png", True),
        (["image/*"], "image/webp, text/html", True),
        (["image/png"], "text/html, image/png", False),
    ],
)
def test_base64_is_decoded_for_who_accepts_bytes(
    new_api: NewApi, puppet: Function, binary: list[str], accept: str, is_decoded: bool
) -> None:
    api = new_api(binaryMediaTypes=binary)
    api.add("/", "POST", puppet)
    text = base64.b64encode(b"\x00\xff").decode()
    answer = {"isBase64Encoded": True, "body": text}

    found = requests.post(api.deploy(), json=answer, headers={"Accept": accept}, timeout=30)

    assert found.content == (b"\x00\xff" if is_decoded else text.encode())


def test_what_is_no_base64_is_a_500(new_api: NewApi, puppet: Function) -> None:
    api = new_api(binaryMediaTypes=["image/png"])
    api.add("/", "POST", puppet)

    answer = {"isBase64Encoded": True, "body": "not base64!"}
    found = requests.post(api.deploy(), json=answer, headers={"Accept": "image/png"}, timeout=30)

    assert (found.status_code, found.text) == (500, INTERNAL)


def test_each_answer_names_its_request(url: str) -> None:
    first, second = (requests.post(url, json={}, timeout=30).headers for _ in range(2))

    assert first["x-amzn-RequestId"] != second["x-amzn-RequestId"]
    assert first["x-amz-apigw-id"].endswith("=")
    assert first["X-Amzn-Trace-Id"].startswith("Root=1-")


def test_a_trace_that_the_client_began_goes_on(url: str) -> None:
    root = "Root=1-5759e988-bd862e3fe1be46a994272793"

    assert (
        requests.post(url, json={}, headers={"X-Amzn-Trace-Id": root}, timeout=30)
        .headers["X-Amzn-Trace-Id"]
        .startswith(root)
    )
