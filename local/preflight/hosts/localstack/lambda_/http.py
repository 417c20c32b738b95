"""One connection of the Lambda Runtime API, the server's side: h11 between a socket and whole requests.

The peer is most often AWS's own runtime client on a loopback connection that it keeps, but a function can connect as
well, and send what it likes. Nothing here waits for another thread, which is what makes an invocation cheap.
"""

import contextlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import h11

PIECE_BYTES = 256 * 1024
BODY_LIMIT_BYTES = 8 * 1024 * 1024  # above Lambda's own limit of a response; what comes beyond it is thrown away


class NotHttp(ConnectionError):
    """The peer sends what is no HTTP; it has been told so."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in; ``connection`` is where its answer goes."""

    path: str
    body: bytes
    connection: "Connection"


class Connection:
    """The server's side of one connection."""

    def __init__(self, peer: socket.socket) -> None:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = peer
        self._http = h11.Connection(h11.SERVER)
        self._path = ""
        self._body = bytearray()

    def receive(self) -> Request | None:
        """Read what has arrived; return a request once it is complete.

        Raises:
            ConnectionError: the peer has closed the connection, or NotHttp.
        """
        self._http.receive_data(self.socket.recv(PIECE_BYTES))
        return self.next_request()

    def next_request(self) -> Request | None:
        """A complete request of what has been read. Raises as ``receive`` does."""
        try:
            while True:
                match self._http.next_event():
                    case h11.Request() as request:
                        self._path, self._body = request.target.decode("latin-1"), bytearray()
                        if self._http.they_are_waiting_for_100_continue:
                            self._send(h11.InformationalResponse(status_code=100, headers=[]))
                    case h11.Data() as data if len(self._body) < BODY_LIMIT_BYTES:
                        self._body += data.data
                    case h11.EndOfMessage():
                        return Request(self._path, bytes(self._body), self)
                    case h11.ConnectionClosed():
                        raise ConnectionResetError("The peer has closed the connection.")
                    case h11.NEED_DATA | h11.PAUSED:
                        return None
        except h11.RemoteProtocolError as error:
            with contextlib.suppress(OSError, h11.LocalProtocolError):
                self.answer(HTTPStatus(error.error_status_hint), str(error).encode())
            raise NotHttp(str(error)) from error

    def answer(self, status: HTTPStatus, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Send one response.

        Raises:
            OSError: the peer is gone, does not read, or does not want to go on.
        """
        fields = [("Content-Length", str(len(body))), *(headers or {}).items()]
        self._send(
            h11.Response(status_code=status.value, reason=status.phrase, headers=fields),
            h11.Data(data=body),
            h11.EndOfMessage(),
        )
        if self._http.our_state is h11.MUST_CLOSE:
            raise ConnectionResetError("The peer does not want to go on.")
        if self._http.their_state is h11.DONE:
            self._http.start_next_cycle()

    def close(self) -> None:
        self.socket.close()

    def _send(self, *events: h11.Event) -> None:
        self.socket.sendall(b"".join(self._http.send(event) or b"" for event in events))
