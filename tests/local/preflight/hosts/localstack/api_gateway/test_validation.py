"""Request validators: parameters and bodies."""

import json
from typing import Any

import pytest
import requests

from tests.local.preflight.hosts.localstack.api_gateway.conftest import Api
from tests.local.preflight.hosts.localstack.lambda_.conftest import Function

NOTE = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}


def add(api: Api, function: Function, *, path: str = "/", verb: str = "POST", **members: Any) -> None:
    checks = {"validateRequestBody": True, "validateRequestParameters": True}
    made = api.client.create_request_validator(restApiId=api.id, name="all", **checks)["id"]
    api.add(path, verb, function, requestValidatorId=made, **members)


def model(api: Api, name: str, schema: dict[str, Any]) -> None:
    api.client.create_model(restApiId=api.id, name=name, contentType="application/json", schema=json.dumps(schema))


def test_what_is_required_must_be_there(api: Api, proxy_echo: Function) -> None:
    names = {"querystring.qs1": True, "header.x-header-param": True, "querystring.free": False}
    add(
        api,
        proxy_echo,
        verb="GET",
        requestParameters={f"method.request.{name}": value for name, value in names.items()},
    )
    url = api.deploy()

    refused = requests.get(url, timeout=30)
    taken = requests.get(f"{url}?qs1=1", headers={"x-header-param": "1"}, timeout=30)

    words = '{"message": "Missing required request parameters: [x-header-param, qs1]"}'
    assert (refused.status_code, refused.text, taken.status_code) == (400, words, 200)
    assert refused.headers["x-amzn-ErrorType"] == "BadRequestException"


@pytest.mark.parametrize(("body", "status"), [({"id": 1}, 200), ({}, 400), ({"id": "x"}, 400), ([], 400), (None, 400)])
def test_a_body_must_be_as_its_model_says(api: Api, proxy_echo: Function, body: Any, status: int) -> None:
    model(api, "Note", NOTE)
    add(api, proxy_echo, requestModels={"application/json": "Note"})

    answer = requests.post(api.deploy(), json=body, timeout=30)

    assert answer.status_code == status
    if status == 400:
        assert answer.text == '{"message": "Invalid request body"}'


def test_a_body_of_a_type_without_a_model_is_not_looked_at(api: Api, proxy_echo: Function) -> None:
    model(api, "Note", NOTE)
    add(api, proxy_echo, requestModels={"application/json": "Note"})

    answer = requests.post(api.deploy(), "1,2", headers={"Content-Type": "text/csv"}, timeout=30)

    assert answer.json()["body"] == "1,2"


def test_a_model_may_name_another(api: Api, proxy_echo: Function) -> None:
    model(api, "Note", NOTE)
    model(
        api,
        "Notes",
        {"type": "array", "items": {"$ref": f"https://apigateway.amazonaws.com/restapis/{api.id}/models/Note"}},
    )
    add(api, proxy_echo, requestModels={"application/json": "Notes"})
    url = api.deploy()

    bodies: list[object] = [[{"id": 1}], [{}], {}]
    assert [requests.post(url, json=body, timeout=30).status_code for body in bodies] == [200, 400, 400]


def test_an_answer_of_its_own_says_what_is_wrong(api: Api, proxy_echo: Function) -> None:
    model(api, "Note", NOTE)
    template = {
        "application/json": '{"error": "$context.error.validationErrorString", "type": "$context.error.responseType"}'
    }
    api.client.put_gateway_response(restApiId=api.id, responseType="BAD_REQUEST_BODY", responseTemplates=template)
    add(api, proxy_echo, requestModels={"application/json": "Note"})

    text = requests.post(api.deploy(), json={}, timeout=30).text

    assert text == '{"error": "[object has missing required properties (["id"])]", "type": "BAD_REQUEST_BODY"}'
