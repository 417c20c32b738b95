"""The beginning of every connection, in Twisted's reactor: to the fast lane, or to Twisted's own HTTP."""

import re
from collections.abc import Callable

from twisted.internet import reactor
from twisted.internet.protocol import Protocol
from twisted.protocols.policies import TimeoutMixin

from preflight.hosts import web_pages
from preflight.hosts.localstack.fast_lane.lane import CONNECTIONS, FastLane, Listener, Loan

IDLE_SECONDS = 60.0  # until a connection on which nothing is asked is closed, as Twisted's HTTP does it

# Requests that are the lane's most likely; it looks at them closely.
_PROMISING = re.compile(
    rb"POST /endpoints/|[A-Z]+ /+(?:_aws/execute-api|restapis)/"
    rb"|[A-Z]+ /[^\r\n]*\r\n(?:[^\r\n]+\r\n)*?(?i:host: *[a-z0-9-]+\.execute-api\.|x-amz-target: *SageMaker\.)"
)


_TLS_HANDSHAKE = b"\x16"
_NO_TLS = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Switch(Protocol, TimeoutMixin):
    """Waits for the next request of a connection; ``make_http`` gives Twisted's protocol for it."""

    lent = 0  # connections, of all switches; changed in the reactor's thread only

    def __init__(self, lane: FastLane, make_http: Callable[[], Protocol]) -> None:
        self._lane = lane
        self._make_http = make_http

    def connectionMade(self) -> None:
        self.setTimeout(IDLE_SECONDS)

    def dataReceived(self, data: bytes) -> None:
        self.setTimeout(None)
        if data.startswith(_TLS_HANDSHAKE):  # it would wait for us as long as we for a line of HTTP
            self.transport.write(_NO_TLS)
            self.transport.loseConnection()
        elif _PROMISING.match(data) and Switch.lent < CONNECTIONS:
            self._lend(data)
        else:
            self._become_http(data)

    def connectionLost(self, reason: object = None) -> None:
        self.setTimeout(None)

    def _lend(self, data: bytes) -> None:
        Switch.lent += 1
        self.transport.pauseProducing()
        listener = self.transport.getHost()
        self._lane.take(
            Loan(
                peer=self.transport.getHandle(),
                client=self.transport.getPeer().host,
                listener=Listener(listener.port, web_pages.is_loopback(listener.host)),
                unread=data,
                rest=lambda: reactor.callFromThread(self._take_back),
                hand_over=lambda unread: reactor.callFromThread(self._take_back_for_good, unread),
                close=lambda: reactor.callFromThread(self._end),
            )
        )

    def _take_back(self) -> None:
        Switch.lent -= 1
        self.transport.getHandle().setblocking(False)
        self.transport.resumeProducing()
        self.setTimeout(IDLE_SECONDS)

    def _take_back_for_good(self, unread: bytes) -> None:
        self._take_back()
        self.setTimeout(None)
        self._become_http(unread)

    def _end(self) -> None:
        Switch.lent -= 1
        self.transport.loseConnection()

    def _become_http(self, data: bytes) -> None:
        http = self._make_http()
        self.transport.protocol = http
        http.makeConnection(self.transport)
        http.dataReceived(data)
