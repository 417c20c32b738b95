"""Answers of AWS put between boto3 and the stack: what only AWS does, when a test wants it."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from urllib3 import HTTPResponse

CHANGING = ("Add", "Attach", "Create", "Delete", "Deregister", "Detach", "Put", "Register", "Remove", "Stop", "Update")
REST_JSON = {"lambda", "api-gateway"}
QUERY = {"iam", "sts"}


@dataclass
class Fault:
    """What comes back instead of the stack's answer: ``times`` times, to calls that ``matches`` takes."""

    operation: str
    answer: Callable[[str, AWSPreparedRequest], AWSResponse]
    times: int
    matches: Callable[[AWSPreparedRequest], bool]


@dataclass
class Faults:
    """Registered on every boto3 session of a test; sees each request before it is sent."""

    planned: list[Fault] = field(default_factory=list)
    hooks: dict[str, Callable[[], object]] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)  # "iam CreateRole", as far as the stack got to see them

    def refuse(self, operation: str, code: str, message: str = "", *, status: int = 400, times: int = 1) -> None:
        """Have the next calls of an operation refused as AWS refuses them."""

        def refusal(service: str, request: AWSPreparedRequest) -> AWSResponse:
            return error_response(service, request, code, message, status)

        self.planned.append(Fault(operation, refusal, times, lambda _: True))

    def answer(self, operation: str, body: dict[str, Any], *, times: int = 1) -> None:
        """Have the next calls of an operation of a JSON service answered with ``body``."""

        def answered(_: str, request: AWSPreparedRequest) -> AWSResponse:
            return response(request, 200, json.dumps(body))

        self.planned.append(Fault(operation, answered, times, lambda _: True))

    def fail_each_change_once(self) -> None:
        """Have every different changing call fail when it is made for the first time."""
        seen: set[tuple[str, str, Any]] = set()

        def is_new(request: AWSPreparedRequest) -> bool:
            body = request.body if isinstance(request.body, str | bytes) else None
            key = (request.method, request.url, body)
            if key in seen:
                return False
            seen.add(key)
            return True

        def failure(service: str, request: AWSPreparedRequest) -> AWSResponse:
            return error_response(service, request, "InternalFailure", "It broke.", 500)

        self.planned.append(Fault("", failure, 10_000, is_new))

    def before(self, operation: str, hook: Callable[[], object]) -> None:
        """Do something in the moment before an operation is sent for the first time."""
        self.hooks[operation] = hook

    @property
    def changes(self) -> list[str]:
        """The changing calls that the stack got to see."""
        return [call for call in self.sent if call.split()[1].startswith(CHANGING)]

    def __call__(self, request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse | None:
        service, operation = event_name.split(".")[1:]
        if hook := self.hooks.pop(operation, None):
            hook()
        for fault in self.planned:
            wanted = fault.operation == operation if fault.operation else operation.startswith(CHANGING)
            if not wanted or not fault.times or not fault.matches(request):
                continue
            fault.times -= 1
            return fault.answer(service, request)
        self.sent.append(f"{service} {operation}")
        return None


def error_response(service: str, request: AWSPreparedRequest, code: str, message: str, status: int) -> AWSResponse:
    """A refusal in the form that the service's protocol gives it."""
    if request.method == "HEAD":
        return response(request, status, "")
    if service == "s3":
        return response(request, status, f"<Error><Code>{code}</Code><Message>{message}</Message></Error>")
    if service in QUERY:
        error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        return response(request, status, f"<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>")
    if service in REST_JSON:
        return response(request, status, json.dumps({"message": message}), {"x-amzn-ErrorType": code})
    return response(request, status, json.dumps({"__type": code, "message": message}))


def response(request: AWSPreparedRequest, status: int, body: str, headers: dict[str, str] | None = None) -> AWSResponse:
    raw = HTTPResponse(body=io.BytesIO(body.encode()), preload_content=False)
    return AWSResponse(request.url, status, headers or {}, raw)
