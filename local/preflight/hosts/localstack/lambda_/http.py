"""The few lines of HTTP/1.1 that the Lambda Runtime API takes.

The peer is AWS's own runtime client, on a loopback connection that it keeps: every body has a Content-Length.
Nothing here waits for another thread, which is what makes an invocation cheap.
"""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

PIECE_BYTES = 256 * 1024
HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in; ``connection`` is where its answer goes."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: "Connection"


class Connection:
    """The server's side of one connection."""

    def __init__(self, peer: socket.socket) -> None:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = peer
        self._received = bytearray()
        self._head: tuple[str, str, dict[str, str]] | None = None

    def receive(self) -> Request | None:
        """Read what has arrived; return a request once it is complete. Raises ConnectionError at the end."""
        piece = self.socket.recv(PIECE_BYTES)
        if not piece:
            raise ConnectionResetError("The peer has closed the connection.")
        self._received += piece
        if self._head is None:
            head, separator, body = self._received.partition(HEAD_END)
            if not separator:
                return None
            self._head = _parse_head(head.decode("latin-1"))
            self._received = body
        method, path, headers = self._head
        length = int(headers.get("content-length", "0"))
        if len(self._received) < length:
            return None
        self._head = None
        body, self._received = self._received[:length], self._received[length:]
        return Request(method, path, headers, bytes(body), self)

    def answer(self, status: HTTPStatus, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Send one response. Raises OSError when the peer is gone or does not read."""
        lines = [f"HTTP/1.1 {status.value} {status.phrase}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.socket.sendall("\r\n".join(lines).encode("latin-1") + HEAD_END + body)

    def close(self) -> None:
        self.socket.close()


def _parse_head(head: str) -> tuple[str, str, dict[str, str]]:
    request_line, *lines = head.split("\r\n")
    method, path, _ = request_line.split(" ")
    fields = (line.partition(":") for line in lines)
    return method, path, {name.lower(): value.strip() for name, _, value in fields}
