"""The web server in front of LocalStack.

LocalStack 2026.3.0 listens on every address of the machine whatever ``GATEWAY_LISTEN`` says, and goes on without a
port it cannot have. This server listens on the given address only, and a port it cannot have ends the start.

It also answers SageMaker, InvokeEndpoint and the REST APIs of API Gateway itself: a header, the path or the host names
them, so nothing of LocalStack's parsing is needed, which takes longer than most models and is more lenient than AWS's.
Plain requests of these do not come here: ``fast_lane/`` has them answered before.
"""

import contextlib
import io
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from tempfile import gettempdir

from localstack.config import HostAndPort
from localstack.runtime.server.core import RuntimeServerPlugin
from localstack.runtime.server.twisted import TwistedRuntimeServer
from rolo.gateway import Gateway
from rolo.serving.twisted import GatewayResource, TwistedGateway, TwistedRequestAdapter
from twisted.internet import reactor
from twisted.web.server import NOT_DONE_YET, Request

from preflight.hosts import web_pages
from preflight.hosts.localstack.api_gateway.addresses import Address
from preflight.hosts.localstack.fast_lane.lane import FastLane
from preflight.hosts.localstack.fast_lane.switch import Switch
from preflight.hosts.localstack.services import HTTP
from preflight.hosts.refusals import refusal, refusal_of_region
from preflight.sagemaker.api.answer import Answer
from preflight.sagemaker.http import BODY_LIMIT_BYTES, Call

API_REQUESTS = 1000  # at once; each waits for its function


class PreflightRuntimeServerPlugin(RuntimeServerPlugin):
    """Chosen with ``GATEWAY_SERVER=preflight``."""

    name = "preflight"

    def load(self, *args: object, **kwargs: object) -> TwistedRuntimeServer:
        return PreflightServer()


class PreflightServer(TwistedRuntimeServer):
    """Plain HTTP on each address of ``listen``, and on no other."""

    def register(self, gateway: Gateway, listen: list[HostAndPort], ssl_creds: tuple[str, str] | None = None) -> None:
        self._lane = FastLane(HTTP)
        site = _Site(gateway, self._lane)
        site.requestFactory = _Request
        site.resource = _Resource(gateway, reactor, reactor.getThreadPool())
        for address in listen:
            reactor.listenTCP(address.port, site, interface=address.host)

    def shutdown(self) -> None:
        self._lane.close()
        super().shutdown()
        reactor.wakeUp()  # LocalStack stops the reactor from another thread, which alone it notices seconds later


class _Site(TwistedGateway):
    """Connections begin at the fast lane's switch. Without Twisted's access log, which nobody sees."""

    def __init__(self, gateway: Gateway, lane: FastLane) -> None:
        super().__init__(gateway)
        self._lane = lane

    def buildProtocol(self, address: object) -> Switch:
        make_http = super().buildProtocol
        return Switch(self._lane, lambda: make_http(address))

    def log(self, request: Request) -> None:
        pass


class _Request(TwistedRequestAdapter):
    """Without Twisted's reading of forms, which nobody here asks for and which takes longer than most models.

    A Content-Type that is not ASCII counts as none, and a body that the disk does not take is read to its end: the
    request is answered.
    """

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments, parsePOSTFormSubmission=False)
        self.not_stored: OSError | None = None  # why its body is not there

    def handleContentChunk(self, data: bytes) -> None:
        if self.not_stored is not None:
            return
        try:
            super().handleContentChunk(data)
        except OSError as error:
            self.not_stored = error
            self.content = io.BytesIO()

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        if not (self.requestHeaders.getRawHeaders(b"content-type") or [b""])[0].isascii():
            self.requestHeaders.removeHeader(b"content-type")
        super().requestReceived(command, path, version)


class _Resource(GatewayResource):
    """SageMaker's requests to SageMaker, everything else to LocalStack; neither to a page from elsewhere."""

    isLeaf = True

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        self._allowed_origins = web_pages.allowed_origins()
        self._api_requests = ThreadPoolExecutor(API_REQUESTS, thread_name_prefix="api-request")

    def render(self, request: Request) -> object:
        headers = _headers(request)
        method = request.method.decode("latin-1")
        listener = request.getHost()
        reason = web_pages.refusal(
            method,
            request.uri.decode("latin-1"),
            headers,
            port=listener.port,
            is_loopback=web_pages.is_loopback(listener.host),
            allowed=self._allowed_origins,
        )
        if reason:
            return _refuse(request, refusal(headers, 403, "AccessDeniedException", reason))
        if request.not_stored is not None:
            return _refuse(request, _no_room(headers, request.not_stored))
        call = HTTP.find(method, request.path.decode("latin-1"), headers)
        if call is not None:
            reactor.getThreadPool().callInThread(_work, request, call, headers)
            return NOT_DONE_YET
        address = Address.read(request.uri.decode("latin-1"), headers.get("host", ""))
        if address is not None and "upgrade" not in headers:
            self._api_requests.submit(self._answer_api, request, address)
            return NOT_DONE_YET
        refused = refusal_of_region(headers)
        return _refuse(request, refused) if refused else super().render(request)

    def _answer_api(self, request: Request, address: Address) -> None:
        """A request to an API; what is not answered here goes to LocalStack."""
        from preflight.hosts.localstack.api_gateway import plane  # its stores take a while to import

        answer = plane.find(address).answer(
            request.method.decode("latin-1"),
            request.uri.decode("latin-1"),
            [
                (_text(name), _text(value))
                for name, values in request.requestHeaders.getAllRawHeaders()
                for value in values
            ],
            request.content.read(plane.BODY_LIMIT_BYTES + 1),
            request.getClientAddress().host,
        )
        if answer is None:
            request.content.seek(0)
            reactor.callFromThread(super().render, request)
        else:
            reactor.callFromThread(_answer_with, request, answer.status, answer.headers, answer.body)


def _headers(request: Request) -> dict[str, str]:
    return {
        name.decode("latin-1").lower(): values[-1].decode("latin-1")
        for name, values in request.requestHeaders.getAllRawHeaders()
    }


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _no_room(headers: dict[str, str], error: OSError) -> Answer:
    """What AWS never has to say; a status that no client tries again."""
    message = f"This machine cannot take the request's body: {error.strerror}. The stack keeps it in {gettempdir()}."
    return refusal(headers, 507, "InsufficientStorage", message)


def _refuse(request: Request, answer: Answer) -> bytes:
    _send_headers(request, answer)
    return answer.body


def _work(request: Request, call: Call, headers: dict[str, str]) -> None:
    answer = HTTP.answer(call, headers, request.content.read(BODY_LIMIT_BYTES))
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


def _answer_with(request: Request, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> None:
    """Each header as it is spelled, as often as it is given."""
    if request._disconnected:
        return
    request.setResponseCode(status)
    for name, value in headers:
        raw_name = name.encode("latin-1", "replace")
        request.responseHeaders.addRawHeader(raw_name, value.encode(errors="replace"))
        request.responseHeaders.rememberHeaderCasing(raw_name)
    request.setHeader(b"content-length", str(len(body)).encode())
    request.write(body)
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
