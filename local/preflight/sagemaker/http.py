"""SageMaker, its runtime and Application Auto Scaling over HTTP: method, path, headers and body in, an Answer out.

Any server can carry it. A header or the path tells whose a request is, so ``find`` needs no body and is cheap enough
for an event loop; ``answer`` may take as long as a model does and wants a thread of its own. Headers have their names
in lower case; paths come without their query.
"""

import functools
import json
import logging
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import botocore.loaders

from preflight.iam.denials import Denial
from preflight.sagemaker.api.answer import Answer
from preflight.sagemaker.api.credentials import Credential, is_region, scope_of
from preflight.sagemaker.api.errors import ServiceError, UnknownOperationException, UnsupportedByPreflight
from preflight.sagemaker.api.service_model import service_model
from preflight.sagemaker.life import ServiceGone, ServiceLife
from preflight.sagemaker.pipelines.calls import Refusal, let_pass
from preflight.sagemaker.scaling.record import SERVICE as SCALING

LOG = logging.getLogger(__name__)
# InvokeEndpoint refuses what is above 25 MB; no request holds more than one byte beyond that in memory.
BODY_LIMIT_BYTES = 25 * 1024 * 1024 + 1
SIGNING_NAMES = ("sagemaker", "sagemaker-geospatial")

_TARGET = "SageMaker."
_SCALING_TARGET = "AnyScaleFrontendService."
_INVOCATION = re.compile(r"/endpoints/([^/?]+)/(invocations|invocations-response-stream|async-invocations)")
_PUT_METRICS = ("PUT", "/BatchPutMetrics")
_RUNTIME_OPERATIONS = {
    "invocations": "InvokeEndpoint",
    "invocations-response-stream": "InvokeEndpointWithResponseStream",
    "async-invocations": "InvokeEndpointAsync",
}

Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Call:
    """One request that is SageMaker's: its operation and service, if it is of the runtime with the endpoint's name.

    ``unknown`` are method and path of what is SageMaker's by its signature only.
    """

    operation: str
    service: str = "sagemaker"
    endpoint: str | None = None
    unknown: tuple[str, str] | None = None


class SageMakerHttp:
    """Tells which requests are SageMaker's, and answers them by the service that ``life`` has."""

    def __init__(self, life: ServiceLife, refusal: Refusal = let_pass) -> None:
        """``refusal`` tells what the caller's policies do not allow."""
        self._life = life
        self._refusal = refusal

    def find(self, method: str, path: str, headers: Headers) -> Call | None:
        """What a request asks of SageMaker or of its relatives; None if it is meant for another service."""
        target = headers.get("x-amz-target", "")
        if target.startswith(_TARGET) and method == "POST" and path == "/":
            return Call(target.removeprefix(_TARGET))
        if target.startswith(_SCALING_TARGET) and method == "POST" and path == "/":
            return Call(target.removeprefix(_SCALING_TARGET), SCALING)
        if method == "POST" and (match := _INVOCATION.fullmatch(path)):
            return Call(_RUNTIME_OPERATIONS[match[2]], "sagemaker-runtime", unquote(match[1]))
        credential = Credential.read(headers)
        is_signed = credential is not None and credential.service in SIGNING_NAMES
        if is_signed and (method, path) == _PUT_METRICS:
            return Call("BatchPutMetrics", "sagemaker-metrics")
        if target.startswith(_TARGET) or is_signed:
            return Call(target, unknown=(method, path))
        return None

    def answer(self, call: Call, headers: Headers, body: bytes) -> Answer:
        """The answer to ``call``, or the error as AWS writes it. Never raises."""
        try:
            return self._answer(call, headers, body)
        except ServiceError as error:
            return _error(error.status, error.code, error.message)
        except ServiceGone:
            return _error(503, "ServiceUnavailable", "The stack is stopping.")
        except Exception:  # whatever happens, the client gets an answer
            LOG.exception("%s failed inside Preflight.", call.operation or "A request")
            return _error(500, "InternalFailure", "Preflight failed; the cause is in the log of the stack.")

    def _answer(self, call: Call, headers: Headers, body: bytes) -> Answer:
        credential = Credential.read(headers)
        if credential is not None and credential.region and not is_region(credential.region):
            return _error(403, "InvalidSignatureException", bad_region(credential.region))
        if call.unknown is not None:
            raise _refusal(call.operation, *call.unknown)
        if credential is not None and (refused := self._refused(credential, call, headers, body)):
            return _error(refused.status, refused.code, refused.message)
        scope = scope_of(credential)
        if call.endpoint is None:
            with self._life.held() as service:
                return service.answer(scope, call.operation, body, call.service)
        service = self._life.service()
        invoke = {
            "InvokeEndpoint": service.invocations.invoke,
            "InvokeEndpointWithResponseStream": service.invocations.invoke_with_response_stream,
            "InvokeEndpointAsync": service.async_invocations.invoke,
        }[call.operation]
        try:
            answer = invoke(scope, call.endpoint, headers, body)
        except Exception:
            if self._life.is_current(service):
                raise
            return _reset()
        return answer if answer.status < 400 or self._life.is_current(service) else _reset()

    def _refused(self, credential: Credential, call: Call, headers: Headers, body: bytes) -> Denial | None:
        if call.endpoint is not None:
            target = {"TargetModel": model} if (model := headers.get("x-amzn-sagemaker-target-model")) else {}
            parameters = {"EndpointName": call.endpoint, **target}
            return self._refusal(credential, call.service, call.operation, parameters)
        return self._refusal(credential, call.service, call.operation, _members(body))


def _members(body: bytes) -> Mapping[str, Any]:
    """Those of a request of the control plane; of one that is none, none: its operation refuses it."""
    try:
        members = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return members if isinstance(members, dict) else {}


def bad_region(region: str) -> str:
    """AWS's words for a signature of a region that it does not have (a guess: they differ by service)."""
    return f"Credential should be scoped to a valid region, not '{region}'."


def _reset() -> Answer:
    return _error(503, "ServiceUnavailable", "The stack was reset while the request ran.")


def _error(status: int, code: str, message: str) -> Answer:
    """In the forms of both services at once: one has ``message``, the other ``Message`` and its code in a header."""
    body = {"__type": code, "message": message, "Message": message}
    headers = {
        "Content-Type": "application/json",
        "x-amzn-ErrorType": code,
        "x-amzn-RequestId": str(uuid.uuid4()),
    }
    return Answer(status, json.dumps(body).encode(), headers)


def _refusal(target: str, method: str, path: str) -> ServiceError:
    """Of a request signed for SageMaker that is none of its own: its relatives sign with the same name."""
    if not target:
        for fits, operation, service in _relatives():
            if fits(method, path):
                return UnsupportedByPreflight(f"{operation} of {service}")
    what = target or f"{method} {path}"
    return UnknownOperationException(f"{what} is no operation of SageMaker that Preflight knows.")


@functools.cache
def _relatives() -> list[tuple[Callable[[str, str], bool], str, str]]:
    """Operations of SageMaker Metrics, Feature Store Runtime, Geospatial and Edge, as far as botocore knows them."""
    names = botocore.loaders.Loader().list_available_services("service-2")
    found: list[tuple[Callable[[str, str], bool], str, str]] = []
    for name in sorted(names):
        if not name.startswith("sagemaker") or name == "sagemaker":
            continue
        model = service_model(name)
        for operation in model.operation_names:
            http = model.operation_model(operation).http
            pattern = re.sub(r"\\{\w+(\\\+)?\\}", ".+", re.escape(http["requestUri"].partition("?")[0]))
            found.append((functools.partial(_fits, http["method"], re.compile(pattern + "/?")), operation, name))
    return found


def _fits(wanted: str, pattern: re.Pattern[str], method: str, path: str) -> bool:
    return method == wanted and pattern.fullmatch(path) is not None
