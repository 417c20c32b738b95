"""Integrations that LocalStack carries out: who may call is checked before."""

import pytest
import requests

from preflight.stack import Stack
from tests.local.preflight.hosts.localstack.api_gateway.conftest import Api, said


@pytest.mark.parametrize("authorization", ["NONE", "AWS_IAM"])
def test_another_integration_is_passed_on_once_the_caller_may(api: Api, stack: Stack, authorization: str) -> None:
    proxy = {"type": "HTTP_PROXY", "integrationHttpMethod": "GET", "uri": f"{stack.endpoint_url}/_localstack/health"}
    names = {"restApiId": api.id, "resourceId": api.resources["/"], "httpMethod": "ANY"}
    api.client.put_method(**names, authorizationType=authorization)
    api.client.put_integration(**names, **proxy)

    answer = requests.post(api.deploy(), "body", timeout=30)

    if authorization == "NONE":
        assert "services" in answer.json()
    else:
        assert said(answer) == (403, "Missing Authentication Token")


def test_a_page_from_elsewhere_gets_into_no_api(api: Api) -> None:
    api.answers(api.add("/", "POST", integration={"requestTemplates": {"application/json": '{"statusCode": 200}'}}))

    assert requests.post(api.deploy(), headers={"Origin": "https://evil.example"}, timeout=30).status_code == 403
