"""Requests as data: which of AWS's may stand in a file, how they are written down, checked and sent.

A value ``{"$bytes": "7"}`` is the member ``bytes/7`` of the file. What AWS names itself is another name in another
stack: ``gives`` says which member of an answer is the new name of what had the old one, and ``{"$new": OLD}`` stands
for the new one in what follows.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import boto3
import botocore.session
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, DataNotFoundError
from botocore.validate import ParamValidator

from preflight.client_environment import client_environment
from preflight.state_file.archive import FileProblem, Reader

Clients = Callable[[str, str], Any]  # by service and region

# None of these runs anything: functions, rules and subscriptions wait until something else calls them, so what would
# call them by itself is not here: schedules, pollers of queues, notifications of buckets, requests to web addresses.
_ALLOWED = {
    "s3": "CreateBucket PutBucketVersioning PutBucketTagging PutBucketPolicy PutBucketCors PutObject DeleteObject",
    "iam": "CreatePolicy CreateRole PutRolePolicy AttachRolePolicy CreateUser PutUserPolicy AttachUserPolicy",
    "ssm": "PutParameter",
    "sqs": "CreateQueue",
    "sns": "CreateTopic Subscribe",
    "lambda": "CreateFunction UpdateFunctionCode UpdateFunctionConfiguration PublishVersion CreateAlias AddPermission "
    "PutFunctionConcurrency",
    "apigateway": "CreateRestApi GetResources CreateModel CreateRequestValidator CreateAuthorizer PutGatewayResponse "
    "CreateResource PutMethod PutMethodResponse PutIntegration PutIntegrationResponse CreateDeployment CreateStage "
    "UpdateStage CreateApiKey CreateUsagePlan CreateUsagePlanKey",
    "events": "CreateEventBus PutRule PutTargets",
}
ALLOWED: Mapping[str, Sequence[str]] = {service: names.split() for service, names in _ALLOWED.items()}
SUBSCRIBERS = ("sqs", "lambda")


@dataclass(frozen=True)
class Request:
    """``gives``: the answer's members that are new names, as ``id`` or ``items.0.id``, with the old ones."""

    service: str
    region: str
    operation: str
    parameters: dict[str, Any]
    gives: dict[str, str] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "gives" or value}


def new(old: str) -> dict[str, str]:
    """Stands for the name that what was called ``old`` has in the other stack."""
    return {"$new": old}


def clients_of(endpoint_url: str) -> Clients:
    """Clients of the stack there, each made once."""
    made: dict[tuple[str, str], Any] = {}
    keys = client_environment(endpoint_url)
    session = boto3.session.Session()

    def client(service: str, region: str) -> Any:
        if (service, region) not in made:
            made[service, region] = session.client(
                service,
                region_name=region,
                endpoint_url=endpoint_url,
                aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
                config=Config(retries={"total_max_attempts": 2}, s3={"addressing_style": "path"}),
            )
        return made[service, region]

    return client


def read_requests(reader: Reader) -> list[Request]:
    """Those of a file, each checked as far as it can be before it is sent.

    Raises:
        FileProblem: one is none that a file may have.
    """
    session = botocore.session.Session()
    return [_read(each, reader, session) for listed in reader.requests() for each in _require_list(listed)]


def _require_list(listed: Any) -> list[Any]:
    if not isinstance(listed, list):
        raise FileProblem("Requests in it are no list.")
    return listed


def _read(found: Any, reader: Reader, session: Any) -> Request:
    try:
        request = Request(**found)
        if request.operation not in ALLOWED[request.service]:
            raise FileProblem(f"It asks for {request.service}'s {request.operation[:80]}, which no import does.")
        model = session.get_service_model(request.service).operation_model(request.operation)
        filled = _filled(request.parameters, lambda old: "x" * 8, lambda name: reader.bytes_path(name) and b"")
        report = ParamValidator().validate(filled, model.input_shape)
        names = [*request.gives, *request.gives.values(), request.region]
    except FileProblem:
        raise
    except (TypeError, KeyError, AttributeError, ValueError, RecursionError, DataNotFoundError) as error:
        raise FileProblem(f"A request in it cannot be read: {type(error).__name__}: {str(error)[:200]}") from None
    if report.has_errors() or not all(isinstance(name, str) for name in names):
        raise FileProblem(f"Its {request.operation} is not as AWS takes it: {report.generate_report()[:300]}")
    if reason := _refused(request):
        raise FileProblem(f"Its {request.operation} is not sent: {reason}")
    return request


def _refused(request: Request) -> str | None:
    parameters = request.parameters
    match request.operation:
        case "CreateFunction" if set(parameters["Code"]) != {"ZipFile"}:
            return "its code is not in the file, but on somebody's machine."
        case "UpdateFunctionCode" if "ZipFile" not in parameters or "S3Bucket" in parameters:
            return "its code is not in the file, but on somebody's machine."
        case "Subscribe" if parameters["Protocol"] not in SUBSCRIBERS:
            return f"nothing may be sent to {parameters['Protocol']!r}."
        case "PutRule" if "ScheduleExpression" in parameters:
            return "a schedule acts by itself."
    return None


class Sender:
    """Sends requests to one stack, and knows the names that things have there."""

    def __init__(self, clients: Clients, reader: Reader) -> None:
        self._clients, self._reader = clients, reader
        self._new: dict[str, str] = {}

    def send(self, request: Request) -> None:
        """Raises FileProblem: what the stack says against it."""
        client = self._clients(request.service, request.region)
        opened: list[Any] = []

        def body(name: str) -> Any:
            path = self._reader.bytes_path(name)
            if request.service != "s3":
                return path.read_bytes()
            opened.append(path.open("rb"))
            return opened[-1]

        try:
            parameters = _filled(request.parameters, lambda old: self._new[old], body)
            answer = getattr(client, xform_name(request.operation))(**parameters)
            for path, old in request.gives.items():
                self._new[old] = _at(answer, path)
            if request.service == "lambda":
                _wait(client, request)
        except (ClientError, BotoCoreError, LookupError, TypeError, OSError) as error:
            name = next((value for value in request.parameters.values() if isinstance(value, str)), "")
            raise FileProblem(f"{request.service}'s {request.operation} {name[:80]}: {error}") from None
        finally:
            for file in opened:
                file.close()


def _wait(client: Any, request: Request) -> None:
    """Until the function can be changed again."""
    if request.operation in ("CreateFunction", "UpdateFunctionCode", "UpdateFunctionConfiguration"):
        waiter = "function_active_v2" if request.operation == "CreateFunction" else "function_updated_v2"
        name = request.parameters["FunctionName"]
        client.get_waiter(waiter).wait(FunctionName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 600})


def _filled(value: Any, new_name: Callable[[str], str], body: Callable[[str], Any]) -> Any:
    match value:
        case {"$new": str(old)}:
            return new_name(old)
        case {"$bytes": str(name)}:
            return body(name)
        case dict():
            return {key: _filled(item, new_name, body) for key, item in value.items()}
        case list():
            return [_filled(item, new_name, body) for item in value]
    return value


def _at(answer: Any, path: str) -> str:
    for step in path.split("."):
        answer = answer[int(step)] if isinstance(answer, list) else answer[step]
    return str(answer)


def document(policy: Any) -> str:
    """A policy as text: boto3 has read some of them already."""
    return policy if isinstance(policy, str) else json.dumps(policy)


def pages(client: Any, operation: str, items: str, **parameters: Any) -> Iterator[Any]:
    """All that a list has."""
    for page in client.get_paginator(operation).paginate(**parameters):
        yield from page.get(items) or ()
