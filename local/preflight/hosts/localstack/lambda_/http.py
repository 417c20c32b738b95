"""One connection of the Lambda Runtime API, the server's side: httptools between a socket and whole requests.

The peer is most often AWS's own runtime client on a loopback connection that it keeps, but a function can connect as
well, and send what it likes. Nothing here waits for another thread, which is what makes an invocation cheap.
"""

import contextlib
import socket
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import httptools

PIECE_BYTES = 256 * 1024
BODY_LIMIT_BYTES = 8 * 1024 * 1024  # above Lambda's own limit of a response; what comes beyond it is thrown away
PATH_LIMIT_BYTES = 8 * 1024

_GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"


class NotHttp(ConnectionError):
    """The peer sends what is no HTTP; it has been told so."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in; ``connection`` is where its answer goes."""

    path: str
    body: bytes
    connection: "Connection"


class Connection:
    """The server's side of one connection: requests one after the other, the next when the last is answered."""

    def __init__(self, peer: socket.socket) -> None:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = peer
        self._reading = _Reading(self)
        self._parser = httptools.HttpRequestParser(self._reading)
        self._reading.parser = self._parser
        self._is_asked = False  # the last request given has no answer yet

    def receive(self) -> Request | None:
        """Read what has arrived; return a request once it is complete.

        Raises:
            ConnectionError: the peer has closed the connection, or NotHttp.
        """
        data = self.socket.recv(PIECE_BYTES)
        if not data:
            raise ConnectionResetError("The peer has closed the connection.")
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            with contextlib.suppress(OSError):
                self.answer(HTTPStatus.BAD_REQUEST, str(error).encode())
            raise NotHttp(str(error)) from error
        if self._reading.waits_for_leave:
            self._reading.waits_for_leave = False
            self.socket.sendall(_GO_ON)
        return self.next_request()

    def next_request(self) -> Request | None:
        """A complete request of what has been read; None as long as the last has no answer."""
        if self._is_asked or not self._reading.complete:
            return None
        self._is_asked = True
        return self._reading.complete.popleft()

    def answer(self, status: HTTPStatus, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Send one response.

        Raises:
            OSError: the peer is gone, does not read, or does not want to go on.
        """
        fields = {"Content-Length": str(len(body)), **(headers or {})}
        lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in fields.items())]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        self._is_asked = False
        if self._reading.is_over and not self._reading.complete:
            raise ConnectionResetError("The peer does not want to go on.")

    def close(self) -> None:
        self.socket.close()


class _Reading:
    """What the parser calls, and what has come of it."""

    parser: httptools.HttpRequestParser

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._path = b""
        self._body = bytearray()
        self.complete: deque[Request] = deque()
        self.waits_for_leave = False
        self.is_over = False

    def on_message_begin(self) -> None:
        self._path, self._body = b"", bytearray()

    def on_url(self, piece: bytes) -> None:
        self._path += piece
        if len(self._path) > PATH_LIMIT_BYTES:
            raise ValueError("The path is too long.")

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"expect" and value.lower() == b"100-continue":
            self.waits_for_leave = True

    def on_body(self, piece: bytes) -> None:
        if len(self._body) < BODY_LIMIT_BYTES:
            self._body += piece

    def on_message_complete(self) -> None:
        self.waits_for_leave = False
        self.is_over = not self.parser.should_keep_alive()
        self.complete.append(Request(self._path.decode("latin-1"), bytes(self._body), self._connection))
