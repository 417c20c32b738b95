"""AsyncRequest: what one InvokeEndpointAsync asks for, read from its headers.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointAsync.html
"""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from pydantic import Field

from preflight.sagemaker.api.errors import ServiceError, guessed
from preflight.sagemaker.api.operation import Operation
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.api.service_model import service_model
from preflight.sagemaker.api.shape import Shape
from preflight.sagemaker.api.validation import validate
from preflight.sagemaker.hosting.runtime_errors import validation_error

MAX_INLINE_BYTES = 128_000
DEFAULT_TTL_SECONDS = 21_600
DEFAULT_TIMEOUT_SECONDS = 900
MAX_TIMEOUT_SECONDS = 3_600

_PREFIX = "X-Amzn-SageMaker-"
_HEADERS = {
    "ContentType": f"{_PREFIX}Content-Type",
    "Accept": f"{_PREFIX}Accept",
    "CustomAttributes": f"{_PREFIX}Custom-Attributes",
    "InferenceId": f"{_PREFIX}Inference-Id",
    "InputLocation": f"{_PREFIX}InputLocation",
    "S3OutputPathExtension": f"{_PREFIX}S3OutputPathExtension",
    "Filename": f"{_PREFIX}Filename",
    "RequestTTLSeconds": f"{_PREFIX}RequestTTLSeconds",
    "InvocationTimeoutSeconds": f"{_PREFIX}InvocationTimeoutSeconds",
}
_NUMBERS = ("RequestTTLSeconds", "InvocationTimeoutSeconds")
# What containers get, under the names that a synchronous request has them by.
_FORWARDED = {
    "ContentType": "Content-Type",
    "Accept": "Accept",
    "CustomAttributes": f"{_PREFIX}Custom-Attributes",
    "InferenceId": f"{_PREFIX}Inference-Id",
}
_ANYWHERE = "s3://inline/input"  # the pinned model has no Body yet, and requires InputLocation


class InvokeEndpointAsync(Shape):
    endpoint_name: str
    content_type: str | None = None
    accept: str | None = None
    custom_attributes: str | None = None
    inference_id: str | None = None
    input_location: str | None = None
    s3_output_path_extension: str | None = None
    filename: str | None = None
    request_ttl_seconds: int | None = Field(None, alias="RequestTTLSeconds")
    invocation_timeout_seconds: int | None = None


INVOKE_ENDPOINT_ASYNC = Operation(InvokeEndpointAsync)


@dataclass(frozen=True)
class AsyncRequest:
    """``members`` are those of the operation; ``body`` is the input if it came with the request."""

    scope: Scope
    endpoint_name: str
    members: Mapping[str, Any]
    body: bytes
    inference_id: str
    received: datetime = field(default_factory=lambda: datetime.now(UTC))
    moment: float = field(default_factory=time.monotonic)

    @classmethod
    def read(cls, scope: Scope, endpoint_name: str, headers: Mapping[str, str], body: bytes) -> Self:
        """``headers`` have names in lower case. Raises RuntimeServiceError if AWS would not take the request."""
        members: dict[str, Any] = {
            member: headers[name.lower()] for member, name in _HEADERS.items() if name.lower() in headers
        }
        for name in _NUMBERS:
            if name in members:
                members[name] = _number(name, members[name])
        _require_valid(endpoint_name, members, body)
        return cls(scope, endpoint_name, members, body, members.get("InferenceId") or str(uuid.uuid4()))

    @property
    def ttl_seconds(self) -> int:
        return int(self.members.get("RequestTTLSeconds", DEFAULT_TTL_SECONDS))

    @property
    def timeout_seconds(self) -> int:
        return int(self.members.get("InvocationTimeoutSeconds", DEFAULT_TIMEOUT_SECONDS))

    @property
    def age_seconds(self) -> float:
        return time.monotonic() - self.moment

    def forwarded_headers(self, content_type: str) -> dict[str, str]:
        """The headers that containers get; ``content_type`` is the input's, where the request does not say it."""
        headers = {name: str(self.members[member]) for member, name in _FORWARDED.items() if member in self.members}
        return {"Content-Type": content_type, **headers, _FORWARDED["InferenceId"]: self.inference_id}


def _require_valid(endpoint_name: str, members: Mapping[str, Any], body: bytes) -> None:
    if body and "InputLocation" in members:
        raise validation_error(guessed("Exactly one of Body and InputLocation must be provided."))
    if len(body) > MAX_INLINE_BYTES:
        raise validation_error(
            "1 validation error detected: Value at 'body' failed to satisfy constraint: Member must have length less "
            f"than or equal to {MAX_INLINE_BYTES}"
        )
    located = {"InputLocation": _ANYWHERE} if body else {}
    try:
        model = service_model("sagemaker-runtime").operation_model("InvokeEndpointAsync")
        validate(model, {"EndpointName": endpoint_name, **members, **located})
    except ServiceError as error:
        raise validation_error(error.message) from None


def _number(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise validation_error(guessed(f"{name} must be a number, not {text}.")) from None
