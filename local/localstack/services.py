"""SageMaker and SageMaker Runtime inside LocalStack: translation only, no behaviour of their own."""

import functools
import os
import threading
from typing import Any

from localstack import config
from localstack.aws import handlers
from localstack.aws.api import CommonServiceException, RequestContext, ServiceRequest
from localstack.aws.chain import HandlerChain
from localstack.aws.protocol.parser import RequestParserError
from localstack.aws.spec import load_service
from localstack.http import Request, Response
from localstack.runtime import hooks
from localstack.runtime.exceptions import LocalstackExit
from localstack.services.edge import ROUTER
from localstack.services.plugins import Service, ServiceLifecycleHook, aws_provider
from localstack.state import StateVisitor

from local.sagemaker.errors import (
    SerializationException,
    ServiceError,
    UnknownOperationException,
    UnsupportedByPreflight,
)
from local.sagemaker.service import SageMaker
from local.sagemaker.settings import SettingError, Settings
from local.sagemaker.store import Scope

DEFAULT_REGION = "us-east-1"
LAUNCHER_PATH = "/_preflight/launcher"


_creating = threading.Lock()


def service() -> SageMaker:
    """The one SageMaker of this stack."""
    with _creating:
        return _service()


@functools.cache
def _service() -> SageMaker:
    return SageMaker(_settings())


def _settings() -> Settings:
    port = config.GATEWAY_LISTEN[0].port
    return Settings.from_env(os.environ, endpoint_url=f"http://127.0.0.1:{port}")


@aws_provider(api="sagemaker")
def sagemaker() -> Service:
    """SageMaker's control plane: every operation of the model is answered, be it with a refusal that names it."""
    model = load_service("sagemaker")
    return Service.for_provider(_Provider(), lambda _: dict.fromkeys(model.operation_names, _call))


class _Provider(ServiceLifecycleHook):
    """What LocalStack, and ``reset.py``, ask of every service."""

    service = "sagemaker"

    def accept_state_visitor(self, visitor: StateVisitor) -> None:
        """No state of it is LocalStack's."""

    def on_before_state_reset(self) -> None:
        stop_processes()

    def on_after_state_reset(self) -> None:
        _service.cache_clear()  # the next request makes a new one


def _call(context: RequestContext, request: ServiceRequest) -> dict[str, Any]:
    assert context.operation is not None
    try:
        return service().call(context.operation.name, Scope(context.account_id, context.region), request)
    except ServiceError as error:
        raise CommonServiceException(
            error.code, error.message, status_code=error.status, sender_fault=error.status < 500
        ) from error


@hooks.on_infra_start()
def refuse_unsupported_invocations() -> None:
    """Refuse by name what the runtime does not do yet; ``server.py`` answers InvokeEndpoint."""
    for path in ("async-invocations", "invocations-response-stream"):
        ROUTER.add(f"/endpoints/<endpoint_name>/{path}", _refuse, methods=["POST"])


@hooks.on_infra_start()
def answer_unreadable_requests() -> None:
    """A request to SageMaker that is not JSON, or has other types than the model's, is the caller's fault."""
    handlers.serve_custom_exception_handlers.append(_answer_unreadable_request)


def _answer_unreadable_request(
    chain: HandlerChain, exception: Exception, context: RequestContext, response: Response
) -> None:
    if not isinstance(exception, RequestParserError) or context.service is None:
        return
    name = context.service.service_name
    if name not in ("sagemaker", "sagemaker-runtime"):
        return
    operation = context.request.headers.get("X-Amz-Target", "").rpartition(".")[2]
    if operation in context.service.operation_names:
        error: ServiceError = SerializationException(str(exception))
    else:
        error = UnknownOperationException(f"{operation or context.request.path} is not an operation of {name}.")
    response.status_code = error.status
    response.set_json({"__type": error.code, "message": error.message})
    response.headers["x-amzn-ErrorType"] = error.code
    context.service = None  # or LocalStack would make it an internal error, 500


@hooks.on_infra_start()
def prepare_launcher() -> None:
    """Refuse a launcher that does not exist; connect to Docker, in the background, if everything is to run there."""
    try:
        settings = _settings()
    except SettingError as error:
        raise LocalstackExit(f"{error}\n", 1) from None
    ROUTER.add(LAUNCHER_PATH, _describe_launcher, methods=["GET"])
    if settings.launcher == "docker":
        threading.Thread(target=lambda: service().launcher.prepare(), name="docker-launcher", daemon=True).start()


def _describe_launcher(request: Request) -> Response:
    """What ``python -m local status`` says of the launcher."""
    response = Response()
    response.set_json({"fallback": service().launcher.fallback() if _settings().launcher == "docker" else None})
    return response


@hooks.on_infra_shutdown()
def stop_processes() -> None:
    """End what SageMaker started, in order. Processes that are left end with this one all the same."""
    if _service.cache_info().currsize:
        service().close()


def _refuse(request: Request, endpoint_name: str) -> Response:
    operation = "InvokeEndpointAsync" if "async" in request.path else "InvokeEndpointWithResponseStream"
    error = UnsupportedByPreflight(operation)
    response = Response(status=error.status, headers={"x-amzn-ErrorType": error.code})
    response.set_json({"Message": error.message})
    return response
