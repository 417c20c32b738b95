"""What a page in the browser of whoever runs the stack cannot do."""

import json

import pytest
from preflight.stack import Stack

from tests.local.raw import call, send


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://example.com"}, {"Origin": "null"}, {"Referer": "http://a.b/c"}]
)
def test_a_page_from_elsewhere_invokes_no_endpoint(stack: Stack, headers: dict[str, str]) -> None:
    headers |= {"Content-Type": "text/plain"}  # what a browser sends without asking first

    status, _, body = send(stack.port, "POST", "/endpoints/some/invocations", b"1", headers)

    assert (status, json.loads(body)["__type"]) == (403, "AccessDeniedException")


def test_a_page_of_the_stack_itself_may_use_it(stack: Stack) -> None:
    assert call(stack.port, "ListModels", {}, Origin=f"http://localhost:{stack.port}")[0] == 200


@pytest.mark.parametrize("path", ["/", "/_localstack/health", "/some-bucket/some-key"])
def test_a_name_that_was_made_to_lead_here_gets_nothing(stack: Stack, path: str) -> None:
    status, _, body = send(stack.port, "GET", path, b"", {"Host": f"example.com:{stack.port}"})

    assert (status, b"example.com" in body) == (403, True)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:{port}", "[::1]:{port}", "bucket.s3.localhost.localstack.cloud:{port}", "stack"]
)
def test_names_of_this_machine_are_answered(stack: Stack, host: str) -> None:
    status, _, _ = send(stack.port, "GET", "/_localstack/health", b"", {"Host": host.format(port=stack.port)})

    assert status == 200
