"""A function behind its URL: the event it gets, and what its answers become."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from preflight.stack import Stack
from tests.local.preflight.hosts.localstack.lambda_.conftest import Create

Open = Callable[..., Callable[..., requests.Response]]
ECHO = "def handler(event, context): return {'statusCode': 200, 'body': event}"


@pytest.fixture
def open_url(create_function: Create, stack: Stack) -> Open:
    """Gives a function of the text of ``function.py`` a URL; what it returns calls that."""

    def open_url(source: str) -> Callable[..., requests.Response]:
        function = create_function(source)
        who = {"StatementId": "all", "Principal": "*", "FunctionName": function.name}
        function.client.add_permission(**who, Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE")
        via_url = {"Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True}
        function.client.add_permission(**who | {"StatementId": "via-url"}, **via_url)
        made = function.client.create_function_url_config(FunctionName=function.name, AuthType="NONE")
        host = urlsplit(made["FunctionUrl"]).netloc

        def call(method: str = "GET", path: str = "/", headers: Any = None, **options: Any) -> requests.Response:
            url = f"{stack.endpoint_url}{path}"
            return requests.request(method, url, headers={"Host": host, **(headers or {})}, timeout=30, **options)

        return call

    return open_url


def test_the_event_has_the_request_as_it_came(open_url: Open) -> None:
    call = open_url(ECHO)

    event = call("POST", "/a%20b/c?x=1&x=2&y=%26", {"Cookie": "a=1; b=2", "X-Seat": "3A"}, json={"é": 1}).json()

    assert (event["version"], event["rawPath"], event["rawQueryString"]) == ("2.0", "/a%20b/c", "x=1&x=2&y=%26")
    assert (event["cookies"], event["headers"]["x-seat"]) == (["a=1", "b=2"], "3A")
    assert event["queryStringParameters"] == {"x": "1,2", "y": "&"}
    assert (json.loads(event["body"]), event["isBase64Encoded"]) == ({"é": 1}, False)
    asked = event["requestContext"]["http"]
    assert (asked["method"], asked["path"], asked["protocol"]) == ("POST", "/a%20b/c", "HTTP/1.1")


def test_what_was_not_sent_is_not_in_the_event(open_url: Open) -> None:
    event = open_url(ECHO)().json()

    assert not {"cookies", "queryStringParameters", "body"} & set(event)
    assert (event["rawPath"], event["rawQueryString"], event["isBase64Encoded"]) == ("/", "", False)


@pytest.mark.parametrize("content_type", ["image/png", "application/x-www-form-urlencoded"])
def test_a_body_that_is_no_text_arrives_in_base64(open_url: Open, content_type: str) -> None:
    event = open_url(ECHO)("POST", headers={"Content-Type": content_type}, data=b"\x00a=1\xff").json()

    assert (event["body"], event["isBase64Encoded"]) == ("AGE9Mf8=", True)


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        ("'hello'", 200, b"hello"),
        ("['hello', 3, True]", 200, b'["hello",3,true]'),
        ("None", 200, b"null"),
        ("{'a': 1}", 200, b'{"a":1}'),
        ("{'statusCode': '418', 'body': 'tea'}", 418, b"tea"),
        ("{'statusCode': 204}", 204, b""),
        ("{'statusCode': 200, 'body': 'AP8=', 'isBase64Encoded': True}", 200, b"\x00\xff"),
        ("{'statusCode': 'many'}", 502, b"Internal Server Error"),
        ("{'statusCode': 200, 'body': '!', 'isBase64Encoded': True}", 502, b"Internal Server Error"),
        ("1 / 0", 502, b"Internal Server Error"),
    ],
)
def test_an_answer_becomes_the_response(open_url: Open, answer: str, status: int, body: bytes) -> None:
    response = open_url(f"def handler(event, context): return {answer}")()

    assert (response.status_code, response.content) == (status, body)


def test_cookies_and_headers_are_sent(open_url: Open) -> None:
    answer = {
        "statusCode": 200,
        "headers": {"content-type": "text/plain", "X-Seats": 3},
        "cookies": ["a=1", "b=2; Secure"],
    }

    response = open_url(f"def handler(event, context): return {answer}")()

    assert (response.headers["Content-Type"], response.headers["X-Seats"]) == ("text/plain", "3")
    assert response.raw.headers.getlist("Set-Cookie") == ["a=1", "b=2; Secure"]


def test_a_url_that_is_nobodys_is_forbidden(stack: Stack) -> None:
    host = f"nobody.lambda-url.us-east-1.localhost:{stack.port}"

    response = requests.get(stack.endpoint_url, headers={"Host": host}, timeout=30)

    assert (response.status_code, response.json()) == (403, {"Message": None})


def test_a_url_without_both_rights_lets_nobody_in(create_function: Create, stack: Stack) -> None:
    function = create_function("def handler(event, context): return 'in'")
    made = function.client.create_function_url_config(FunctionName=function.name, AuthType="NONE")
    headers = {"Host": urlsplit(made["FunctionUrl"]).netloc}
    who = {"Principal": "*", "FunctionName": function.name}

    refused = requests.get(stack.endpoint_url, headers=headers, timeout=30)
    assert (refused.status_code, refused.headers["x-amzn-ErrorType"]) == (403, "AccessDeniedException")
    assert refused.text.startswith(
        '{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: '
    )
    function.client.add_permission(
        **who, StatementId="url", Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE"
    )
    assert requests.get(stack.endpoint_url, headers=headers, timeout=30).status_code == 403
    function.client.add_permission(**who, StatementId="via", Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True)
    assert requests.get(stack.endpoint_url, headers=headers, timeout=30).text == "in"


def test_a_url_of_aws_iam_asks_for_a_signature(create_function: Create, stack: Stack) -> None:
    told = "event['requestContext']['authorizer']['iam']['userArn']"
    function = create_function(f"def handler(event, context): return {told}")
    made = function.client.create_function_url_config(FunctionName=function.name, AuthType="AWS_IAM")
    host = {"Host": urlsplit(made["FunctionUrl"]).netloc}

    def signed(secret: str) -> requests.Response:
        request = AWSRequest("GET", f"{made['FunctionUrl']}?x=1", headers=host)
        SigV4Auth(Credentials("000000000000", secret), "lambda", "us-east-1").add_auth(request)
        return requests.get(f"{stack.endpoint_url}/?x=1", headers=dict(request.headers), timeout=30)

    assert requests.get(stack.endpoint_url, headers=host, timeout=30).status_code == 403
    assert signed("test").text == "arn:aws:iam::000000000000:root"
    wrong = signed("wrong")
    assert (wrong.status_code, wrong.headers["x-amzn-ErrorType"]) == (403, "InvalidSignatureException")
