"""InvokeEndpoint, whole and streamed: one request to one instance, its answer or failure in the runtime's own form.

Pages: InvokeEndpoint and InvokeEndpointWithResponseStream in the SageMaker Runtime API reference.
"""

import contextlib
import functools
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from preflight.sagemaker.api.answer import Answer
from preflight.sagemaker.api.errors import guessed
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.api.service_model import service_model
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.hosting import dispatch
from preflight.sagemaker.hosting.capture import Exchange
from preflight.sagemaker.hosting.dispatch import Dispatcher, Leased
from preflight.sagemaker.hosting.endpoint_operations import Endpoints
from preflight.sagemaker.hosting.fleet import Fleet
from preflight.sagemaker.hosting.invocation_clock import InvocationClock
from preflight.sagemaker.hosting.invocation_request import (
    ANSWERED,
    INVOKE_ENDPOINT,
    INVOKE_ENDPOINT_WITH_RESPONSE_STREAM,
    InvocationRequest,
)
from preflight.sagemaker.hosting.response_stream import EVENT_STREAM, events
from preflight.sagemaker.hosting.runtime_errors import (
    RuntimeServiceError,
    endpoint_not_found,
    model_error,
    model_not_ready,
    model_not_there,
    throttling_exception,
    validation_error,
)
from preflight.sagemaker.hosting.variant import Variant
from preflight.sagemaker.serving.instance import Call, ContainerFailure, Instance
from preflight.sagemaker.serving.multi_model import ModelNotReady, ModelNotThere
from preflight.sagemaker.serving.reply import Reply
from preflight.sagemaker.telemetry.cloudwatch import ConcurrencyMeasurement

MAX_SERVERLESS_PAYLOAD_BYTES = 4 * 1024 * 1024


class Invocations:
    """Operations of SageMaker Runtime. The headers they get have their names in lower case."""

    def __init__(self, context: ServiceContext, endpoints: Endpoints) -> None:
        self._context = context
        self._dispatcher = Dispatcher(context, endpoints)
        model = service_model("sagemaker-runtime")
        self._invoke_operation = model.operation_model("InvokeEndpoint")
        self._stream_operation = model.operation_model("InvokeEndpointWithResponseStream")

    def invoke(self, scope: Scope, endpoint_name: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer one InvokeEndpoint."""
        request = InvocationRequest.read(scope, endpoint_name, headers, body)
        return self._answered(request, self._invoke)

    def invoke_with_response_stream(
        self, scope: Scope, endpoint_name: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        """Answer one InvokeEndpointWithResponseStream; the answer's ``chunks`` come as the container sends them."""
        request = InvocationRequest.read(scope, endpoint_name, headers, body, is_stream=True)
        return self._answered(request, self._stream)

    def _answered(
        self, request: InvocationRequest, operation: Callable[[InvocationRequest, InvocationClock], Answer]
    ) -> Answer:
        """The operation's answer or its error as an answer, with the request's id; measured when it is complete."""
        clock = InvocationClock()
        try:
            answer = operation(request, clock)
            model_status = answer.status
        except RuntimeServiceError as error:
            answer = error.answer()
            model_status = error.members.get("OriginalStatusCode", error.status)
        answer.headers["x-amzn-RequestId"] = request.id
        if answer.chunks is None:
            self._measure(request, clock, model_status)
        return answer

    def _measure(self, request: InvocationRequest, clock: InvocationClock, model_status: int) -> None:
        if clock.variant:
            measurement = clock.invocation(request.scope, request.endpoint_name, clock.variant, model_status)
            self._context.metrics.put(measurement)

    def _invoke(self, request: InvocationRequest, clock: InvocationClock) -> Answer:
        request.require_valid(self._invoke_operation, INVOKE_ENDPOINT)
        timeout_seconds = self._context.settings.invocation_timeout_seconds
        with (
            self._admitted(request) as (fleet, variant),
            clock.model(variant),
            _ask(fleet, variant, request, timeout_seconds, Instance.invoke) as leased,
        ):
            reply = leased.result
            fleet.sessions.follow(reply.headers, variant, leased.instance)
            _capture(fleet, variant, request, reply)
        headers = _answer_headers(variant, reply.headers)
        headers["Content-Type"] = reply.headers.get("Content-Type", "application/octet-stream")
        return Answer(200, reply.body, headers)

    def _stream(self, request: InvocationRequest, clock: InvocationClock) -> Answer:
        request.require_valid(self._stream_operation, INVOKE_ENDPOINT_WITH_RESPONSE_STREAM)
        timeout_seconds = self._context.settings.stream_timeout_seconds
        with contextlib.ExitStack() as stack:
            fleet, variant = stack.enter_context(self._admitted(request))
            stack.enter_context(clock.model(variant))
            leased = stack.enter_context(_ask(fleet, variant, request, timeout_seconds, Instance.open))
            reply = leased.result
            fleet.sessions.follow(reply.headers, variant, leased.instance)
            stack.callback(reply.chunks.close)
            until_the_end = contextlib.ExitStack()
            until_the_end.callback(self._measure, request, clock, 200)  # the last that happens
            until_the_end.enter_context(stack.pop_all())
        headers = _answer_headers(variant, reply.headers) | {"Content-Type": EVENT_STREAM}
        headers["X-Amzn-SageMaker-Content-Type"] = reply.headers.get("Content-Type", "application/octet-stream")
        return Answer(200, b"", headers, events(reply.chunks, until_the_end))

    @contextlib.contextmanager
    def _admitted(self, request: InvocationRequest) -> Iterator[tuple[Fleet, Variant]]:
        """The variant that takes the request, and its fleet, which stays meanwhile."""
        with contextlib.ExitStack() as stack:
            try:
                fleet = stack.enter_context(
                    self._dispatcher.fleet(request.scope, request.endpoint_name, request.session_id)
                )
            except dispatch.NoEndpoint:
                raise endpoint_not_found(request.scope, request.endpoint_name) from None
            if fleet.record.config.request.async_inference_config:
                raise validation_error(
                    guessed(f"Endpoint {request.endpoint_name} is asynchronous: use InvokeEndpointAsync.")
                )
            variant = _choose_variant(fleet, request)
            _require_fit(variant, request)
            executions = stack.enter_context(variant.admission())
            if not executions:
                raise throttling_exception()
            if serverless := variant.record.serverless:
                self._context.metrics.put(
                    ConcurrencyMeasurement(
                        time.time(),
                        request.scope,
                        request.endpoint_name,
                        variant.name,
                        executions,
                        serverless.max_concurrency,
                        serverless.provisioned_concurrency,
                    )
                )
            if fleet.shadow and request.session_id is None:
                fleet.shadow.offer(len(request.body), functools.partial(self._copy, fleet, request))
            yield fleet, variant

    def _copy(self, fleet: Fleet, request: InvocationRequest, shadow: Variant) -> None:
        """Ask the shadow variant the same; its answer is captured and measured, and goes nowhere."""
        clock = InvocationClock()
        timeout_seconds = self._context.settings.invocation_timeout_seconds
        try:
            with clock.model(shadow), _ask(fleet, shadow, request, timeout_seconds, Instance.invoke) as leased:
                _capture(fleet, shadow, request, leased.result)
            status = 200
        except RuntimeServiceError as error:
            status = error.members.get("OriginalStatusCode", error.status)
        self._measure(request, clock, status)


def _choose_variant(fleet: Fleet, request: InvocationRequest) -> Variant:
    name = request.members.get("TargetVariant")
    try:
        return dispatch.choose_variant(fleet, name, request.session_id)
    except dispatch.NoSession:
        raise validation_error(guessed(f"Session {request.session_id} not found.")) from None
    except dispatch.NoVariant:
        raise validation_error(
            guessed(
                f"Variant {name} of endpoint {request.endpoint_name} not found."
                if name is not None
                else f"No variant of endpoint {request.endpoint_name} has a weight above 0."
            )
        ) from None


def _ask[Result](
    fleet: Fleet,
    variant: Variant,
    request: InvocationRequest,
    timeout_seconds: float,
    attempt: Callable[[Instance, Call], Result],
) -> Leased[Result]:
    """What an instance answers. Raises RuntimeServiceError."""
    call = Call(
        request.forwarded_headers(),
        request.body,
        time.monotonic() + timeout_seconds,
        request.members.get("TargetContainerHostname"),
        model=request.members.get("TargetModel", ""),
    )
    try:
        return dispatch.ask(variant, call, fleet.sessions.instance_of(request.session_id), attempt)
    except dispatch.Unavailable:
        message = f"No instance of {variant.name} is healthy."
        raise RuntimeServiceError(503, "ServiceUnavailable", message) from None
    except ModelNotThere as error:
        raise model_not_there(error.uri) from None
    except ModelNotReady:
        raise model_not_ready() from None
    except ContainerFailure as failure:
        raise model_error(request.scope, request.endpoint_name, failure) from None


def _require_fit(variant: Variant, request: InvocationRequest) -> None:
    """Raises ValidationError if ``request`` asks for what ``variant`` does not do."""
    endpoint_name = request.endpoint_name
    model_name = request.members.get("TargetModel")
    if variant.model.is_multi_model and model_name is None:
        raise validation_error(
            guessed(f"Endpoint {endpoint_name} is a multi-model endpoint and needs a target model header.")
        )
    if model_name is not None and not variant.model.is_multi_model:
        raise validation_error(
            f"Endpoint {endpoint_name} is not a multi-model endpoint and does not support target model header.",
            ErrorCode="TARGET_MODEL_HEADER_NOT_SUPPORTED",
        )
    if variant.record.serverless and len(request.body) > MAX_SERVERLESS_PAYLOAD_BYTES:
        raise validation_error(f"Request {request.id} has oversize body.")
    hostname = request.members.get("TargetContainerHostname")
    if hostname is not None and not variant.model.is_direct:
        raise validation_error(
            guessed(
                f"Endpoint {endpoint_name} is not configured for direct invocation and does not support target "
                f"container hostname header."
            )
        )
    if variant.model.is_direct and hostname not in variant.model.containers:
        raise validation_error(
            guessed(
                f"Endpoint {endpoint_name} is configured for direct invocation and needs a target container hostname."
                if hostname is None
                else f"Container {hostname} of endpoint {endpoint_name} not found."
            )
        )


def _capture(fleet: Fleet, variant: Variant, request: InvocationRequest, reply: Reply) -> None:
    if fleet.capture is None or not fleet.capture.is_chosen():
        return
    exchange = Exchange(
        variant.name,
        variant.model.role_arn,
        request.members.get("ContentType"),
        request.body,
        reply,
        request.members.get("InferenceId"),
        request.members.get("CustomAttributes"),
        datetime.now(UTC),
    )
    fleet.capture.take(exchange)


def _answer_headers(variant: Variant, reply_headers: Mapping[str, str]) -> dict[str, str]:
    """What the client gets of the container's headers: those that the API has."""
    passed_on = {name: reply_headers[name] for name in ANSWERED if name in reply_headers}
    return {"x-Amzn-Invoked-Production-Variant": variant.name} | passed_on
