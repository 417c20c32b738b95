"""Connections to one container, kept for use again: HTTP/1.1 with one deadline over all of a request.

However slowly a container sends, a line at a time or provisional answers (1xx) without end, nothing outlives the
deadline. Deadlines are times of ``time.monotonic``.
"""

import contextlib
import select
import socket
import threading
import time
from collections.abc import Generator, Iterable, Mapping

import h11
from urllib3 import HTTPHeaderDict

from preflight.sagemaker.serving.reply import BrokenReply, NoAnswer, NoReply, NotReached, OpenReply, TimedOut

CONNECT_TIMEOUT_SECONDS = 0.25  # AWS's own: a container accepts within 250 ms
PIECE_BYTES = 1 << 16
MAX_HEAD_BYTES = 1 << 16
MAX_IDLE = 64


class Connections:
    """The connections to the container at ``address``. Any thread may ask; each request has a connection to itself."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self.last_heard = time.monotonic()  # when a request last got something of an answer
        self._idle: list[_Connection] = []
        self._is_closed = False
        self._lock = threading.Lock()

    def request(
        self,
        method: str,
        path: str,
        deadline: float,
        headers: Mapping[str, str] | None = None,
        body: bytes | Iterable[bytes] = b"",
    ) -> OpenReply:
        """An answer that has begun; a ``body`` of several pieces is sent in chunks. Raises NoReply."""
        connection = self._take()
        try:
            status, reply_headers = connection.ask(method, path, headers or {}, body, deadline)
        except BaseException:
            connection.close()
            raise
        self.last_heard = time.monotonic()
        return OpenReply(status, reply_headers, self._chunks(connection, deadline))

    def answers_ping(self, timeout_seconds: float) -> bool:
        """Whether ``GET /ping`` is answered with 200, on a connection of its own."""
        deadline = time.monotonic() + timeout_seconds
        try:
            with contextlib.closing(_Connection(self._address)) as connection:
                status, _ = connection.ask("GET", "/ping", {}, b"", deadline)
        except NoReply:
            return False
        return status == 200

    def close(self) -> None:
        """Let no more requests come. One that is under way keeps its connection until it ends."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self) -> "_Connection":
        """An idle connection that still stands, the last used first; else a new one. Raises NotReached."""
        while True:
            with self._lock:
                if self._is_closed:
                    raise NotReached
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return _Connection(self._address)
            if connection.stands():
                return connection
            connection.close()

    def _give_back(self, connection: "_Connection") -> None:
        if connection.begin_anew():
            with self._lock:
                if not self._is_closed and len(self._idle) < MAX_IDLE:
                    self._idle.append(connection)
                    return
        connection.close()

    def _chunks(self, connection: "_Connection", deadline: float) -> Generator[bytes]:
        """The body as it comes; then the connection is free for the next request."""
        try:
            for chunk in connection.body(deadline):
                self.last_heard = time.monotonic()
                yield chunk
        except BaseException:
            connection.close()
            raise
        self._give_back(connection)


class _Connection:
    def __init__(self, address: tuple[str, int]) -> None:
        self._host = f"{address[0]}:{address[1]}"
        try:
            self._socket = socket.create_connection(address, CONNECT_TIMEOUT_SECONDS)
        except OSError as error:
            raise NotReached from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)

    def ask(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | Iterable[bytes], deadline: float
    ) -> tuple[int, Mapping[str, str]]:
        """Status and headers of the answer, provisional ones passed over."""
        fields = [("Host", self._host), *((name, value.strip()) for name, value in headers.items())]
        if not isinstance(body, bytes):
            fields.append(("Transfer-Encoding", "chunked"))
        elif method != "GET":
            fields.append(("Content-Length", str(len(body))))
        try:
            request = h11.Request(method=method, target=path, headers=[_encoded(field) for field in fields])
            head = self._http.send(request)
        except h11.LocalProtocolError as error:  # a header that no program could send
            raise BrokenReply from error
        assert head is not None
        # A container may answer, and hang up, before it has read all: what it says counts.
        with contextlib.suppress(ConnectionError):
            self._send(head, deadline)
            for data in self._framed(body):
                self._send(data, deadline)
        while True:
            event = self._next(deadline, NoAnswer)
            if isinstance(event, h11.Response):
                reply_headers = HTTPHeaderDict()
                for name, value in event.headers:
                    reply_headers.add(name.decode("latin-1"), value.decode("latin-1"))
                return event.status_code, reply_headers
            if not isinstance(event, h11.InformationalResponse):
                raise NoAnswer

    def _framed(self, body: bytes | Iterable[bytes]) -> Generator[bytes]:
        """The bytes of a body as they are sent, without a copy: they may be many."""
        for piece in (body,) if isinstance(body, bytes) else body:
            if piece:
                parts = self._http.send_with_data_passthrough(h11.Data(data=piece))
                yield from parts or ()
        yield self._http.send(h11.EndOfMessage()) or b""

    def body(self, deadline: float) -> Generator[bytes]:
        while not isinstance(event := self._next(deadline, BrokenReply), h11.EndOfMessage):
            if not isinstance(event, h11.Data):
                raise BrokenReply
            yield bytes(event.data)

    def stands(self) -> bool:
        """Whether the container has neither hung up nor sent what nobody asked for."""
        return not select.select([self._socket], [], [], 0)[0]

    def begin_anew(self) -> bool:
        """Whether it can take another request."""
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True

    def close(self) -> None:
        self._socket.close()

    def _send(self, data: bytes, deadline: float) -> None:
        if not data:
            return
        self._socket.settimeout(_remaining(deadline))
        try:
            self._socket.sendall(data)
        except TimeoutError as error:
            raise TimedOut from error

    def _next(self, deadline: float, broken: type[NoAnswer | BrokenReply]) -> object:
        """The next event of the answer. Raises ``broken`` if there is none, TimedOut."""
        while True:
            try:
                event = self._http.next_event()
                if event is not h11.NEED_DATA:
                    return event
                self._socket.settimeout(_remaining(deadline))
                self._http.receive_data(self._socket.recv(PIECE_BYTES))
            except TimeoutError as error:
                raise TimedOut from error
            except (h11.RemoteProtocolError, OSError) as error:
                raise broken from error


def _remaining(deadline: float) -> float:
    """Seconds until ``deadline``. Raises TimedOut if it has passed."""
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimedOut
    return remaining


def _encoded(field: tuple[str, str]) -> tuple[bytes, bytes]:
    return field[0].encode("latin-1"), field[1].encode("latin-1", errors="replace")
