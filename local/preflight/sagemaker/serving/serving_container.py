"""ServingContainer: one ``serve`` container, kept alive, and one request to it over HTTP.

Limits: "Custom Inference Code with Hosting Services" in the SageMaker developer guide.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass

import urllib3

from preflight.sagemaker.launching.container import Container
from preflight.waiting import wait_until

LOG = logging.getLogger(__name__)

PING_TIMEOUT_SECONDS = 2
STOP_GRACE_SECONDS = 30
CONNECT_TIMEOUT_SECONDS = 0.25
PING_INTERVAL_SECONDS = 0.05  # AWS does not publish its own; this one makes endpoints quick to come up
RESTART_DELAY_SECONDS = 0.5

_NOT_SENT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.ClosedPoolError,  # its container has just ended
)


class NoReply(Exception):
    """A request that a container did not answer; which of the following says how."""


class NotReached(NoReply):
    """Nothing was sent: no container listens."""


class NoAnswer(NoReply):
    """The connection ended before an answer began: the container died, with this request or before it."""


class TimedOut(NoReply):
    """The answer was not complete at the deadline."""


class BrokenReply(NoReply):
    """The answer ended before it was complete."""


@dataclass(frozen=True)
class Reply:
    """What a container answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class OpenReply:
    """An answer that has begun. ``chunks`` raises TimedOut or BrokenReply if it does not end well; read or close it."""

    status: int
    headers: Mapping[str, str]
    chunks: Generator[bytes]

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    def read(self) -> Reply:
        """The whole of it."""
        return Reply(self.status, self.headers, b"".join(self.chunks))


class _Connection(urllib3.connection.HTTPConnection):
    """Keeps its socket in reach, which ``http.client`` lets go of before the body is read."""

    socket: socket.socket

    def connect(self) -> None:
        super().connect()
        self.socket = self.sock


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class ServingContainer:
    """When it dies another takes its place, until ``stop``. ``launch`` starts one."""

    def __init__(self, name: str, launch: Callable[[], Container], startup_timeout_seconds: float) -> None:
        self.name = name
        self._launch = launch
        self._startup_timeout_seconds = startup_timeout_seconds
        self._stopping = threading.Event()
        self._container: Container | None = None
        self._lock = threading.Lock()
        self._pool: urllib3.HTTPConnectionPool | None = None

    @property
    def is_healthy(self) -> bool:
        return self._pool is not None

    def start(self) -> bool:
        """Launch it and return once it answers ``GET /ping``; False if it ended, or did not within the limit."""
        if not self._start_one():
            return False
        threading.Thread(target=self._keep_alive, name="container-keeper", daemon=True).start()
        return True

    def stop(self, grace_seconds: float = STOP_GRACE_SECONDS) -> None:
        """SIGTERM, SIGKILL after the grace; returns when it is gone. Also while it starts."""
        with self._lock:
            self._stopping.set()
            container = self._container
        self._close()
        if container:
            container.stop(grace_seconds)

    def invoke(self, headers: Mapping[str, str], body: bytes, deadline: float) -> OpenReply:
        """``POST /invocations``; ``deadline`` is a time of ``time.monotonic``. Raises NoReply."""
        response = self._post(headers, body, deadline)
        return OpenReply(response.status, response.headers, _chunks(response, deadline))

    def _post(self, headers: Mapping[str, str], body: bytes, deadline: float) -> urllib3.BaseHTTPResponse:
        pool = self._pool
        if pool is None:
            raise NotReached
        remaining = deadline - time.monotonic()
        try:
            return pool.urlopen(
                "POST",
                "/invocations",
                body=body,
                headers=headers,
                timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_SECONDS, read=max(remaining, 0.001)),
                retries=False,
                redirect=False,
                preload_content=False,
            )
        except _NOT_SENT as error:
            raise NotReached from error
        except (urllib3.exceptions.ReadTimeoutError, TimeoutError) as error:
            raise TimedOut from error
        except urllib3.exceptions.ProtocolError as error:
            raise NoAnswer from error
        except urllib3.exceptions.HTTPError as error:
            raise BrokenReply from error

    def _start_one(self) -> bool:
        """Launch one and open it to requests once it answers; else nothing of it is left."""
        launched = self._launch_once()
        if launched is None:
            return False
        container, pool = launched

        def is_over() -> bool:
            return container.poll() is not None or self._stopping.is_set()

        def is_decided() -> bool:
            return is_over() or _answers_ping(pool)

        if not wait_until(is_decided, self._startup_timeout_seconds, PING_INTERVAL_SECONDS) or is_over():
            pool.close()
            container.stop(0)
            return False
        return self._open(pool)

    def _launch_once(self) -> tuple[Container, urllib3.HTTPConnectionPool] | None:
        """A container that may not be ready yet; None once it is to stop."""
        with self._lock:
            if self._stopping.is_set():
                return None
            self._container = container = self._launch()
        host, port = container.address
        return container, _Pool(host, port, maxsize=64, block=False, retries=False)

    def _open(self, pool: urllib3.HTTPConnectionPool) -> bool:
        """Let requests come through ``pool``; false if it is to stop, which ends its container."""
        with self._lock:
            if self._stopping.is_set():
                pool.close()
                return False
            self._pool = pool
            return True

    def _close(self) -> None:
        """Let no more requests come. One that is under way keeps its connection until it ends."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool:
            pool.close()

    def _keep_alive(self) -> None:
        while not self._stopping.is_set():
            container = self._container
            assert container is not None
            exit_code = container.wait()
            self._close()
            if not self._stopping.is_set():
                LOG.warning("A container ended with code %s; starting another in its place.", exit_code)
            while not self._stopping.is_set() and not self._replace():
                self._stopping.wait(RESTART_DELAY_SECONDS)

    def _replace(self) -> bool:
        try:
            return self._start_one()
        except Exception:  # it must be tried again: what is wrong may pass
            LOG.exception("A container could not be started again.")
            return False


def _answers_ping(pool: urllib3.HTTPConnectionPool) -> bool:
    try:
        return pool.request("GET", "/ping", timeout=PING_TIMEOUT_SECONDS, retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def _chunks(response: urllib3.BaseHTTPResponse, deadline: float) -> Generator[bytes]:
    """The body as it comes; then the connection is free for the next request."""
    try:
        while chunk := response.read1(1 << 16):
            yield chunk
            _limit_wait(response, deadline)  # or each part of a slow answer would have the whole time
    except (urllib3.exceptions.ReadTimeoutError, TimeoutError) as error:
        response.close()
        raise TimedOut from error
    except urllib3.exceptions.HTTPError as error:
        response.close()
        raise BrokenReply from error
    except BaseException:
        response.close()
        raise
    response.release_conn()


def _limit_wait(response: urllib3.BaseHTTPResponse, deadline: float) -> None:
    """Let no further read of the reply last beyond ``deadline``. Raises TimedOut if that is now."""
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimedOut
    if isinstance(response.connection, _Connection):
        response.connection.socket.settimeout(remaining)
