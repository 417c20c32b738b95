"""ServingContainer: one ``serve`` container, asked for its health all the time and kept alive.

Limits: "Custom Inference Code with Hosting Services" in the SageMaker developer guide.
"""

import logging
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from preflight.sagemaker.launching.container import Container
from preflight.sagemaker.serving.connections import Connections
from preflight.sagemaker.serving.reply import NotReached, OpenReply
from preflight.waiting import wait_until

LOG = logging.getLogger(__name__)

PING_TIMEOUT_SECONDS = 2
STOP_GRACE_SECONDS = 30
START_PING_INTERVAL_SECONDS = 0.05  # AWS does not publish its own; this one makes endpoints quick to come up
HEALTH_INTERVAL_SECONDS = 5.0
RESTART_DELAY_SECONDS = 0.5


class ServingContainer:
    """When it dies or hangs another takes its place, if it ``is_replaced``, until ``stop``. ``launch`` starts one.

    It hangs if it has answered neither a ping nor a request for ``max_silence_seconds``.
    """

    def __init__(
        self,
        name: str,
        launch: Callable[[], Container],
        startup_timeout_seconds: float,
        max_silence_seconds: float,
        is_replaced: bool = True,
    ) -> None:
        self.name = name
        self._launch = launch
        self._startup_timeout_seconds = startup_timeout_seconds
        self._max_silence_seconds = max_silence_seconds
        self._is_replaced = is_replaced
        self._health_interval_seconds = min(HEALTH_INTERVAL_SECONDS, max_silence_seconds / 4)
        self._stopping = threading.Event()
        self._container: Container | None = None
        self._lock = threading.Lock()
        self._connections: Connections | None = None

    @property
    def is_healthy(self) -> bool:
        return self._connections is not None

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

    def terminate(self, grace_seconds: float) -> None:
        """Let it end as ``stop`` does; returns at once."""
        with self._lock:
            self._stopping.set()
            container = self._container
        self._close()
        if container:
            container.terminate(grace_seconds)

    def bring(self, relative_path: str) -> None:
        """Let it see a folder of ``/opt/ml`` that has come since it started."""
        with self._lock:
            container = self._container
        if container:
            container.bring(relative_path)

    def request(
        self,
        method: str,
        path: str,
        deadline: float,
        headers: Mapping[str, str] | None = None,
        body: bytes | Iterable[bytes] = b"",
    ) -> OpenReply:
        """An answer that has begun; ``deadline`` is a time of ``time.monotonic``. Raises NoReply."""
        connections = self._connections
        if connections is None:
            raise NotReached
        return connections.request(method, path, deadline, headers, body)

    def _start_one(self) -> bool:
        """Launch one and open it to requests once it answers; else nothing of it is left."""
        launched = self._launch_once()
        if launched is None:
            return False
        container, connections = launched

        def is_over() -> bool:
            return container.poll() is not None or self._stopping.is_set()

        def is_decided() -> bool:
            return is_over() or connections.answers_ping(PING_TIMEOUT_SECONDS)

        if not wait_until(is_decided, self._startup_timeout_seconds, START_PING_INTERVAL_SECONDS) or is_over():
            connections.close()
            container.stop(0)
            return False
        return self._open(connections)

    def _launch_once(self) -> tuple[Container, Connections] | None:
        """A container that may not be ready yet; None once it is to stop."""
        with self._lock:
            if self._stopping.is_set():
                return None
            self._container = container = self._launch()
        return container, Connections(container.address)

    def _open(self, connections: Connections) -> bool:
        """Let requests come through ``connections``; false if it is to stop, which ends its container."""
        with self._lock:
            if self._stopping.is_set():
                connections.close()
                return False
            self._connections = connections
            return True

    def _close(self) -> None:
        """Let no more requests come. One that is under way keeps its connection until it ends."""
        with self._lock:
            connections, self._connections = self._connections, None
        if connections:
            connections.close()

    def _keep_alive(self) -> None:
        while not self._stopping.is_set():
            why = self._wait_for_end()
            self._close()
            if not self._is_replaced:
                return
            if not self._stopping.is_set():
                LOG.warning("A container %s; starting another in its place.", why)
            while not self._stopping.is_set() and not self._replace():
                self._stopping.wait(RESTART_DELAY_SECONDS)

    def _wait_for_end(self) -> str:
        """Return once the container has ended, or has hung for too long and is killed; and say which."""
        container, connections = self._container, self._connections
        assert container is not None
        last_ping = time.monotonic()
        while True:
            try:
                return f"ended with code {container.wait(self._health_interval_seconds)}"
            except subprocess.TimeoutExpired:
                if connections is None or connections.answers_ping(PING_TIMEOUT_SECONDS):
                    last_ping = time.monotonic()
                    continue
            if time.monotonic() - max(last_ping, connections.last_heard) > self._max_silence_seconds:
                self._close()
                container.stop(0)
                return "answered no ping any more"

    def _replace(self) -> bool:
        try:
            return self._start_one()
        except Exception:  # it must be tried again: what is wrong may pass
            LOG.exception("A container could not be started again.")
            return False
