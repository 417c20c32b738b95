"""InvocationRequest: what one request to SageMaker Runtime asks for, read from its headers."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from botocore.model import OperationModel

from preflight.sagemaker.api.coverage import require_supported
from preflight.sagemaker.api.errors import ServiceError, UnsupportedByPreflight
from preflight.sagemaker.api.scope import Scope
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
_FORWARDED = ("ContentType", "Accept", "CustomAttributes", "InferenceId", "SessionId")

# Headers of a container's reply that the client gets, too.
ANSWERED = (_HEADERS["CustomAttributes"], NEW_SESSION_HEADER, CLOSED_SESSION_HEADER)


@dataclass(frozen=True)
class InvocationRequest:
    """``members`` are those of the operation that its headers hold."""

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

    def require_valid(self, operation: OperationModel) -> None:
        """Raises RuntimeServiceError."""
        try:
            # The model's own limit on Body (6 MB) is not the service's (25 MB).
            validate(operation, {"EndpointName": self.endpoint_name, "Body": b"", **self.members})
            require_supported(operation.name, self.members)
        except UnsupportedByPreflight as error:
            raise RuntimeServiceError(error.status, error.code, error.message) from None
        except ServiceError as error:
            raise validation_error(error.message) from None
        if self.is_stream and self.members.get("SessionId") == NEW_SESSION:
            raise validation_error("A session cannot be created with a streamed response.")  # words guessed
        if len(self.body) > MAX_PAYLOAD_BYTES:
            message = f"HTTP content length exceeded {MAX_PAYLOAD_BYTES} bytes."  # words of 2018, code guessed
            raise RuntimeServiceError(413, "ValidationError", message)
