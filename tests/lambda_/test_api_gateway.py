"""What a caller of a REST API sees when the function behind it fails, as AWS's API Gateway tells it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from preflight.stack import Stack
from tests.lambda_.conftest import Create
from tests.local.conftest import unique

Publish = Callable[..., str]


@pytest.fixture
def publish(client: Callable[..., Any], stack: Stack, create_function: Create) -> Iterator[Publish]:
    """Puts a function of the text of ``function.py`` behind a proxy integration; gives its URL."""
    gateway: Any = client("apigateway")
    made: list[dict[str, str]] = []

    def publish(source: str) -> str:
        function = create_function(source)
        arn = function.client.get_function_configuration(FunctionName=function.name)["FunctionArn"]
        made.append(api := {"restApiId": gateway.create_rest_api(name=unique("api"))["id"]})
        method = {**api, "resourceId": gateway.get_resources(**api)["items"][0]["id"], "httpMethod": "POST"}
        gateway.put_method(**method, authorizationType="NONE")
        uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
        gateway.put_integration(**method, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
        gateway.create_deployment(**api, stageName="test")
        return f"{stack.endpoint_url}/_aws/execute-api/{api['restApiId']}/test/"

    yield publish
    for api in made:
        gateway.delete_rest_api(**api)


@pytest.mark.parametrize("body", ["raise ValueError('no')", "return 'no answer of a proxy'"])
def test_a_function_without_an_answer_is_a_502(publish: Publish, body: str) -> None:
    answer = requests.post(publish(f"def handler(event, context):\n    {body}\n"), json={}, timeout=30)

    assert (answer.status_code, answer.json()) == (502, {"message": "Internal server error"})
