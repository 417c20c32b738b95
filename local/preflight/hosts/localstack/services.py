"""SageMaker inside LocalStack: its life in this stack, and its name among LocalStack's services."""

import logging
import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from localstack import config
from localstack.aws.skeleton import Skeleton
from localstack.aws.spec import load_service
from localstack.http import Request, Response
from localstack.runtime import hooks
from localstack.runtime.exceptions import LocalstackExit
from localstack.services.edge import ROUTER
from localstack.services.plugins import SERVICE_PLUGINS, Service, aws_provider

from preflight.hosts.localstack.authorization.handler import look_at_requests, sagemaker_refusal
from preflight.hosts.localstack.patches.unavailable_services import NOT_HERE
from preflight.sagemaker.api.credentials import Credential
from preflight.sagemaker.http import SageMakerHttp
from preflight.sagemaker.life import ServiceGone, ServiceLife
from preflight.sagemaker.settings import SettingError, Settings

if TYPE_CHECKING:
    from preflight.iam.denials import Denial
    from preflight.sagemaker.service import SageMaker

LOG = logging.getLogger(__name__)

LAUNCHER_PATH = "/_preflight/launcher"
SERVICES_PATH = "/_preflight/services"


def _settings() -> Settings:
    port = config.GATEWAY_LISTEN[0].port
    return Settings.from_env(os.environ, endpoint_url=f"http://127.0.0.1:{port}")


def _create() -> "SageMaker":
    from preflight.sagemaker.service import SageMaker  # slow to import; the stack answers before

    return SageMaker(_settings(), refusal=_refusal)


def _refusal(credential: Credential, service: str, operation: str, parameters: Mapping[str, Any]) -> "Denial | None":
    return sagemaker_refusal(credential, service, operation, parameters, lambda arn: LIFE.service().tags_of(arn))


LIFE = ServiceLife(_create)
HTTP = SageMakerHttp(LIFE, _refusal)


@aws_provider(api="sagemaker")
def sagemaker() -> Service:
    """SageMaker among LocalStack's services. Its requests do not come this way: ``server.py`` answers them."""
    return Service("sagemaker", skeleton=Skeleton(load_service("sagemaker"), {}))


@aws_provider(api="application-autoscaling")
def application_autoscaling() -> Service:
    """Application Auto Scaling among LocalStack's services. Its requests are answered where SageMaker's are."""
    return Service("application-autoscaling", skeleton=Skeleton(load_service("application-autoscaling"), {}))


@hooks.on_infra_start(priority=-1)  # after Lambda's
def check_settings() -> None:
    """Refuse settings that mean nothing."""
    try:
        _settings()
        look_at_requests()
    except SettingError as error:
        raise LocalstackExit(f"{error}\n", 1) from None
    ROUTER.add(LAUNCHER_PATH, _describe_launcher, methods=["GET"])
    ROUTER.add(SERVICES_PATH, _describe_services, methods=["GET"])


@hooks.on_infra_ready()
def prepare_service() -> None:
    """Make the service in the background, and connect to Docker if everything is to run there."""
    threading.Thread(target=_prepare, name="sagemaker-prepare", daemon=True).start()


def _prepare() -> None:
    try:
        service = LIFE.service()
    except ServiceGone:  # the stack was stopped as soon as it was up
        return
    for note in (service.launcher.fallback(), service.launcher.limitation()):
        if note:
            LOG.warning("%s", note)


def _describe_launcher(request: Request) -> Response:
    """What ``preflight status`` says of the launcher."""
    response = Response()
    launcher = LIFE.service().launcher
    response.set_json({"fallback": launcher.fallback(), "limitation": launcher.limitation()})
    return response


def _describe_services(request: Request) -> Response:
    """What ``preflight status`` says of AWS's services: which are here, which are not and why; all others are not."""
    here = sorted(SERVICE_PLUGINS.list_available())
    response = Response()
    response.set_json({"supported": here, "refused": dict(sorted(NOT_HERE.items()))})
    return response


@hooks.on_infra_shutdown()
def stop_processes() -> None:
    """End what SageMaker started, in order. Processes that are left end with this one all the same."""
    LIFE.close()
