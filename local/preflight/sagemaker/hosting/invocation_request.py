"""InvocationRequest: what one request to SageMaker Runtime asks for, read from its headers."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from botocore.model import OperationModel

from preflight.sagemaker.api.errors import ServiceError, UnsupportedByPreflight, guessed
from preflight.sagemaker.api.operation import Operation
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.api.shape import Shape
from preflight.sagemaker.api.validation import validate
from preflight.sagemaker.hosting.runtime_errors import RuntimeServiceError, validation_error
from preflight.sagemaker.hosting.sessions import CLOSED_SESSION_HEADER, NEW_SESSION, NEW_SESSION_HEADER

MAX_PAYLOAD_BYTES = 25 * 1024 * 1024

_HEADERS = {
    "ContentType": "Content-Type",
    "Accept": "Accept",
    "CustomAttributes": "X-Amzn-SageMaker-Custom-Attributes",
    "TargetModel": "X-Amzn-SageMaker-Target-Model",
    "TargetVariant": "X-Amzn-SageMaker-Target-Variant",
    "TargetContainerHostname": "X-Amzn-SageMaker-Target-Container-Hostname",
    "InferenceId": "X-Amzn-SageMaker-Inference-Id",
    "EnableExplanations": "X-Amzn-SageMaker-Enable-Explanations",
    "InferenceComponentName": "X-Amzn-SageMaker-Inference-Component",
    "SessionId": "X-Amzn-SageMaker-Session-Id",
}
_KEYS = {member: name.lower() for member, name in _HEADERS.items()}
_STREAM_KEYS = _KEYS | {"Accept": "x-amzn-sagemaker-accept"}
_FORWARDED = ("ContentType", "Accept", "CustomAttributes", "TargetModel", "InferenceId", "SessionId")

# Headers of a container's reply that the client gets, too.
ANSWERED = (_HEADERS["CustomAttributes"], NEW_SESSION_HEADER, CLOSED_SESSION_HEADER)


class _Invocation(Shape):
    endpoint_name: str
    body: bytes
    content_type: str | None = None
    accept: str | None = None
    custom_attributes: str | None = None
    inference_id: str | None = None
    target_variant: str | None = None
    target_container_hostname: str | None = None
    session_id: str | None = None


class InvokeEndpoint(_Invocation):
    target_model: str | None = None


class InvokeEndpointWithResponseStream(_Invocation):
    pass


INVOKE_ENDPOINT = Operation(InvokeEndpoint)
INVOKE_ENDPOINT_WITH_RESPONSE_STREAM = Operation(InvokeEndpointWithResponseStream)
OPERATIONS = (INVOKE_ENDPOINT, INVOKE_ENDPOINT_WITH_RESPONSE_STREAM)


@dataclass(frozen=True)
class InvocationRequest:
    """``members`` are those of the operation that its headers hold, as they are: nothing is parsed on this path."""

    id: str
    scope: Scope
    endpoint_name: str
    members: Mapping[str, str]
    body: bytes
    is_stream: bool

    @classmethod
    def read(
        cls, scope: Scope, endpoint_name: str, headers: Mapping[str, str], body: bytes, *, is_stream: bool = False
    ) -> Self:
        """Of a request for an answer, or for an answer in a stream; ``headers`` have names in lower case."""
        keys = _STREAM_KEYS if is_stream else _KEYS
        members = {member: headers[key] for member, key in keys.items() if key in headers}
        return cls(str(uuid.uuid4()), scope, endpoint_name, members, body, is_stream)

    @property
    def session_id(self) -> str | None:
        """The session it belongs to; None if to none, or to one that is yet to be made."""
        session_id = self.members.get("SessionId")
        return None if session_id == NEW_SESSION else session_id

    def forwarded_headers(self) -> dict[str, str]:
        """The headers that containers get."""
        return {_HEADERS[member]: self.members[member] for member in _FORWARDED if member in self.members}

    def require_valid(self, operation: OperationModel, declared: Operation) -> None:
        """Raises RuntimeServiceError."""
        try:
            # The model's own limit on Body (6 MB) is not the service's (25 MB).
            validate(operation, {"EndpointName": self.endpoint_name, "Body": b"", **self.members})
            declared.require_supported(self.members)
        except UnsupportedByPreflight as error:
            raise RuntimeServiceError(error.status, error.code, error.message) from None
        except ServiceError as error:
            raise validation_error(error.message) from None
        if self.is_stream and self.members.get("SessionId") == NEW_SESSION:
            raise validation_error(guessed("A session cannot be created with a streamed response."))
        if len(self.body) > MAX_PAYLOAD_BYTES:
            message = guessed(f"HTTP content length exceeded {MAX_PAYLOAD_BYTES} bytes.")  # AWS's of 2018
            raise RuntimeServiceError(413, "ValidationError", message)
