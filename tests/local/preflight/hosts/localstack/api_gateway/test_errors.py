"""What API Gateway itself answers: rights, time-outs, sizes, and the answers an API has of its own."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.local.conftest import make_role, refusal
from tests.local.preflight.hosts.localstack.api_gateway.conftest import Api, permit, said
from tests.local.preflight.hosts.localstack.lambda_.conftest import Create, Function

INTERNAL = "Internal server error"
ANSWER = "def handler(event, context): return {'statusCode': 200, 'body': 'here'}"


def test_a_function_that_lets_nobody_call_it_is_a_500(api: Api, create_function: Create) -> None:
    api.add("/", "POST", create_function(ANSWER))

    assert said(requests.post(api.deploy(), timeout=30)) == (500, INTERNAL)


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("{arn}/*/GET/a", 200),
        ("{arn}/*", 200),
        ("{arn}/test/*/*", 200),
        ("{arn}/*/GET/b", 500),
        ("{arn}/prod/GET/a", 500),
        ("arn:aws:execute-api:us-east-1:000000000000:other/*", 500),
    ],
)
def test_a_permission_is_for_its_source(api: Api, create_function: Create, source: str, status: int) -> None:
    function = create_function(ANSWER)
    permit(function, source.format(arn=f"arn:aws:execute-api:us-east-1:000000000000:{api.id}"))
    api.add("/a", "GET", function)

    assert requests.get(f"{api.deploy()}/a", timeout=30).status_code == status


def test_a_permission_for_another_account_does_not_count(api: Api, create_function: Create) -> None:
    function = create_function(ANSWER)
    permit(function, SourceAccount="111111111111")
    api.add("/", "GET", function)

    assert requests.get(api.deploy(), timeout=30).status_code == 500


@pytest.mark.parametrize(("action", "status"), [("lambda:InvokeFunction", 200), ("lambda:GetFunction", 500)])
def test_an_integrations_role_decides(
    api: Api, create_function: Create, client: Callable[..., Any], action: str, status: int
) -> None:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    role = make_role(client("iam"), "apigateway.amazonaws.com", [statement])
    api.add("/", "GET", create_function(ANSWER), integration={"credentials": role})

    assert requests.get(api.deploy(), timeout=30).status_code == status


def test_a_function_that_is_gone_is_a_500(api: Api, permitted: Create) -> None:
    function = permitted(ANSWER)
    api.add("/", "GET", function)
    url = api.deploy()
    function.client.delete_function(FunctionName=function.name)

    assert said(requests.get(url, timeout=30)) == (500, INTERNAL)


def test_a_function_that_is_busy_is_a_500(api: Api, permitted: Create) -> None:
    function = permitted(ANSWER)
    function.client.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=0)
    api.add("/", "GET", function)

    assert said(requests.get(api.deploy(), timeout=30)) == (500, INTERNAL)


def test_an_integration_that_takes_too_long_is_a_504(api: Api, permitted: Create) -> None:
    slow = permitted("import time\ndef handler(event, context): time.sleep(3)", Timeout=20)
    api.add("/", "GET", slow, integration={"timeoutInMillis": 200})

    answer = requests.get(api.deploy(), timeout=30)

    assert (answer.status_code, answer.text) == (504, '{"message": "Endpoint request timed out"}')


@pytest.mark.parametrize("milliseconds", [49, 29001, 40000])
def test_a_timeout_that_is_none_is_refused(api: Api, proxy_echo: Function, milliseconds: int) -> None:
    names = api.add("/", "GET", proxy_echo)
    change = {"op": "replace", "path": "/timeoutInMillis", "value": str(milliseconds)}

    created = refusal(api.add, "/other", "GET", proxy_echo, integration={"timeoutInMillis": milliseconds})
    changed = refusal(api.client.update_integration, **names, patchOperations=[change])

    assert created == changed == ("BadRequestException", "Timeout should be between 50 ms and 29000 ms")


def test_a_body_may_have_ten_megabytes(api: Api) -> None:
    names = api.add("/", "POST", integration={"requestTemplates": {"text/plain": '{"statusCode": 200}'}})
    api.answers(names)
    url, headers = api.deploy(), {"Content-Type": "text/plain"}

    assert requests.post(url, b"x" * 10 * 1024 * 1024, headers=headers, timeout=60).status_code == 200
    assert requests.post(url, b"x" * (10 * 1024 * 1024 + 1), headers=headers, timeout=60).status_code == 413


def test_what_is_too_much_for_the_function_is_a_500(api: Api, echo: Function) -> None:
    api.add("/", "POST", echo)

    assert requests.post(api.deploy(), b"x" * 7_000_000, timeout=60).status_code == 500


def test_a_long_address_and_long_headers_are_refused(api: Api, proxy_echo: Function) -> None:
    api.add("/{a+}", "GET", proxy_echo)
    url = api.deploy()

    assert requests.get(f"{url}/{'x' * 10_300}", timeout=30).status_code == 414
    assert requests.get(f"{url}/x", headers={"X-Long": "x" * 10_300}, timeout=30).status_code == 431


def test_an_api_answers_errors_in_its_own_words(api: Api) -> None:
    api.client.put_gateway_response(
        restApiId=api.id,
        responseType="MISSING_AUTHENTICATION_TOKEN",
        statusCode="404",
        responseParameters={
            "gatewayresponse.header.Access-Control-Allow-Origin": "'*'",
            "gatewayresponse.header.X-Request": "context.requestId",
        },
        responseTemplates={"application/json": '{"no": $context.error.messageString, "at": "$context.path"}'},
    )
    api.answers(api.add("/", "GET", integration={"requestTemplates": {"application/json": '{"statusCode": 200}'}}))

    answer = requests.get(f"{api.deploy()}/nowhere", timeout=30)

    assert (answer.status_code, answer.text) == (404, '{"no": "Missing Authentication Token", "at": "/test/nowhere"}')
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["X-Request"] == answer.headers["x-amzn-RequestId"]


@pytest.mark.parametrize(("general", "status"), [("DEFAULT_4XX", 418), ("DEFAULT_5XX", 403)])
def test_the_answer_for_a_class_is_for_all_its_types(api: Api, proxy_echo: Function, general: str, status: int) -> None:
    api.client.put_gateway_response(restApiId=api.id, responseType=general, statusCode="418")
    api.add("/", "GET", proxy_echo)

    assert requests.get(f"{api.deploy()}/nowhere", timeout=30).status_code == status


def test_a_method_that_wants_another_verb_of_lambda_is_a_500(api: Api, proxy_echo: Function) -> None:
    names = api.add("/", "GET", proxy_echo)
    change = {"op": "replace", "path": "/httpMethod", "value": "GET"}
    api.client.update_integration(**names, patchOperations=[change])

    assert said(requests.get(api.deploy(), timeout=30)) == (500, INTERNAL)
