"""The web server in front of LocalStack.

LocalStack 2026.3.0 listens on every address of the machine whatever ``GATEWAY_LISTEN`` says, and goes on without a
port it cannot have. This server listens on the given address only, and a port it cannot have ends the start.

It also answers InvokeEndpoint itself: the path is known, so nothing of LocalStack's parsing is needed, which would
take longer than most models.
"""

import logging
import re
from urllib.parse import unquote

from localstack.aws.accounts import get_account_id_from_access_key_id
from localstack.config import HostAndPort
from localstack.runtime.server.core import RuntimeServerPlugin
from localstack.runtime.server.twisted import TwistedRuntimeServer
from rolo.gateway import Gateway
from rolo.serving.twisted import GatewayResource, TwistedGateway
from twisted.internet import reactor
from twisted.web.server import NOT_DONE_YET, Request

from local.localstack.services import DEFAULT_REGION, service
from local.sagemaker.runtime_errors import Answer
from local.sagemaker.store import Scope

LOG = logging.getLogger(__name__)

_INVOCATION = re.compile(rb"/endpoints/([^/?]+)/invocations")
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/[^/]*/([^/]*)/")
_DEFAULT_ACCOUNT = "000000000000"


class PreflightRuntimeServerPlugin(RuntimeServerPlugin):
    """Chosen with ``GATEWAY_SERVER=preflight``."""

    name = "preflight"

    def load(self, *args: object, **kwargs: object) -> TwistedRuntimeServer:
        return PreflightServer()


class PreflightServer(TwistedRuntimeServer):
    """Plain HTTP on each address of ``listen``, and on no other."""

    def register(self, gateway: Gateway, listen: list[HostAndPort], ssl_creds: tuple[str, str] | None = None) -> None:
        site = TwistedGateway(gateway)
        site.resource = _Resource(gateway, reactor, reactor.getThreadPool())
        for address in listen:
            reactor.listenTCP(address.port, site, interface=address.host)

    def shutdown(self) -> None:
        super().shutdown()
        reactor.wakeUp()  # LocalStack stops the reactor from another thread, which alone it notices seconds later


class _Resource(GatewayResource):
    """InvokeEndpoint to SageMaker, everything else to LocalStack."""

    isLeaf = True

    def render(self, request: Request) -> object:
        match = _INVOCATION.fullmatch(request.path) if request.method == b"POST" else None
        if match is None:
            return super().render(request)
        reactor.getThreadPool().callInThread(_invoke, request, unquote(match[1].decode("latin-1")))
        return NOT_DONE_YET


def _invoke(request: Request, endpoint_name: str) -> None:
    headers = {
        name.decode("latin-1").lower(): values[-1].decode("latin-1")
        for name, values in request.requestHeaders.getAllRawHeaders()
    }
    try:
        answer = service().invocations.invoke(_scope(headers), endpoint_name, headers, request.content.read())
    except Exception:  # whatever happens, the client gets an answer
        LOG.exception("InvokeEndpoint of %s failed inside Preflight.", endpoint_name)
        body = b'{"Message": "InvokeEndpoint failed inside Preflight; the cause is in the log of the stack."}'
        answer = Answer(500, body, {"Content-Type": "application/json", "x-amzn-ErrorType": "InternalFailure"})
    reactor.callFromThread(_answer, request, answer)


def _answer(request: Request, answer: Answer) -> None:
    if request._disconnected:
        return
    request.setResponseCode(answer.status)
    for name, value in answer.headers.items():
        request.setHeader(name.encode("latin-1"), value.encode("latin-1"))
    request.setHeader(b"content-length", str(len(answer.body)).encode())
    request.write(answer.body)
    request.finish()


def _scope(headers: dict[str, str]) -> Scope:
    """Whose request it is, read from its signature's scope as LocalStack reads it."""
    match = _CREDENTIAL.search(headers.get("authorization", ""))
    if match is None:
        return Scope(_DEFAULT_ACCOUNT, DEFAULT_REGION)
    return Scope(get_account_id_from_access_key_id(match[1]), match[2] or DEFAULT_REGION)
