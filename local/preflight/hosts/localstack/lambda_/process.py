"""One process of a function, and the Lambda Runtime API that it asks for work.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html: the process asks for the next invocation, runs the
handler, posts a response or an error, and asks again. Whoever invokes serves these requests himself, in his own
thread: there is no server thread to wake up, and while nothing is invoked, nothing runs here.
"""

import selectors
import socket
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Self

import psutil

from preflight.hosts.localstack.lambda_ import memory
from preflight.hosts.localstack.lambda_.http import PIECE_BYTES, Connection, Request
from preflight.hosts.localstack.lambda_.output import Output
from preflight.sagemaker.launching.process.guarded_process import GuardedProcess, View

API = "/2018-06-01/runtime"
NEXT = f"{API}/invocation/next"
INIT_ERROR = f"{API}/init/error"
SEND_TIMEOUT_SECONDS = 10
PASS_ON_SECONDS = 0.5
MEMORY_SECONDS = 0.05  # between two looks at what it takes while it works
DRAIN_ROUNDS = 8  # what a pipe holds takes one or two
_HAS_PROC = Path("/proc/self/status").exists()
MAX_CONNECTIONS = 64  # a function that opens more gets no answer on them


class InitError(Exception):
    """The function's module could not be loaded; ``payload`` is the runtime's own account of it (JSON)."""

    def __init__(self, payload: bytes) -> None:
        super().__init__(payload)
        self.payload = payload


class ProcessEnded(Exception):
    """The process ended instead of answering; ``returncode`` as in subprocess."""

    def __init__(self, returncode: int) -> None:
        super().__init__(f"The process ended with {returncode}.")
        self.returncode = returncode


class ResponseTooLarge(Exception):
    """The handler's result has more bytes than the limit."""


class OutOfMemory(Exception):
    """The process, with what it has started, takes more memory than the function has."""


@dataclass(frozen=True, slots=True)
class Event:
    """One invocation, as the function gets to see it."""

    request_id: str
    payload: bytes
    invoked_function_arn: str
    trace_id: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the handler returned (JSON), or with ``is_error`` what it raised."""

    payload: bytes
    is_error: bool


class FunctionProcess:
    """One running process. Used by one thread at a time; ``close`` ends it and can be called again."""

    def __init__(self, listener: socket.socket, process: GuardedProcess, max_memory_bytes: int) -> None:
        assert process.stdout is not None
        self._max_memory_bytes = max_memory_bytes
        self._listener = listener
        self._process = process
        self._output = process.stdout
        self._written = Output()
        self._requests: deque[Request] = deque()
        self._connections: set[Connection] = set()
        self._main: psutil.Process | None = None
        self._peak_memory_bytes = 0
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._output, selectors.EVENT_READ, self._read_output)

    @classmethod
    def start(
        cls, argv: Sequence[str], env: Mapping[str, str], cwd: Path, *, view: View, max_memory_bytes: int
    ) -> Self:
        """Start ``argv`` with ``env`` and the address of its Runtime API. Does not wait until it is ready."""
        listener = socket.create_server(("127.0.0.1", 0))
        host, port = listener.getsockname()
        try:
            process = GuardedProcess.start(
                argv,
                env={**env, "AWS_LAMBDA_RUNTIME_API": f"{host}:{port}"},
                cwd=cwd,
                stdout=subprocess.PIPE,
                orphan_grace_seconds=0,
                view=view,
            )
        except BaseException:
            listener.close()
            raise
        return cls(listener, process, max_memory_bytes)

    def wait_until_ready(self, deadline: float) -> None:
        """Return when the process asks for work. Raises InitError, ProcessEnded, OutOfMemory, TimeoutError.

        ``deadline`` is in seconds of ``time.monotonic``, here and below.
        """
        self._requests.appendleft(self._take(NEXT, deadline))
        self._check_peak()

    def is_ready_again(self, deadline: float) -> bool:
        """Wait until it asks for more work; false if it has ended instead, as it may after its last answer.

        Raises OutOfMemory, TimeoutError.
        """
        if not self.is_alive():
            return False
        try:
            self._requests.appendleft(self._take(NEXT, deadline))
        except ProcessEnded:
            return False
        return True

    def is_alive(self) -> bool:
        """False once the process has ended, as far as its closed output tells."""
        for _ in range(DRAIN_ROUNDS):
            ready = self._selector.select(0)
            for key, _ in ready:
                key.data(key.fileobj)
            if not ready or self._output.closed:
                break
        return not self._output.closed

    def invoke(
        self, event: Event, *, deadline: float, max_response_bytes: int, on_lines: Callable[[str], None]
    ) -> Answer:
        """Run the handler; ``on_lines`` gets what it prints, now and then, while it runs longer than a moment.

        Raises ResponseTooLarge, and what ``wait_until_ready`` raises.
        """
        deadline_milliseconds = int((time.time() + deadline - time.monotonic()) * 1000)
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": event.request_id,
            "Lambda-Runtime-Deadline-Ms": str(deadline_milliseconds),
            "Lambda-Runtime-Invoked-Function-Arn": event.invoked_function_arn,
            "Lambda-Runtime-Trace-Id": event.trace_id,
        }
        self._answer(self._take(NEXT, deadline), HTTPStatus.OK, event.payload, headers)
        invocation = f"{API}/invocation/{event.request_id}"
        response = self._take(f"{invocation}/response", deadline, f"{invocation}/error", on_lines)
        is_error = response.path.endswith("/error")
        if len(response.body) > max_response_bytes:
            self._answer(response, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            raise ResponseTooLarge
        self._check_peak()
        self._answer(response, HTTPStatus.ACCEPTED)
        return Answer(response.body, is_error)

    def take_output(self) -> str:
        """Return what the process has written since the last call."""
        if not self._output.closed:
            self.is_alive()  # the last lines were written before the answer, and may still be in the pipe
        written, self._written = self._written, Output()
        return written.text()

    def peak_memory_bytes(self) -> int:
        """Return the most resident memory it has had, as last seen once it is gone."""
        try:
            if self._main is None:
                self._main = psutil.Process(self._process.guard_pid).children()[0]
            self._peak_memory_bytes = _peak_memory_bytes(self._main)
        except (psutil.Error, OSError, IndexError):
            pass
        return self._peak_memory_bytes

    def _check_peak(self) -> None:
        """Raise OutOfMemory also for what was taken and given back between two looks."""
        if self.peak_memory_bytes() > self._max_memory_bytes:
            raise OutOfMemory

    def kill(self) -> None:
        """End the process under the hands of the thread that uses it; the one method for other threads."""
        self._process.kill()

    def close(self) -> None:
        """Kill the process and everything it has started, and keep its last output."""
        self._process.kill()
        self._process.wait()
        while not self._output.closed:
            self._read_output(self._output)
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        self._listener.close()
        self._selector.close()

    def _take(
        self, path: str, deadline: float, other_path: str = "", on_lines: Callable[[str], None] | None = None
    ) -> Request:
        """Wait for a request for one of these paths."""
        look, pass_on = time.monotonic() + MEMORY_SECONDS, time.monotonic() + PASS_ON_SECONDS
        while True:
            while self._requests:
                request = self._requests.popleft()
                if request.path in (path, other_path):
                    return request
                if request.path == INIT_ERROR:
                    self._answer(request, HTTPStatus.ACCEPTED)
                    raise InitError(request.body)
                self._answer(request, HTTPStatus.FORBIDDEN)
            if self._output.closed:
                raise ProcessEnded(self._process.wait())
            now = time.monotonic()
            if now >= deadline:  # also of a function that never stops to write
                raise TimeoutError
            if now >= look:
                look = now + MEMORY_SECONDS
                if memory.takes_more(self._process.guard_pid, self._max_memory_bytes):
                    raise OutOfMemory
            if on_lines and now >= pass_on:
                pass_on = now + PASS_ON_SECONDS
                if lines := self._written.take_lines():
                    on_lines(lines)
            for key, _ in self._selector.select(max(0.0, min(look, deadline) - time.monotonic())):
                handle: Callable[[object], None] = key.data
                handle(key.fileobj)

    def _answer(
        self, request: Request, status: HTTPStatus, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        connection = request.connection
        try:
            connection.answer(status, body, headers)
        except OSError:  # the process is gone, and its closed output will say so
            self._drop(connection)
        else:
            self._queue(connection, connection.next_request)  # what it sent before it had its answer

    def _accept(self, _: object) -> None:
        peer, _address = self._listener.accept()
        if len(self._connections) >= MAX_CONNECTIONS:
            peer.close()
            return
        peer.settimeout(SEND_TIMEOUT_SECONDS)
        connection = Connection(peer)
        self._connections.add(connection)
        self._selector.register(peer, selectors.EVENT_READ, lambda _: self._queue(connection, connection.receive))

    def _queue(self, connection: Connection, read: Callable[[], Request | None]) -> None:
        try:
            request = read()
        except OSError:
            self._drop(connection)
            return
        if request is not None:
            self._requests.append(request)

    def _drop(self, connection: Connection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)
            self._selector.unregister(connection.socket)
            connection.close()

    def _read_output(self, _: object) -> None:
        piece = self._output.read(PIECE_BYTES)
        if piece:
            self._written.add(piece)
        else:
            self._selector.unregister(self._output)
            self._output.close()


def _peak_memory_bytes(process: psutil.Process) -> int:
    if not _HAS_PROC:
        return int(process.memory_info().rss)  # macOS keeps no peak that one could ask for
    with open(f"/proc/{process.pid}/status") as status:  # noqa: PTH123 - after every invocation
        return int(status.read().partition("VmHWM:")[2].split()[0]) * 1024
