"""The threads that answer, and what they answer."""

import logging
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from preflight.hosts import web_pages
from preflight.hosts.localstack.api_gateway.addresses import Address
from preflight.hosts.localstack.fast_lane.request_head import RequestHead
from preflight.hosts.localstack.fast_lane.wire import Closed, Reply, Wire
from preflight.sagemaker.http import Call, SageMakerHttp

LOG = logging.getLogger(__name__)

CONNECTIONS = 1000  # at once; each has a thread. Twisted answers all others


@dataclass(frozen=True, slots=True)
class Listener:
    """Where a connection came in."""

    port: int
    is_loopback: bool


@dataclass(frozen=True, slots=True)
class Loan:
    """A connection that is lent, with what has been read from it. One of the three ends the loan; any thread may."""

    peer: socket.socket
    client: str  # its address
    listener: Listener
    unread: bytes
    rest: Callable[[], None]  # nothing is asked at the moment
    hand_over: Callable[[bytes], None]  # the next request is none of this lane's; these are its bytes
    close: Callable[[], None]


class FastLane:
    """Answers what it knows on connections that are lent to it."""

    def __init__(self, sagemaker: SageMakerHttp) -> None:
        self._sagemaker = sagemaker
        self._allowed_origins = web_pages.allowed_origins()
        self._threads = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="fast-lane")
        self._is_closing = False

    def take(self, loan: Loan) -> None:
        """Answer in another thread, request after request. Returns at once."""
        self._threads.submit(self._serve, loan)

    def close(self) -> None:
        """Answer what is being asked, and nothing more: the stack is stopping, and so is the reactor."""
        self._is_closing = True

    def _serve(self, loan: Loan) -> None:
        wire = Wire(loan.peer, loan.unread)
        try:
            while self._answer_next(wire, loan):
                if self._is_closing:
                    wire.hang_up()
                    return
        except Closed:
            loan.close()
        except Exception:  # an answer that broke off in the middle: what else could tell the client?
            LOG.exception("An answer could not be completed.")
            loan.close()

    def _answer_next(self, wire: Wire, loan: Loan) -> bool:
        """Whether there may be a next one; if not, the loan is at its end. Raises Closed."""
        head = wire.read_head()
        reply = self._reply(wire, head, loan) if head is not None else None
        if head is None or reply is None:
            if wire.unread:
                loan.hand_over(bytes(wire.unread))
            else:
                loan.rest()
            return False
        wire.reply(head, reply)
        if head.is_last:
            loan.close()
        return not head.is_last

    def _reply(self, wire: Wire, head: RequestHead, loan: Loan) -> Reply | None:
        """None if the request is none of this lane's, or is not here in time. Raises Closed."""
        answer = self._find_answer(head, loan)
        body = wire.read_body(head) if answer is not None else None
        return answer(body) if answer is not None and body is not None else None

    def _find_answer(self, head: RequestHead, loan: Loan) -> Callable[[bytes], Reply | None] | None:
        """What answers the request; None if that is not known here, or the request is to be refused."""
        if web_pages.refusal(
            head.method,
            head.uri,
            head.headers,
            port=loan.listener.port,
            is_loopback=loan.listener.is_loopback,
            allowed=self._allowed_origins,
        ):
            return None
        call = self._sagemaker.find(head.method, head.uri.partition("?")[0], head.headers)
        if call is not None:
            return lambda body: self._ask_sagemaker(call, head, body)
        address = Address.read(head.uri, head.headers.get("host", ""))
        return _find_api_answer(address, head, loan.client) if address is not None else None

    def _ask_sagemaker(self, call: Call, head: RequestHead, body: bytes) -> Reply:
        answer = self._sagemaker.answer(call, head.headers, body)
        return Reply(answer.status, answer.headers.items(), answer.body, answer.chunks)


def _find_api_answer(address: Address, head: RequestHead, client: str) -> Callable[[bytes], Reply | None] | None:
    """None where LocalStack carries out the integration."""
    from preflight.hosts.localstack.api_gateway import plane  # its stores take a while to import

    target = plane.find(address)
    if not target.has_answer(head.method):
        return None

    def answer(body: bytes) -> Reply | None:
        found = target.answer(head.method, head.uri, head.fields, body, client)
        return Reply(found.status, found.headers, found.body) if found is not None else None

    return answer
