"""The web server in front of LocalStack.

LocalStack 2026.3.0 listens on every address of the machine whatever ``GATEWAY_LISTEN`` says, and goes on without a
port it cannot have. This server listens on the given address only, and a port it cannot have ends the start.

It also answers SageMaker and InvokeEndpoint itself: a header or the path names them, so nothing of LocalStack's
parsing is needed, which takes longer than most models and is more lenient than AWS's.
"""

import contextlib
import ipaddress
import json
import logging
import re
from collections.abc import Callable, Generator
from urllib.parse import unquote

from localstack.aws.accounts import get_account_id_from_access_key_id
from localstack.config import HostAndPort
from localstack.runtime.server.core import RuntimeServerPlugin
from localstack.runtime.server.twisted import TwistedRuntimeServer
from rolo.gateway import Gateway
from rolo.serving.twisted import GatewayResource, TwistedGateway, TwistedRequestAdapter
from twisted.internet import reactor
from twisted.web.server import NOT_DONE_YET, Request

from preflight.hosts.localstack.services import DEFAULT_REGION, service
from preflight.hosts.localstack.web_pages import is_foreign_host, is_foreign_origin
from preflight.sagemaker.api.answer import Answer
from preflight.sagemaker.api.scope import Scope

LOG = logging.getLogger(__name__)

_INVOCATION = re.compile(rb"/endpoints/([^/?]+)/invocations(-response-stream)?")
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/[^/]*/([^/]*)/([^/]*)/")
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
        site.requestFactory = _Request
        site.resource = _Resource(gateway, reactor, reactor.getThreadPool())
        for address in listen:
            reactor.listenTCP(address.port, site, interface=address.host)

    def shutdown(self) -> None:
        super().shutdown()
        reactor.wakeUp()  # LocalStack stops the reactor from another thread, which alone it notices seconds later


class _Request(TwistedRequestAdapter):
    """Twisted hangs up on a Content-Type that is not ASCII; here it counts as none, and the request is answered."""

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        if not (self.requestHeaders.getRawHeaders(b"content-type") or [b""])[0].isascii():
            self.requestHeaders.removeHeader(b"content-type")
        super().requestReceived(command, path, version)


class _Resource(GatewayResource):
    """SageMaker's requests to SageMaker, everything else to LocalStack."""

    isLeaf = True

    def render(self, request: Request) -> object:
        host = (request.getHeader(b"host") or b"").decode("latin-1")
        if is_foreign_host(host) and ipaddress.ip_address(request.getHost().host).is_loopback:
            return _forbid(request, f"This stack is for its own machine, and {host} is none of that machine's names.")
        work = _find_work(request)
        if work is None:
            return super().render(request)
        if is_foreign_origin(_headers(request)):
            return _forbid(request, "A web page from elsewhere may not use this stack.")
        reactor.getThreadPool().callInThread(_work, request, work)
        return NOT_DONE_YET


_Work = Callable[[Scope, dict[str, str], bytes], Answer]


def _find_work(request: Request) -> _Work | None:
    """What answers ``request``, if it is one of SageMaker's."""
    target = (request.getHeader(b"x-amz-target") or b"").decode("latin-1")
    if target.startswith("SageMaker.") or (target and _is_signed_for_sagemaker(request)):
        is_call = request.method == b"POST" and request.path == b"/" and target.startswith("SageMaker.")
        operation_name = target.partition(".")[2] if is_call else ""
        return lambda scope, headers, body: service().answer(scope, operation_name, body)
    if request.method == b"POST" and (match := _INVOCATION.fullmatch(request.path)):
        endpoint_name = unquote(match[1].decode("latin-1"))
        if match[2]:
            return lambda scope, headers, body: service().invocations.invoke_with_response_stream(
                scope, endpoint_name, headers, body
            )
        return lambda scope, headers, body: service().invocations.invoke(scope, endpoint_name, headers, body)
    return None


def _headers(request: Request) -> dict[str, str]:
    return {
        name.decode("latin-1").lower(): values[-1].decode("latin-1")
        for name, values in request.requestHeaders.getAllRawHeaders()
    }


def _forbid(request: Request, reason: str) -> bytes:
    request.setResponseCode(403)
    request.setHeader(b"content-type", b"application/json")
    return json.dumps({"__type": "AccessDeniedException", "message": reason}).encode()


def _work(request: Request, work: _Work) -> None:
    headers = _headers(request)
    try:
        answer = work(_scope(headers), headers, request.content.read())
    except Exception:  # whatever happens, the client gets an answer
        LOG.exception("%s %s failed inside Preflight.", request.method, request.path)
        body = {"__type": "InternalFailure", "message": "Preflight failed; the cause is in the log of the stack."}
        failure_headers = {"Content-Type": "application/json", "x-amzn-ErrorType": "InternalFailure"}
        answer = Answer(500, json.dumps(body).encode(), failure_headers)
    if answer.chunks is None:
        reactor.callFromThread(_answer, request, answer)
    else:
        _stream(request, answer, answer.chunks)


def _answer(request: Request, answer: Answer) -> None:
    if request._disconnected:
        return
    _send_headers(request, answer)
    request.setHeader(b"content-length", str(len(answer.body)).encode())
    request.write(answer.body)
    request.finish()


def _stream(request: Request, answer: Answer, chunks: Generator[bytes]) -> None:
    """Send each chunk when it comes; a client that has gone ends them."""
    with contextlib.closing(chunks):
        reactor.callFromThread(_send_headers, request, answer)
        for chunk in chunks:
            if request._disconnected:
                return
            reactor.callFromThread(_write, request, chunk)
    reactor.callFromThread(_finish, request)


def _send_headers(request: Request, answer: Answer) -> None:
    if request._disconnected:
        return
    request.setResponseCode(answer.status)
    for name, value in answer.headers.items():
        request.setHeader(name.encode("latin-1"), value.encode("latin-1"))


def _write(request: Request, chunk: bytes) -> None:
    if not request._disconnected:
        request.write(chunk)


def _finish(request: Request) -> None:
    if not request._disconnected:
        request.finish()


def _is_signed_for_sagemaker(request: Request) -> bool:
    match = _CREDENTIAL.search((request.getHeader(b"authorization") or b"").decode("latin-1"))
    return match is not None and match[3] == "sagemaker"


def _scope(headers: dict[str, str]) -> Scope:
    """Whose request it is, read from its signature's scope as LocalStack reads it."""
    match = _CREDENTIAL.search(headers.get("authorization", ""))
    if match is None:
        return Scope(_DEFAULT_ACCOUNT, DEFAULT_REGION)
    return Scope(get_account_id_from_access_key_id(match[1]), match[2] or DEFAULT_REGION)
