"""API keys, usage plans, rates, quotas."""

from typing import Any

import pytest
import requests

from tests.local.conftest import unique
from tests.local.preflight.hosts.localstack.api_gateway.conftest import STAGE, Api, NewApi, said
from tests.local.preflight.hosts.localstack.lambda_.conftest import Function

FORBIDDEN = '{"message":"Forbidden"}'
FREE = {"rateLimit": 1000, "burstLimit": 1000}


def make_key(api: Api, *, enabled: bool = True) -> dict[str, str]:
    made: dict[str, str] = api.client.create_api_key(
        name=unique("key"), value=unique("a-long-enough-value"), enabled=enabled
    )
    return made


def make_plan(api: Api, key: dict[str, str], **members: Any) -> str:
    stage = {"apiId": api.id, "stage": STAGE} | members.pop("stage", {})
    plan: str = api.client.create_usage_plan(name=unique("plan"), apiStages=[stage], **members)["id"]
    api.client.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
    return plan


@pytest.fixture
def url(api: Api, proxy_echo: Function) -> str:
    api.add("/", "GET", proxy_echo, apiKeyRequired=True)
    return api.deploy()


def call(url: str, key: str) -> requests.Response:
    return requests.get(url, headers={"x-api-key": key}, timeout=30)


def test_a_key_of_a_plan_lets_in(api: Api, url: str) -> None:
    key = make_key(api)
    make_plan(api, key)

    identity = call(url, key["value"]).json()["requestContext"]["identity"]

    assert (identity["apiKey"], identity["apiKeyId"]) == (key["value"], key["id"])


@pytest.mark.parametrize("which", ["none", "unknown", "disabled", "without a plan"])
def test_any_other_key_is_forbidden(api: Api, url: str, which: str) -> None:
    key = make_key(api, enabled=which != "disabled")
    if which == "disabled":
        make_plan(api, key)

    answer = call(url, {"none": "", "unknown": "x"}.get(which, key["value"]))

    assert (answer.status_code, answer.text, answer.headers["x-amzn-ErrorType"]) == (
        403,
        FORBIDDEN,
        "ForbiddenException",
    )


def test_a_plans_burst_is_all_that_comes_at_once(api: Api, url: str) -> None:
    key = make_key(api)
    make_plan(api, key, throttle={"rateLimit": 0.001, "burstLimit": 2})

    answers = [call(url, key["value"]) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].text == '{"message":"Too Many Requests"}'
    assert "Retry-After" not in answers[-1].headers


def test_a_method_of_a_plan_has_a_rate_of_its_own(api: Api, proxy_echo: Function) -> None:
    api.add("/a", "GET", proxy_echo, apiKeyRequired=True)
    api.add("/b", "GET", proxy_echo, apiKeyRequired=True)
    key, url = make_key(api), api.deploy()
    make_plan(api, key, throttle=FREE, stage={"throttle": {"/a/GET": {"rateLimit": 0.001, "burstLimit": 1}}})

    assert [call(url + path, key["value"]).status_code for path in ("/a", "/a", "/b", "/b")] == [200, 429, 200, 200]


def test_a_quota_is_used_up(api: Api, url: str) -> None:
    key = make_key(api)
    make_plan(api, key, throttle=FREE, quota={"limit": 3, "offset": 1, "period": "DAY"})

    answers = [call(url, key["value"]) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].text == '{"message":"Limit Exceeded"}'
    assert answers[-1].headers["x-amzn-ErrorType"] == "LimitExceededException"


def test_a_stages_rate_holds_for_everybody(api: Api, proxy_echo: Function) -> None:
    api.add("/", "GET", proxy_echo)
    url = api.deploy()
    names = {"*__*__throttling__rateLimit": "0.001", "*__*__throttling__burstLimit": "1"}
    api.set_stage(**names)

    assert [requests.get(url, timeout=30).status_code for _ in range(2)] == [200, 429]


def test_an_authorizer_may_name_the_key(new_api: NewApi, proxy_echo: Function, permitted: Any) -> None:
    api = new_api(apiKeySource="AUTHORIZER")
    key = make_key(api)
    source = f"""
def handler(event, context):
    statement = {{"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": "*"}}
    return {{"principalId": "me", "policyDocument": {{"Version": "2012-10-17", "Statement": [statement]}},
            "usageIdentifierKey": "{key["value"]}" if event["authorizationToken"] == "me" else ""}}
"""
    function = permitted(source)
    arn = function.client.get_function_configuration(FunctionName=function.name)["FunctionArn"]
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
    authorizer = api.client.create_authorizer(
        restApiId=api.id, name="a", type="TOKEN", authorizerUri=uri, identitySource="method.request.header.Who"
    )["id"]
    api.add("/", "GET", proxy_echo, authorizationType="CUSTOM", authorizerId=authorizer, apiKeyRequired=True)
    url = api.deploy()
    make_plan(api, key)

    assert requests.get(url, headers={"Who": "me"}, timeout=30).status_code == 200
    assert said(requests.get(url, headers={"Who": "you"}, timeout=30)) == (403, "Forbidden")
