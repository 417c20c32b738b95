"""Free ports of 127.0.0.1."""

import socket
import threading

_ports_lock = threading.Lock()
_recent_ports: list[int] = []


def free_port() -> int:
    """A free port of 127.0.0.1, other than the ones given out a moment ago that may not be listened on yet."""
    with _ports_lock:
        while True:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = int(probe.getsockname()[1])
            if port not in _recent_ports:
                _recent_ports.append(port)
                del _recent_ports[:-200]
                return port
