"""SageMaker and SageMaker Runtime inside LocalStack: translation only, no behaviour of their own."""

import functools
import logging
import os
import threading

from localstack import config
from localstack.aws import handlers
from localstack.aws.api import RequestContext
from localstack.aws.chain import HandlerChain
from localstack.aws.protocol.parser import RequestParserError
from localstack.aws.skeleton import Skeleton
from localstack.aws.spec import load_service
from localstack.http import Request, Response
from localstack.runtime import hooks
from localstack.runtime.exceptions import LocalstackExit
from localstack.services.edge import ROUTER
from localstack.services.plugins import Service, aws_provider

from preflight.sagemaker.api.errors import UnknownOperationException, UnsupportedByPreflight
from preflight.sagemaker.service import SageMaker
from preflight.sagemaker.settings import SettingError, Settings

LOG = logging.getLogger(__name__)

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
    """SageMaker among LocalStack's services. Its requests do not come this way: ``server.py`` answers them."""
    return Service("sagemaker", skeleton=Skeleton(load_service("sagemaker"), {}))


def reset() -> None:
    """End every job and endpoint and forget them; the next request makes a new SageMaker."""
    stop_processes()
    _service.cache_clear()


@hooks.on_infra_start()
def refuse_unsupported_invocations() -> None:
    """Refuse by name what the runtime does not do yet; ``server.py`` answers InvokeEndpoint."""
    ROUTER.add("/endpoints/<endpoint_name>/async-invocations", _refuse, methods=["POST"])


@hooks.on_infra_start()
def answer_unreadable_requests() -> None:
    """A request signed for SageMaker that names no operation is the caller's fault."""
    handlers.serve_custom_exception_handlers.append(_answer_unreadable_request)


def _answer_unreadable_request(
    chain: HandlerChain, exception: Exception, context: RequestContext, response: Response
) -> None:
    if not isinstance(exception, RequestParserError) or context.service is None:
        return
    name = context.service.service_name
    if name not in ("sagemaker", "sagemaker-runtime"):
        return
    error = UnknownOperationException(f"{context.request.method} {context.request.path} is not an operation of {name}.")
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
        threading.Thread(target=_connect_to_docker, name="docker-launcher", daemon=True).start()


def _connect_to_docker() -> None:
    if problem := service().launcher.fallback():
        LOG.warning("%s", problem)


def _describe_launcher(request: Request) -> Response:
    """What ``preflight status`` says of the launcher."""
    response = Response()
    response.set_json({"fallback": service().launcher.fallback()})
    return response


@hooks.on_infra_shutdown()
def stop_processes() -> None:
    """End what SageMaker started, in order. Processes that are left end with this one all the same."""
    if _service.cache_info().currsize:
        service().close()


def _refuse(request: Request, endpoint_name: str) -> Response:
    error = UnsupportedByPreflight("InvokeEndpointAsync")
    response = Response(status=error.status, headers={"x-amzn-ErrorType": error.code})
    response.set_json({"Message": error.message})
    return response
