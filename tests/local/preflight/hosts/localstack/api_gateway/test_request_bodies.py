"""What API Gateway takes for JSON before a function sees it."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from preflight.stack import Stack
from tests.local.conftest import Make, unique


@pytest.fixture(scope="module")
def url(client: Make, stack: Stack) -> Iterator[str]:
    """An API whose one method looks at its body and does nothing else."""
    gateway: Any = client("apigateway")
    api = {"restApiId": gateway.create_rest_api(name=unique("bodies"))["id"]}
    validator = gateway.create_request_validator(**api, name="body", validateRequestBody=True)["id"]
    gateway.create_model(**api, name="Any", contentType="application/json", schema='{"title": "Any"}')
    method = {**api, "resourceId": gateway.get_resources(**api)["items"][0]["id"], "httpMethod": "POST"}
    models = {"requestModels": {"application/json": "Any"}, "requestValidatorId": validator}
    gateway.put_method(**method, authorizationType="NONE", **models)
    gateway.put_integration(**method, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    gateway.put_method_response(**method, statusCode="200")
    gateway.put_integration_response(**method, statusCode="200")
    gateway.create_deployment(**api, stageName="test")
    yield f"{stack.endpoint_url}/_aws/execute-api/{api['restApiId']}/test/"
    gateway.delete_rest_api(**api)


@pytest.mark.parametrize(
    "body", [b'{"a": "\xff"}', b"\xff\xfe\x00", b"[" * 100_000, b"NaN", '{"a": 1}'.encode("utf-16")]
)
def test_a_body_that_is_no_json_is_the_callers_fault(url: str, body: bytes) -> None:
    answer = requests.post(url, data=body, headers={"Content-Type": "application/json"}, timeout=30)

    assert (answer.status_code, answer.json()) == (400, {"message": "Invalid request body"})


@pytest.mark.parametrize("body", [b'{"a": [1, null, "\xc3\xa9"]}', b"", b"[" * 500 + b"]" * 500])
def test_a_body_that_is_json_gets_through(url: str, body: bytes) -> None:
    assert requests.post(url, data=body, headers={"Content-Type": "application/json"}, timeout=30).status_code == 200
