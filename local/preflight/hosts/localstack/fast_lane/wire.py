"""One HTTP connection in blocking reads and writes."""

import contextlib
import re
import socket
import time
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from preflight.hosts.localstack.fast_lane.request_head import RequestHead

WAIT_SECONDS = 1.0  # for the next request
READ_SECONDS = 1.0  # for the rest of one
WRITE_SECONDS = 60.0  # for a client that reads nothing
MAX_HEAD_BYTES = 16 * 1024
PIECE_BYTES = 256 * 1024

_END_OF_HEAD = b"\r\n\r\n"
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_WITHOUT_BODY = (204, 304)

Fields = Iterable[tuple[str, str]]


class Closed(Exception):
    """The client has hung up, or takes nothing more."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. ``chunks``, if there are any, are its body as it comes."""

    status: int
    fields: Fields
    body: bytes = b""
    chunks: Generator[bytes] | None = None


class Wire:
    """``unread`` is what has come of the next request, and of those after it."""

    def __init__(self, peer: socket.socket, unread: bytes) -> None:
        self._peer = peer
        self.unread = bytearray(unread)
        self._head_bytes = 0

    def read_head(self) -> RequestHead | None:
        """The head of the next request; it stays unread.

        None if there is none, or it is not a plain one, or not here in time. Raises Closed.
        """
        deadline = time.monotonic() + READ_SECONDS
        if not self.unread:
            if not self._receive(WAIT_SECONDS):
                return None
            deadline = time.monotonic() + READ_SECONDS
        while (end := self.unread.find(_END_OF_HEAD)) < 0:
            if len(self.unread) > MAX_HEAD_BYTES or not self._receive(deadline - time.monotonic()):
                return None
        self._head_bytes = end + len(_END_OF_HEAD)
        return RequestHead.read(bytes(self.unread[: self._head_bytes]))

    def read_body(self, head: RequestHead) -> bytes | None:
        """The body that ``head``, the last one read, has, if it is all here in time; it stays unread. Raises Closed."""
        deadline = time.monotonic() + READ_SECONDS
        end = self._head_bytes + head.body_bytes
        while len(self.unread) < end:
            if not self._receive(deadline - time.monotonic()):
                return None
        return bytes(memoryview(self.unread)[self._head_bytes : end])

    def reply(self, head: RequestHead, reply: Reply) -> None:
        """Answer the request, which is read by that. Raises Closed; and what ``chunks`` raises."""
        del self.unread[: self._head_bytes + head.body_bytes]
        has_body = head.method != "HEAD" and reply.status not in _WITHOUT_BODY
        if reply.chunks is None:
            length = () if reply.status in _WITHOUT_BODY else (("Content-Length", str(len(reply.body))),)
            self._send(_head(reply, length, is_last=head.is_last) + (reply.body if has_body else b""))
            return
        with contextlib.closing(reply.chunks):
            self._send(_head(reply, (("Transfer-Encoding", "chunked"),), is_last=head.is_last))
            for chunk in reply.chunks:
                if chunk:
                    self._send(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            self._send(b"0\r\n\r\n")

    def hang_up(self) -> None:
        """Let the client know that nothing more comes; the socket stays whose it is."""
        with contextlib.suppress(OSError):
            self._peer.shutdown(socket.SHUT_RDWR)

    def _receive(self, seconds: float) -> bool:
        """Whether something came. Raises Closed."""
        if seconds <= 0:
            return False
        try:
            self._peer.settimeout(seconds)
            piece = self._peer.recv(PIECE_BYTES)
        except TimeoutError:
            return False
        except OSError as error:
            raise Closed from error
        if not piece:
            raise Closed
        self.unread += piece
        return True

    def _send(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            self._peer.settimeout(WRITE_SECONDS)
            while rest:
                rest = rest[self._peer.send(rest) :]
        except OSError as error:  # a time-out is one
            raise Closed from error


def _head(reply: Reply, framing: Fields, *, is_last: bool) -> bytes:
    lines = [_status_line(reply.status), f"Date: {_date(int(time.time()))}"]
    if is_last:
        lines.append("Connection: close")
    lines += [f"{name}: {' '.join(value.splitlines())}" for name, value in reply.fields if _NAME.fullmatch(name)]
    lines += [f"{name}: {value}" for name, value in framing]
    return "\r\n".join([*lines, "", ""]).encode(errors="replace")


@lru_cache
def _status_line(status: int) -> str:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:  # a function's own
        phrase = "Unknown"
    return f"HTTP/1.1 {status} {phrase}"


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
