"""REST APIs on the stack: methods in front of functions, deployed, called, and deleted after the test."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from preflight.stack import Stack
from tests.local.conftest import unique
from tests.local.preflight.hosts.localstack.lambda_.conftest import (
    Create,
    Function,
    create,
    create_function,
    function_role,
    lambda_client,
)

__all__ = ["create_function", "function_role", "lambda_client"]

STAGE = "test"
ECHO = "def handler(event, context): return event"
PROXY_ECHO = "import json\ndef handler(event, context): return {'statusCode': 200, 'body': json.dumps(event)}"
PUPPET = "import json\ndef handler(event, context): return json.loads(event['body'])"


def arn_of(function: Function) -> str:
    arn: str = function.client.get_function_configuration(FunctionName=function.name)["FunctionArn"]
    return arn


def permit(function: Function, source: str = "", **members: str) -> None:
    """Let API Gateway call the function, for ``source`` or for every API."""
    if source:
        members["SourceArn"] = source
    function.client.add_permission(
        FunctionName=function.name,
        StatementId=unique("api"),
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        **members,
    )


@dataclass
class Api:
    """One REST API. ``add`` and ``deploy``, then call it."""

    client: Any
    endpoint_url: str
    members: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.id = self.client.create_rest_api(name=unique("api"), **self.members)["id"]
        self.resources = {"/": self.client.get_resources(restApiId=self.id)["items"][0]["id"]}

    def resource(self, path: str) -> str:
        if path not in self.resources:
            parent, _, part = path.rpartition("/")
            made = self.client.create_resource(restApiId=self.id, parentId=self.resource(parent or "/"), pathPart=part)
            self.resources[path] = made["id"]
        return self.resources[path]

    def add(
        self,
        path: str = "/",
        verb: str = "POST",
        function: Function | None = None,
        kind: str = "AWS_PROXY",
        integration: dict[str, Any] | None = None,
        **method: Any,
    ) -> dict[str, str]:
        """A method, and its integration with a function, or MOCK without one; what names both."""
        names = {"restApiId": self.id, "resourceId": self.resource(path), "httpMethod": verb}
        self.client.put_method(**names, **{"authorizationType": "NONE", **method})
        members: dict[str, Any] = {"type": "MOCK"}
        if function is not None:
            arn = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn_of(function)}/invocations"
            members = {"type": kind, "integrationHttpMethod": "POST", "uri": arn}
        self.client.put_integration(**names, **members, **(integration or {}))
        return names

    def answers(self, names: dict[str, str], status: str = "200", **integration: Any) -> None:
        """A method response and the integration response of the same status; its headers are declared."""
        headers = dict.fromkeys(integration.get("responseParameters", {}), False)
        self.client.put_method_response(**names, statusCode=status, responseParameters=headers)
        self.client.put_integration_response(**names, statusCode=status, **integration)

    def deploy(self, **members: Any) -> str:
        """Deploy to the stage; its URL, without a slash at the end."""
        self.client.create_deployment(restApiId=self.id, stageName=STAGE, **members)
        return f"{self.endpoint_url}/_aws/execute-api/{self.id}/{STAGE}"

    def set_stage(self, **values: str) -> None:
        """``loggingLevel`` and the like, by the path that UpdateStage takes, slashes as ``__``."""
        changes = [
            {"op": "replace", "path": f"/{name.replace('__', '/')}", "value": value} for name, value in values.items()
        ]
        self.client.update_stage(restApiId=self.id, stageName=STAGE, patchOperations=changes)


NewApi = Callable[..., Api]


@pytest.fixture
def gateway(client: Callable[..., Any]) -> Any:
    return client("apigateway")


@pytest.fixture
def new_api(gateway: Any, stack: Stack) -> Iterator[NewApi]:
    """Makes APIs; members are CreateRestApi's."""
    made: list[Api] = []

    def new_api(**members: Any) -> Api:
        made.append(Api(gateway, stack.endpoint_url, members))
        return made[-1]

    yield new_api
    for api in made:
        gateway.delete_rest_api(restApiId=api.id)


@pytest.fixture
def api(new_api: NewApi) -> Api:
    return new_api()


@pytest.fixture
def permitted(create_function: Create) -> Create:
    """Makes a function that every API may call."""

    def make(source: str, **settings: Any) -> Function:
        function = create_function(source, **settings)
        permit(function)
        return function

    return make


def shared(lambda_client: Any, role: str, source: str) -> Iterator[Function]:
    function = create(lambda_client, role, source)
    permit(function)
    yield function
    lambda_client.delete_function(FunctionName=function.name)


@pytest.fixture(scope="module")
def echo(lambda_client: Any, function_role: str) -> Iterator[Function]:
    """Answers the event itself; for non-proxy integrations."""
    yield from shared(lambda_client, function_role, ECHO)


@pytest.fixture(scope="module")
def proxy_echo(lambda_client: Any, function_role: str) -> Iterator[Function]:
    """Answers the event as JSON in the body."""
    yield from shared(lambda_client, function_role, PROXY_ECHO)


@pytest.fixture(scope="module")
def puppet(lambda_client: Any, function_role: str) -> Iterator[Function]:
    """Answers what the body of the request says, which is JSON."""
    yield from shared(lambda_client, function_role, PUPPET)


def said(answer: requests.Response) -> tuple[int, Any]:
    """Status and message of an error."""
    body = json.loads(answer.text)
    return answer.status_code, body.get("message", body.get("Message"))
