"""Execution logs and access logs."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.local.conftest import unique
from tests.local.preflight.hosts.localstack.api_gateway.conftest import Api
from tests.local.preflight.hosts.localstack.lambda_.conftest import Create, Function, eventually


@pytest.fixture
def logs(client: Callable[..., Any]) -> Any:
    return client("logs")


def lines(logs: Any, group: str, last: str) -> list[str]:
    """The messages of a group, once one holds ``last``."""

    def found() -> list[str]:
        groups = [it["logGroupName"] for it in logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]]
        events = logs.filter_log_events(logGroupName=group)["events"] if group in groups else []
        messages = [event["message"] for event in events]
        return messages if any(last in message for message in messages) else []

    result: list[str] = eventually(found)
    return result


def test_a_stage_that_asks_for_it_logs_what_happens(api: Api, logs: Any, proxy_echo: Function) -> None:
    api.add("/{name}", "POST", proxy_echo)
    url = api.deploy()
    api.set_stage(**{"*__*__logging__loglevel": "INFO", "*__*__logging__dataTrace": "true"})

    answer = requests.post(f"{url}/x", "sent", headers={"x-api-key": "secret-value"}, timeout=30)

    request_id = answer.headers["x-amzn-RequestId"]
    text = "\n".join(lines(logs, f"API-Gateway-Execution-Logs_{api.id}/test", "Method completed"))
    assert all(line.startswith(f"({request_id}) ") for line in text.splitlines())
    for words in (
        f"Extended Request Id: {answer.headers['x-amz-apigw-id']}",
        f"Starting execution for request: {request_id}",
        "HTTP Method: POST, Resource Path: /x",
        "Method request path: {name=x}",
        "Method request body before transformations: sent",
        f"Endpoint request headers: {{x-amzn-lambda-integration-tag={request_id}, x-amzn-apigateway-api-id={api.id}",
        "Endpoint response headers: {x-amzn-RequestId=",
        "Endpoint response body before transformations: ",
        "Method completed with status: 200",
    ):
        assert words in text
    [headers] = [line for line in text.splitlines() if "Method request headers: " in line]
    assert "x-api-key=****-value" in headers


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("return 'Bad response'", "Execution failed due to configuration error: Malformed Lambda proxy response"),
        (
            "raise Exception('my words')",
            "Lambda execution failed with status 200 due to customer function error: my words.",
        ),
    ],
)
def test_a_log_of_errors_says_what_went_wrong(api: Api, logs: Any, permitted: Create, source: str, words: str) -> None:
    api.add("/", "GET", permitted(f"def handler(event, context):\n    {source}\n"))
    url = api.deploy()
    api.set_stage(**{"*__*__logging__loglevel": "ERROR"})

    requests.get(url, timeout=30)

    [line] = lines(logs, f"API-Gateway-Execution-Logs_{api.id}/test", "")
    assert words in line


def test_an_access_log_has_a_line_for_each_request(api: Api, logs: Any, proxy_echo: Function) -> None:
    group = unique("access")
    logs.create_log_group(logGroupName=group)
    api.add("/", "GET", proxy_echo)
    url = api.deploy()
    arn = f"arn:aws:logs:us-east-1:000000000000:log-group:{group}"
    form = '$context.requestId "$context.httpMethod $context.resourcePath" $context.status $context.identity.user'
    api.set_stage(accessLogSettings__destinationArn=arn, accessLogSettings__format=form)

    answer = requests.get(url, timeout=30)

    request_id = answer.headers["x-amzn-RequestId"]
    assert lines(logs, group, request_id) == [f'{request_id} "GET /" 200 -']
