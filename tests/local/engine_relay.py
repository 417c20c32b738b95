"""A way to the Docker engine that can be cut: what a client sees when the engine stops, for one client alone."""

import contextlib
import selectors
import socket
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

ENGINE = "/var/run/docker.sock"


class _Relay(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with (
            socket.socket(socket.AF_UNIX) as engine,
            selectors.DefaultSelector() as ready,
            contextlib.suppress(OSError),
        ):
            engine.connect(ENGINE)
            ways = {self.request: engine, engine: self.request}
            for way in ways:
                ready.register(way, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select():
                    data = key.fileobj.recv(65536)  # type: ignore[union-attr]
                    if not data:
                        return
                    ways[key.fileobj].sendall(data)


@contextlib.contextmanager
def relay(path: Path) -> Iterator[str]:
    """DOCKER_HOST of the engine while this lasts; afterwards nothing answers there any more."""
    with socketserver.ThreadingUnixStreamServer(str(path), _Relay) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"unix://{path}"
        server.shutdown()
    path.unlink()
