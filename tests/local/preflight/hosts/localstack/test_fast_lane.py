"""One connection, and all that clients may send on it: it is answered the same whoever answers it."""

import contextlib
import json
import socket
import ssl
from collections.abc import Iterator
from typing import Any, Self

import pytest

from preflight.stack import Stack
from tests.local.conftest import Make, make_config, make_model, unique, wait_for_endpoint
from tests.local.raw import signature

TIMEOUT_SECONDS = 30
QUIET_SECONDS = 1.5  # longer than a thread waits for a client
LIST_BUCKETS = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: %b\r\n\r\n" % signature().replace("sagemaker", "s3").encode()
)


class Client:
    """A connection, and what comes on it."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS)
        self._answers = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._answers.close()
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def answer(self, *, has_body: bool = True) -> tuple[int, dict[str, str], bytes]:
        """Status, headers (names in lower case) and body of the next answer."""
        status = int(self.status_line().split()[1])
        headers = {}
        while line := self._answers.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        if not has_body or status == 100:
            return status, headers, b""
        if headers.get("transfer-encoding") == "chunked":
            return status, headers, b"".join(self._chunks())
        return status, headers, self._answers.read(int(headers["content-length"]))

    def _chunks(self) -> Iterator[bytes]:
        while length := int(self._answers.readline(), 16):
            yield self._answers.read(length)
            self._answers.readline()
        self._answers.readline()

    def status_line(self) -> bytes:
        """Of the next answer; empty if the connection is closed without one."""
        return self._answers.readline()

    def is_quiet(self) -> bool:
        """Whether nothing comes for some time, and the connection stays."""
        self._socket.settimeout(QUIET_SECONDS)
        try:
            return self._socket.recv(1, socket.MSG_PEEK) is None
        except TimeoutError:
            return True
        finally:
            self._socket.settimeout(TIMEOUT_SECONDS)

    def is_closed(self) -> bool:
        return self._answers.read(1) == b""


@pytest.fixture(scope="module")
def endpoint(sagemaker: Any, role: str, artifact: str) -> Iterator[str]:
    name, model = unique("lane"), make_model(sagemaker, role, artifact)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=make_config(sagemaker, model))
    wait_for_endpoint(sagemaker, name)
    yield name
    sagemaker.delete_endpoint(EndpointName=name)


@pytest.fixture(scope="module")
def api(client: Make) -> Iterator[str]:
    """The path of a method that answers 200 and ``{}`` to everyone."""
    gateway = client("apigateway")
    name = gateway.create_rest_api(name=unique("lane"))["id"]
    root = gateway.get_resources(restApiId=name)["items"][0]["id"]
    method = {"restApiId": name, "resourceId": root, "httpMethod": "ANY"}
    gateway.put_method(**method, authorizationType="NONE")
    templates = {"application/json": '{"statusCode": 200}'}
    gateway.put_integration(**method, type="MOCK", requestTemplates=templates)
    gateway.put_method_response(**method, statusCode="200")
    gateway.put_integration_response(**method, statusCode="200", responseTemplates={"application/json": "{}"})
    gateway.create_deployment(restApiId=name, stageName="test")
    yield f"/_aws/execute-api/{name}/test/"
    gateway.delete_rest_api(restApiId=name)


@pytest.fixture
def connection(stack: Stack) -> Iterator[Client]:
    with Client(stack.port) as client:
        yield client


def head(endpoint: str, *lines: str, version: str = "1.1", operation: str = "invocations") -> bytes:
    first = f"POST /endpoints/{endpoint}/{operation} HTTP/{version}"
    fields = ["Host: localhost", "Content-Type: text/csv", "Accept: application/json", f"Authorization: {signature()}"]
    return "\r\n".join([first, *fields, *lines, "", ""]).encode()


def invocation(endpoint: str, *lines: str, **options: str) -> bytes:
    return head(endpoint, "Content-Length: 3", *lines, **options) + b"4,1"


def is_prediction(answer: tuple[int, dict[str, str], bytes]) -> bool:
    return answer[0] == 200 and json.loads(answer[2])["predictions"][0]["predicted_label"] == 1


def is_bucket_list(answer: tuple[int, dict[str, str], bytes]) -> bool:
    return answer[0] == 200 and b"ListAllMyBucketsResult" in answer[2]


def test_requests_of_every_service_come_on_one_connection(connection: Client, endpoint: str, api: str) -> None:
    connection.send(invocation(endpoint))
    answer = connection.answer()
    assert is_prediction(answer)
    assert "server" not in answer[1]  # AWS's does not say what it is

    connection.send(f"GET {api} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert connection.answer()[::2] == (200, b"{}")
    connection.send(LIST_BUCKETS)
    assert is_bucket_list(connection.answer())
    connection.send(invocation(endpoint))
    assert is_prediction(connection.answer())


def test_requests_sent_at_once_are_answered_in_their_order(connection: Client, endpoint: str, api: str) -> None:
    get = f"GET {api} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    connection.send(invocation(endpoint) + get + invocation(endpoint) + LIST_BUCKETS + invocation(endpoint) + get)

    assert is_prediction(connection.answer())
    assert connection.answer()[2] == b"{}"
    assert is_prediction(connection.answer())
    assert is_bucket_list(connection.answer())
    assert is_prediction(connection.answer())
    assert connection.answer()[2] == b"{}"


@pytest.mark.parametrize("cut", [2, 30, -1], ids=["in the method", "in the head", "in the body"])
def test_a_slow_client_is_waited_for(connection: Client, endpoint: str, cut: int) -> None:
    connection.send(invocation(endpoint))
    assert is_prediction(connection.answer())
    request = invocation(endpoint)

    connection.send(request[:cut])
    assert connection.is_quiet()
    connection.send(request[cut:])

    assert is_prediction(connection.answer())


def test_a_connection_can_rest(connection: Client, endpoint: str) -> None:
    for _ in range(2):
        connection.send(invocation(endpoint))
        assert is_prediction(connection.answer())
        assert connection.is_quiet()


def test_a_body_may_come_in_chunks_or_after_leave_was_given(connection: Client, endpoint: str) -> None:
    connection.send(invocation(endpoint))
    assert is_prediction(connection.answer())

    connection.send(head(endpoint, "Transfer-Encoding: chunked") + b"1\r\n4\r\n2\r\n,1\r\n0\r\n\r\n")
    assert is_prediction(connection.answer())

    connection.send(head(endpoint, "Content-Length: 3", "Expect: 100-continue"))
    assert connection.answer()[0] == 100
    connection.send(b"4,1")
    assert is_prediction(connection.answer())


@pytest.mark.parametrize("options", [{}, {"version": "1.0"}], ids=["Connection: close", "HTTP/1.0"])
def test_a_connection_ends_when_the_client_wants_it(connection: Client, endpoint: str, options: dict[str, str]) -> None:
    connection.send(invocation(endpoint, "Connection: close", **options))

    assert is_prediction(connection.answer())
    assert connection.is_closed()


def test_an_answer_can_be_without_a_body(connection: Client, endpoint: str, api: str) -> None:
    connection.send(f"HEAD {api} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() + invocation(endpoint))

    assert connection.answer(has_body=False)[0] == 200
    assert is_prediction(connection.answer())


def test_a_stream_is_followed_by_the_next_answer(connection: Client, endpoint: str) -> None:
    connection.send(invocation(endpoint, operation="invocations-response-stream") + invocation(endpoint))

    status, headers, body = connection.answer()

    assert (status, headers["content-type"]) == (200, "application/vnd.amazon.eventstream")
    assert b"predicted_label" in body
    assert is_prediction(connection.answer())


def test_a_page_is_refused_on_a_connection_that_was_good(connection: Client, endpoint: str, api: str) -> None:
    connection.send(invocation(endpoint))
    assert is_prediction(connection.answer())

    for request in (
        invocation(endpoint, "Origin: https://example.com"),
        f"GET {api} HTTP/1.1\r\nHost: localhost\r\nOrigin: https://example.com\r\n\r\n".encode(),
        f"GET {api} HTTP/1.1\r\nHost: rebound.example.com\r\n\r\n".encode(),
    ):
        connection.send(request)
        assert connection.answer()[0] == 403


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 3", "Content-Length: 4"),
        ("Content-Length: -1",),
        ("Content-Length: x",),
        ("no header",),
        ("Content-Length: 3", f"X-Long: {'x' * 70_000}"),
    ],
    ids=["two lengths", "negative", "no number", "no header", "long"],
)
def test_what_is_no_http_is_refused_and_harms_nobody(stack: Stack, endpoint: str, lines: tuple[str, ...]) -> None:
    with Client(stack.port) as broken, Client(stack.port) as whole:
        broken.send(invocation(endpoint))
        assert is_prediction(broken.answer())
        with contextlib.suppress(ConnectionError):  # it may be closed while we still send
            broken.send(head(endpoint, *lines) + b"4,1")
            assert broken.status_line() in (b"HTTP/1.1 400 Bad Request\r\n", b"")
        whole.send(invocation(endpoint))
        assert is_prediction(whole.answer())


def test_clients_that_hang_up_leave_room_for_others(stack: Stack, endpoint: str) -> None:
    request = invocation(endpoint)
    for cut in (10, len(request) - 1, len(request)):
        for _ in range(20):
            with Client(stack.port) as client:
                client.send(request[:cut])

    with Client(stack.port) as client:
        client.send(request)
        assert is_prediction(client.answer())


def test_a_client_that_wants_tls_is_told_at_once(stack: Stack) -> None:
    context = ssl.create_default_context()
    with socket.create_connection(("127.0.0.1", stack.port), timeout=30) as connection, pytest.raises(ssl.SSLError):
        context.wrap_socket(connection, server_hostname="localhost")
