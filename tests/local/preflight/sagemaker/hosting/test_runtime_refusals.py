"""What SageMaker Runtime refuses, byte by byte: boto3 does not show all of an error."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from preflight.stack import Stack
from tests.local.conftest import make_config, make_model, unique, wait_for_endpoint
from tests.local.odd_service import OddService
from tests.local.raw import send

TARGET_MODEL = {"X-Amzn-SageMaker-Target-Model": "m.tar.gz"}
TARGET_VARIANT = {"X-Amzn-SageMaker-Target-Variant": "none"}


@pytest.fixture(scope="module")
def endpoint(sagemaker: Any, role: str, artifact: str) -> Iterator[str]:
    name = unique("Endpoint")
    config = make_config(sagemaker, make_model(sagemaker, role, artifact))
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    assert wait_for_endpoint(sagemaker, name)["EndpointStatus"] == "InService"
    yield name
    sagemaker.delete_endpoint(EndpointName=name)


@pytest.mark.parametrize(
    ("path", "headers", "size", "status", "words", "code"),
    [
        ("none/invocations", {}, 1, 400, "Endpoint none of account 000000000000 not found.", "NO_SUCH_ENDPOINT"),
        (
            "none/invocations-response-stream",
            {},
            1,
            400,
            "Endpoint none of account 000000000000 not found.",
            "NO_SUCH_ENDPOINT",
        ),
        (
            "{name}/invocations",
            TARGET_MODEL,
            1,
            400,
            "Endpoint {name} is not a multi-model endpoint and does not support target model header.",
            "TARGET_MODEL_HEADER_NOT_SUPPORTED",
        ),
        ("{name}/invocations", TARGET_VARIANT, 1, 400, "Variant none of endpoint {name} not found.", None),
        ("{name}/invocations", {}, 26_214_401, 413, "26214400", None),
    ],
)
def test_a_refusal_has_its_code_in_a_header_and_what_clients_match_in_the_body(
    stack: Stack,
    endpoint: str,
    path: str,
    headers: dict[str, str],
    size: int,
    status: int,
    words: str,
    code: str | None,
) -> None:
    path = f"/endpoints/{path.format(name=endpoint)}"

    answered, answer_headers, body = send(stack.port, "POST", path, b"1" * size, headers)

    answer = json.loads(body)
    assert (answered, answer_headers["x-amzn-errortype"]) == (status, "ValidationError")
    assert (words.format(name=endpoint) in answer["Message"], answer.get("ErrorCode")) == (True, code), answer
    assert answer_headers["x-amzn-requestid"]


def test_names_are_case_sensitive_here_and_only_here(sagemaker: Any, runtime: Any, endpoint: str) -> None:
    other = endpoint.lower()

    assert sagemaker.describe_endpoint(EndpointName=other)["EndpointName"] == endpoint
    with pytest.raises(ClientError, match=f"Endpoint {other} of account 000000000000 not found."):
        runtime.invoke_endpoint(EndpointName=other, Body=b"1")


@pytest.mark.parametrize(("status", "code"), [(400, "CLIENT_ERROR_FROM_MODEL"), (503, "INTERNAL_FAILURE_FROM_MODEL")])
def test_a_model_error_says_whose_fault_it_is(odd: OddService, status: int, code: str) -> None:
    name = odd.endpoint(odd.config(odd.model()))

    with pytest.raises(ClientError):
        odd.ask(name, {"status": status, "body": "no"})

    answer = json.loads(odd.answered)
    assert (answer["ErrorCode"], answer["OriginalStatusCode"]) == (code, status)
    odd.call("DeleteEndpoint", EndpointName=name)
