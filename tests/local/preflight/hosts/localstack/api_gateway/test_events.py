"""The event that a function behind a proxy integration gets."""

import base64
import re
from typing import Any

import pytest
import requests

from tests.local.preflight.hosts.localstack.api_gateway.conftest import Api, NewApi
from tests.local.preflight.hosts.localstack.lambda_.conftest import Function


@pytest.fixture
def url(api: Api, proxy_echo: Function) -> str:
    api.add("/p/{name}", "ANY", proxy_echo)
    return api.deploy() + "/p/x"


def test_an_event_has_all_its_members(api: Api, url: str) -> None:
    answer = requests.get(url, headers={"X-One": "1"}, timeout=30)

    event = answer.json()
    assert {name: event[name] for name in event if name not in ("headers", "multiValueHeaders", "requestContext")} == {
        "resource": "/p/{name}",
        "path": "/p/x",
        "httpMethod": "GET",
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"name": "x"},
        "stageVariables": None,
        "body": None,
        "isBase64Encoded": False,
    }
    assert event["headers"]["X-One"] == "1"
    assert event["multiValueHeaders"]["X-One"] == ["1"]


def test_the_request_context_is_aws_own(api: Api, url: str) -> None:
    answer = requests.get(url, headers={"User-Agent": "someone"}, timeout=30)

    context: dict[str, Any] = answer.json()["requestContext"]
    identity = context.pop("identity")
    assert re.fullmatch(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000", context.pop("requestTime"))
    assert re.fullmatch(r"\d{13}", str(context.pop("requestTimeEpoch")))
    assert context.pop("requestId") == answer.headers["x-amzn-RequestId"]
    assert context.pop("extendedRequestId") == answer.headers["x-amz-apigw-id"]
    assert context.pop("deploymentId")
    assert context.pop("domainName").startswith(context.pop("domainPrefix"))
    assert context == {
        "accountId": "000000000000",
        "apiId": api.id,
        "resourceId": api.resources["/p/{name}"],
        "resourcePath": "/p/{name}",
        "httpMethod": "GET",
        "path": "/test/p/x",
        "protocol": "HTTP/1.1",
        "stage": "test",
    }
    assert len(identity) == 12
    assert {name: value for name, value in identity.items() if value} == {
        "sourceIp": "127.0.0.1",
        "userAgent": "someone",
    }


@pytest.mark.parametrize(
    "content_type", [None, "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/csv"]
)
def test_a_body_arrives_as_it_was_sent(url: str, content_type: str | None) -> None:
    sent = 'a=1&b=2%20x\r\n{"data": "1,2,3"}  é'

    event = requests.post(
        url, sent.encode(), headers={"Content-Type": content_type} if content_type else {}, timeout=30
    )

    assert event.json()["body"] == sent


def test_bytes_that_are_no_text_are_replaced(url: str) -> None:
    event = requests.post(url, b"a\xffb", headers={"Content-Type": "application/octet-stream"}, timeout=30).json()

    assert (event["body"], event["isBase64Encoded"]) == ("a\ufffdb", False)


@pytest.mark.parametrize(
    ("binary", "sent"), [("image/*", "image/png"), ("*/*", "application/json"), ("a/b", "a/b; c=d")]
)
def test_a_binary_body_is_base64(new_api: NewApi, proxy_echo: Function, binary: str, sent: str) -> None:
    api = new_api(binaryMediaTypes=[binary])
    api.add("/", "POST", proxy_echo)

    event = requests.post(api.deploy(), b"\x00\xff", headers={"Content-Type": sent, "Accept": "x/y"}, timeout=30).json()

    assert (base64.b64decode(event["body"]), event["isBase64Encoded"]) == (b"\x00\xff", True)


def test_query_values_are_decoded_and_all_there(url: str) -> None:
    event = requests.get(f"{url}?price=10&price=20&mail=a%2Bb+c&empty=", timeout=30).json()

    assert event["queryStringParameters"] == {"price": "20", "mail": "a+b c", "empty": ""}
    assert event["multiValueQueryStringParameters"] == {"price": ["10", "20"], "mail": ["a+b c"], "empty": [""]}


def test_headers_keep_their_case_and_what_is_the_gateways_is_dropped(url: str) -> None:
    sent = {
        "tEsT-HEADeR": "aA",
        "authorization": "k=v",
        "Max-Forwards": "3",
        "TE": "trailers",
        "X-Forwarded-For": "1.2.3.4",
    }

    headers = requests.post(url, b"x", headers=sent, timeout=30).json()["headers"]

    assert headers["tEsT-HEADeR"] == "aA"
    assert headers["Authorization"] == "k=v"
    assert not {"max-forwards", "te", "content-length", "connection"} & {name.lower() for name in headers}
    assert headers["X-Forwarded-For"] == "1.2.3.4, 127.0.0.1"
    assert (headers["X-Forwarded-Port"], headers["X-Forwarded-Proto"]) == ("443", "https")
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};.*", headers["X-Amzn-Trace-Id"])


def test_stage_variables_and_mapped_headers_are_in_the_event(api: Api, proxy_echo: Function) -> None:
    integration = {"requestParameters": {"integration.request.header.model": "stageVariables.model"}}
    api.add("/", "GET", proxy_echo, integration=integration)
    url = api.deploy(variables={"model": "m1"})

    event = requests.get(url, timeout=30).json()

    assert (event["stageVariables"], event["headers"]["model"]) == ({"model": "m1"}, "m1")


def test_a_stage_variable_names_the_function(api: Api, proxy_echo: Function) -> None:
    names = api.add("/", "GET", proxy_echo)
    uri = (
        "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:"
    )
    change = {"op": "replace", "path": "/uri", "value": uri + "${stageVariables.f}/invocations"}
    api.client.update_integration(**names, patchOperations=[change])
    url = api.deploy(variables={"f": proxy_echo.name})
    assert requests.get(url, timeout=30).status_code == 200

    api.set_stage(variables__f="nobody")

    assert requests.get(url, timeout=30).status_code == 500
