"""InvokeEndpoint: one request to one instance, and its answer or failure in the runtime's own form.

The runtime's errors are not the control plane's: the code is ``ValidationError``, a container's failure is
``ModelError`` with status 424, and the code travels in ``x-amzn-ErrorType`` as well as the body.
Page: InvokeEndpoint in the SageMaker Runtime API reference.
"""

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import botocore.loaders
import urllib3
from botocore.model import OperationModel, ServiceModel

from local.sagemaker.context import ServiceContext
from local.sagemaker.errors import ServiceError, UnsupportedByPreflight
from local.sagemaker.fleet import CONNECT_TIMEOUT_SECONDS, INVOCATION_TIMEOUT_SECONDS, Fleet, Variant
from local.sagemaker.store import Scope
from local.sagemaker.validation import validate

MAX_PAYLOAD_BYTES = 25 * 1024 * 1024
MAX_MESSAGE_CHARACTERS = 2048
REPLACEMENT_WAIT_SECONDS = 10.0  # how long a request waits for an instance that is being replaced

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
_UNSUPPORTED = ("TargetContainerHostname", "EnableExplanations", "InferenceComponentName", "SessionId")
_FORWARDED = ("ContentType", "Accept", "CustomAttributes", "InferenceId")


@dataclass(frozen=True)
class Answer:
    """What goes back to the client over HTTP."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class _RuntimeError(Exception):
    """An error of the runtime's API, with the members of its body."""

    def __init__(self, status: int, error_type: str, message: str, **members: Any) -> None:
        super().__init__(message)
        self.status, self.error_type, self.message, self.members = status, error_type, message, members

    def answer(self) -> Answer:
        body = {"Message": self.message, **self.members}
        headers = {"Content-Type": "application/json", "x-amzn-ErrorType": self.error_type}
        return Answer(self.status, json.dumps(body).encode(), headers)


class _NoAnswer(Exception):
    """The connection ended before an answer began: the instance died, with this request or before it."""


class Invocations:
    """Operations of SageMaker Runtime."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        model = botocore.loaders.Loader().load_service_model("sagemaker-runtime", "service-2")
        self._operation: OperationModel = ServiceModel(model, "sagemaker-runtime").operation_model("InvokeEndpoint")

    def invoke(self, scope: Scope, endpoint_name: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer one InvokeEndpoint; ``headers`` are the request's, their names in lower case."""
        try:
            answer = self._invoke(scope, endpoint_name, headers, body)
        except _RuntimeError as error:
            answer = error.answer()
        answer.headers["x-amzn-RequestId"] = str(uuid.uuid4())
        return answer

    def _invoke(self, scope: Scope, endpoint_name: str, headers: Mapping[str, str], body: bytes) -> Answer:
        request = {member: headers[key] for member, key in _KEYS.items() if key in headers}
        self._require_valid(endpoint_name, request)
        if len(body) > MAX_PAYLOAD_BYTES:
            raise _RuntimeError(413, "ValidationError", f"HTTP content length exceeded {MAX_PAYLOAD_BYTES} bytes.")
        fleet = self._begin_request(scope, endpoint_name)
        try:
            return self._ask_fleet(fleet, scope, endpoint_name, request, body)
        finally:
            fleet.end_request()

    def _ask_fleet(
        self, fleet: Fleet, scope: Scope, endpoint_name: str, request: Mapping[str, str], body: bytes
    ) -> Answer:
        if "TargetModel" in request:
            raise _RuntimeError(
                400,
                "ValidationError",
                f"Endpoint {endpoint_name} is not a multi-model endpoint and does not support target model header.",
                ErrorCode="TARGET_MODEL_HEADER_NOT_SUPPORTED",
            )
        variant = fleet.choose_variant(request.get("TargetVariant"))
        if variant is None:
            target = request.get("TargetVariant")
            raise _RuntimeError(  # words guessed
                400,
                "ValidationError",
                f"Variant {target} of endpoint {endpoint_name} not found."
                if target
                else f"No variant of endpoint {endpoint_name} has a weight above 0.",
            )
        forwarded = {_HEADERS[member]: request[member] for member in _FORWARDED if member in request}
        status, reply_headers, reply = self._call(scope, endpoint_name, variant, forwarded, body)
        if not 200 <= status < 300:
            raise self._model_error(scope, endpoint_name, status, reply)
        answered = {
            "Content-Type": reply_headers.get("Content-Type", "application/octet-stream"),
            "x-Amzn-Invoked-Production-Variant": variant.name,
        }
        if attributes := reply_headers.get(_HEADERS["CustomAttributes"]):
            answered[_HEADERS["CustomAttributes"]] = attributes
        return Answer(200, reply, answered)

    def _require_valid(self, endpoint_name: str, request: Mapping[str, str]) -> None:
        try:
            # The model's own limit on Body (6 MB) is not the service's (25 MB).
            validate(self._operation, {"EndpointName": endpoint_name, "Body": b"", **request})
            for member in _UNSUPPORTED:
                if member in request:
                    raise UnsupportedByPreflight(f"InvokeEndpoint with {member}")
        except UnsupportedByPreflight as error:
            raise _RuntimeError(error.status, error.code, error.message) from None
        except ServiceError as error:
            raise _RuntimeError(400, "ValidationError", error.message) from None

    def _begin_request(self, scope: Scope, endpoint_name: str) -> Fleet:
        """The fleet that serves; it stays until ``end_request``. Names are case-sensitive here, and only here."""
        with self._context.stores.lock:
            endpoint = self._context.stores[scope].endpoints.get(endpoint_name)
            fleet = endpoint.fleet if endpoint and endpoint.name == endpoint_name else None
            if fleet:
                fleet.begin_request()
        if fleet is None:
            raise _RuntimeError(
                400,
                "ValidationError",
                f"Endpoint {endpoint_name} of account {scope.account_id} not found.",
                ErrorCode="NO_SUCH_ENDPOINT",
            )
        return fleet

    def _call(
        self, scope: Scope, endpoint_name: str, variant: Variant, headers: dict[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of the container's answer."""
        deadline = time.monotonic() + INVOCATION_TIMEOUT_SECONDS
        is_second_try = False
        while True:
            pool = self._wait_for_instance(variant)
            try:
                return _post(pool, headers, body, deadline)
            except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError):
                # Nothing was sent: another instance, or this one's replacement, can take it.
                if time.monotonic() > deadline - INVOCATION_TIMEOUT_SECONDS + REPLACEMENT_WAIT_SECONDS:
                    raise _RuntimeError(503, "ServiceUnavailable", "No instance answers.") from None
                time.sleep(0.01)
            except _NoAnswer:
                # The one that takes its place gets the request, once: it may be the request that kills.
                if is_second_try:
                    raise self._model_error(scope, endpoint_name, 500, None) from None
                is_second_try = True
                time.sleep(0.05)
            except (urllib3.exceptions.ReadTimeoutError, TimeoutError):
                text = (
                    "Your invocation timed out while waiting for a response from container primary. Review the "
                    "latency metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
                )
                raise self._model_error(scope, endpoint_name, 0, text.encode()) from None
            except urllib3.exceptions.HTTPError:
                raise self._model_error(scope, endpoint_name, 500, None) from None

    def _wait_for_instance(self, variant: Variant) -> urllib3.HTTPConnectionPool:
        deadline = time.monotonic() + REPLACEMENT_WAIT_SECONDS
        while (pool := variant.pick_instance()) is None:
            if time.monotonic() > deadline:
                raise _RuntimeError(503, "ServiceUnavailable", f"No instance of {variant.name} is healthy.")
            time.sleep(0.01)
        return pool

    def _model_error(self, scope: Scope, endpoint_name: str, status: int, reply: bytes | None) -> _RuntimeError:
        """The container's failure; ``status`` 0 is a time-out, no ``reply`` one that broke off."""
        client_error = 400 <= status < 500
        what = f"Received {'client' if client_error else 'server'} error ({status}) from primary "
        text = reply.decode(errors="replace")[:MAX_MESSAGE_CHARACTERS] if reply is not None else ""
        what += f'with message "{text}". ' if reply is not None else "and could not load the entire response body. "
        group = f"/aws/sagemaker/Endpoints/{endpoint_name}"
        message = (
            f"{what}See https://{scope.region}.console.aws.amazon.com/cloudwatch/home?region={scope.region}"
            f"#logEventViewer:group={group} in account {scope.account_id} for more information."
        )
        return _RuntimeError(
            424,
            "ModelError",
            message[:MAX_MESSAGE_CHARACTERS],
            ErrorCode="CLIENT_ERROR_FROM_MODEL" if client_error else "INTERNAL_FAILURE_FROM_MODEL",
            LogStreamArn=f"arn:{scope.partition}:logs:{scope.region}:{scope.account_id}:log-group:{group}",
            OriginalMessage=text,
            OriginalStatusCode=status,
        )


def _post(
    pool: urllib3.HTTPConnectionPool, headers: dict[str, str], body: bytes, deadline: float
) -> tuple[int, Mapping[str, str], bytes]:
    remaining = deadline - time.monotonic()
    timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT_SECONDS, read=max(remaining, 0.001))
    try:
        response = pool.urlopen(
            "POST",
            "/invocations",
            body=body,
            headers=headers,
            timeout=timeout,
            retries=False,
            preload_content=False,
        )
    except urllib3.exceptions.ProtocolError as error:
        raise _NoAnswer from error
    chunks = []
    try:
        while chunk := response.read1(1 << 16):
            chunks.append(chunk)
            if time.monotonic() > deadline:
                raise TimeoutError
    except BaseException:
        response.close()
        raise
    response.release_conn()
    return response.status, response.headers, b"".join(chunks)
