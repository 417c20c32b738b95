"""InvokeEndpoint: one request to one instance, and its answer or failure in the runtime's own form.

Page: InvokeEndpoint in the SageMaker Runtime API reference.
"""

import contextlib
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from botocore.model import OperationModel

from local.sagemaker.cloudwatch import InvocationMeasurement
from local.sagemaker.context import ServiceContext
from local.sagemaker.coverage import require_supported
from local.sagemaker.errors import ServiceError, UnsupportedByPreflight
from local.sagemaker.fleet import Fleet
from local.sagemaker.instance import Call, ContainerFailure, Instance
from local.sagemaker.runtime_errors import (
    Answer,
    RuntimeServiceError,
    model_error,
    throttling_exception,
    validation_error,
)
from local.sagemaker.service_model import service_model
from local.sagemaker.serving_container import NoAnswer, NotReached, Reply
from local.sagemaker.store import Scope
from local.sagemaker.validation import validate
from local.sagemaker.variant import Variant

MAX_PAYLOAD_BYTES = 25 * 1024 * 1024
MAX_SERVERLESS_PAYLOAD_BYTES = 4 * 1024 * 1024
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
_FORWARDED = ("ContentType", "Accept", "CustomAttributes", "InferenceId")


@dataclass(frozen=True)
class _Request:
    """One InvokeEndpoint; ``members`` are those of its headers, ``measured`` is what it takes."""

    id: str
    scope: Scope
    endpoint_name: str
    members: Mapping[str, str]
    body: bytes
    measured: "_Measured"


class _Measured:
    """What one request takes, for CloudWatch, from now on."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._model_seconds = 0.0
        self.variant: Variant | None = None  # once it is asked

    @contextlib.contextmanager
    def model(self, variant: Variant) -> Iterator[None]:
        """Around the call of ``variant``'s containers."""
        self.variant = variant
        started = time.perf_counter()
        try:
            yield
        finally:
            self._model_seconds = time.perf_counter() - started

    def invocation(
        self, scope: Scope, endpoint_name: str, variant: Variant, model_status: int
    ) -> InvocationMeasurement:
        total_seconds = time.perf_counter() - self._began
        return InvocationMeasurement(
            time.time(),
            scope,
            endpoint_name,
            variant.name,
            variant.count,
            model_status,
            self._model_seconds,
            total_seconds,
        )


class Invocations:
    """Operations of SageMaker Runtime."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._operation: OperationModel = service_model("sagemaker-runtime").operation_model("InvokeEndpoint")

    def invoke(self, scope: Scope, endpoint_name: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer one InvokeEndpoint; ``headers`` are the request's, their names in lower case."""
        members = {member: headers[key] for member, key in _KEYS.items() if key in headers}
        measured = _Measured()
        request = _Request(str(uuid.uuid4()), scope, endpoint_name, members, body, measured)
        try:
            answer = self._invoke(request)
            model_status = answer.status
        except RuntimeServiceError as error:
            answer = error.answer()
            model_status = error.members.get("OriginalStatusCode", error.status)
        answer.headers["x-amzn-RequestId"] = request.id
        if measured.variant:
            self._context.metrics.put(measured.invocation(scope, endpoint_name, measured.variant, model_status))
        return answer

    def _invoke(self, request: _Request) -> Answer:
        self._require_valid(request)
        fleet = self._begin_request(request)
        try:
            variant = _choose_variant(fleet, request)
            _require_fit(variant, request)
            if not variant.admit():
                raise throttling_exception()
            try:
                with request.measured.model(variant):
                    reply = self._ask(variant, request)
            finally:
                variant.dismiss()
        finally:
            fleet.end_request()
        return _answer(variant, reply)

    def _require_valid(self, request: _Request) -> None:
        try:
            # The model's own limit on Body (6 MB) is not the service's (25 MB).
            validate(self._operation, {"EndpointName": request.endpoint_name, "Body": b"", **request.members})
            require_supported("InvokeEndpoint", request.members)
        except UnsupportedByPreflight as error:
            raise RuntimeServiceError(error.status, error.code, error.message) from None
        except ServiceError as error:
            raise validation_error(error.message) from None
        if len(request.body) > MAX_PAYLOAD_BYTES:
            message = f"HTTP content length exceeded {MAX_PAYLOAD_BYTES} bytes."
            raise RuntimeServiceError(413, "ValidationError", message)

    def _begin_request(self, request: _Request) -> Fleet:
        """The fleet that serves; it stays until ``end_request``. Names are case-sensitive here, and only here."""
        with self._context.stores.lock:
            endpoint = self._context.stores[request.scope].endpoints.get(request.endpoint_name)
            fleet: Fleet | None = endpoint.route() if endpoint and endpoint.name == request.endpoint_name else None
            if fleet:
                fleet.begin_request()
        if fleet is None:
            raise validation_error(
                f"Endpoint {request.endpoint_name} of account {request.scope.account_id} not found.",
                ErrorCode="NO_SUCH_ENDPOINT",
            )
        return fleet

    def _ask(self, variant: Variant, request: _Request) -> Reply:
        """The reply of an instance, or of another that takes its place if it dies."""
        start = time.monotonic()
        call = Call(
            {_HEADERS[member]: request.members[member] for member in _FORWARDED if member in request.members},
            request.body,
            start + self._context.settings.invocation_timeout_seconds,
            request.members.get("TargetContainerHostname"),
        )
        is_second_try = False
        while True:
            instance = _wait_for_instance(variant, call)
            try:
                return instance.invoke(call)
            except ContainerFailure as failure:
                if isinstance(failure.cause, NotReached):
                    # Another instance, or this one's replacement, can take it.
                    if time.monotonic() > min(start + REPLACEMENT_WAIT_SECONDS, call.deadline):
                        raise _unavailable(variant) from None
                    time.sleep(0.01)
                elif isinstance(failure.cause, NoAnswer) and not is_second_try:
                    # The one that takes its place gets the request, once: it may be the request that kills.
                    is_second_try = True
                    time.sleep(0.05)
                else:
                    raise model_error(request.scope, request.endpoint_name, failure) from None
            finally:
                variant.end_request(instance)


def _choose_variant(fleet: Fleet, request: _Request) -> Variant:
    name = request.members.get("TargetVariant")
    variant = fleet.choose_variant() if name is None else fleet.find_variant(name)
    if variant is None:
        raise validation_error(  # words guessed
            f"Variant {name} of endpoint {request.endpoint_name} not found."
            if name is not None
            else f"No variant of endpoint {request.endpoint_name} has a weight above 0."
        )
    return variant


def _require_fit(variant: Variant, request: _Request) -> None:
    """Raises ValidationError if ``request`` asks for what ``variant`` does not do."""
    endpoint_name = request.endpoint_name
    if "TargetModel" in request.members:
        raise validation_error(
            f"Endpoint {endpoint_name} is not a multi-model endpoint and does not support target model header.",
            ErrorCode="TARGET_MODEL_HEADER_NOT_SUPPORTED",
        )
    if variant.serverless and len(request.body) > MAX_SERVERLESS_PAYLOAD_BYTES:
        raise validation_error(f"Request {request.id} has oversize body.")
    hostname = request.members.get("TargetContainerHostname")
    if hostname is not None and not variant.model.is_direct:
        raise validation_error(  # words guessed
            f"Endpoint {endpoint_name} is not configured for direct invocation and does not support target container "
            f"hostname header."
        )
    if variant.model.is_direct and hostname not in variant.model.containers:
        raise validation_error(  # words guessed
            f"Endpoint {endpoint_name} is configured for direct invocation and needs a target container hostname."
            if hostname is None
            else f"Container {hostname} of endpoint {endpoint_name} not found."
        )


def _wait_for_instance(variant: Variant, call: Call) -> Instance:
    deadline = min(time.monotonic() + REPLACEMENT_WAIT_SECONDS, call.deadline)
    while (instance := variant.begin_request()) is None:
        if time.monotonic() > deadline:
            raise _unavailable(variant)
        time.sleep(0.01)
    return instance


def _unavailable(variant: Variant) -> RuntimeServiceError:
    return RuntimeServiceError(503, "ServiceUnavailable", f"No instance of {variant.name} is healthy.")


def _answer(variant: Variant, reply: Reply) -> Answer:
    """The container's reply as InvokeEndpoint's: its headers are stripped but for what the API has."""
    headers = {
        "Content-Type": reply.headers.get("Content-Type", "application/octet-stream"),
        "x-Amzn-Invoked-Production-Variant": variant.name,
    }
    if attributes := reply.headers.get(_HEADERS["CustomAttributes"]):
        headers[_HEADERS["CustomAttributes"]] = attributes
    return Answer(200, reply.body, headers)
