"""InvokeEndpointWithResponseStream: the container's answer as an event stream."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, EventStreamError

from tests.local.conftest import Make, make_config, refusal
from tests.local.odd_service import TIMEOUT_SECONDS, OddService


@pytest.fixture(scope="module")
def endpoint(odd: OddService) -> str:
    return odd.endpoint(odd.config(odd.model()))


def parts(answer: Any) -> list[bytes]:
    return [event["PayloadPart"]["Bytes"] for event in answer["Body"]]


def stream(odd: OddService, endpoint: str, orders: dict[str, Any], **members: Any) -> Any:
    body = json.dumps(orders)
    return odd.runtime.invoke_endpoint_with_response_stream(EndpointName=endpoint, Body=body, **members)


def test_a_built_in_model_answers_in_a_stream(sagemaker: Any, runtime: Any, model: str, create_endpoint: Make) -> None:
    name = create_endpoint(make_config(sagemaker, model))["EndpointName"]

    answer = runtime.invoke_endpoint_with_response_stream(
        EndpointName=name, ContentType="text/csv", Accept="application/json", Body=b"4,1"
    )

    assert json.loads(b"".join(parts(answer)))["predictions"]
    assert (answer["ContentType"], answer["InvokedProductionVariant"]) == ("application/json", "v1")


def test_an_answer_comes_in_the_parts_the_container_sends(odd: OddService, endpoint: str) -> None:
    answer = stream(odd, endpoint, {"body": "abc", "drip": 0.1, "headers": {"Content-Type": "text/odd"}})

    assert parts(answer) == [b"a", b"b", b"c"]
    assert answer["ContentType"] == "text/odd"


def test_the_container_gets_accept_under_its_usual_name(odd: OddService, endpoint: str) -> None:
    shown = json.loads(b"".join(parts(stream(odd, endpoint, {"show": True}, Accept="text/odd", ContentType="a/b"))))

    assert (shown["headers"]["Accept"], shown["headers"]["Content-Type"]) == ("text/odd", "a/b")


@pytest.mark.parametrize(
    ("orders", "message"),
    [
        ({"raw": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"}, "The connection to the model broke off"),
        ({"body": "x" * 30, "drip": TIMEOUT_SECONDS / 5}, "The model did not complete its answer in time."),
    ],
)
def test_a_stream_that_does_not_end_well_ends_in_an_error(
    odd: OddService, endpoint: str, orders: dict[str, Any], message: str
) -> None:
    with pytest.raises(EventStreamError) as caught:
        parts(stream(odd, endpoint, orders))

    assert caught.value.response["Error"]["Code"] == "ModelStreamError"
    assert message in str(caught.value)


def test_an_error_before_the_stream_begins_is_a_model_error(odd: OddService, endpoint: str) -> None:
    with pytest.raises(ClientError) as caught:
        stream(odd, endpoint, {"status": 400, "body": "no"})

    assert caught.value.response["Error"]["Code"] == "ModelError"
    assert caught.value.response["OriginalMessage"] == "no"


def test_an_unknown_endpoint_has_no_stream(runtime: Any) -> None:
    assert refusal(runtime.invoke_endpoint_with_response_stream, EndpointName="none", Body=b"1") == (
        "ValidationError",
        "Endpoint none of account 000000000000 not found.",
    )
