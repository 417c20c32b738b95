"""No way out: with this folder on PYTHONPATH, a program reaches addresses of this machine only.

Every other name or address fails at once, as without a network, and is written to the file NETWORK_ATTEMPTS names.
"""

import os
import socket
from pathlib import Path
from typing import Any

_LOOPBACK = (None, "", "localhost", "127.0.0.1", "::1")  # no host at all stands for this machine
_getaddrinfo = socket.getaddrinfo
_connect = socket.socket.connect
_connect_ex = socket.socket.connect_ex


def _is_loopback(host: Any) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    return name in _LOOPBACK


def _record(host: Any) -> None:
    with Path(os.environ["NETWORK_ATTEMPTS"]).open("a") as attempts:
        attempts.write(f"{host}\n")


def _guarded_getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
    if not _is_loopback(host):
        _record(host)
        raise socket.gaierror(socket.EAI_NONAME, f"no network in this test: {host}")
    return _getaddrinfo(host, *arguments, **options)


def _guarded_connect(self: socket.socket, address: Any) -> None:
    _require_loopback(self, address)
    _connect(self, address)


def _guarded_connect_ex(self: socket.socket, address: Any) -> int:
    _require_loopback(self, address)
    return _connect_ex(self, address)


def _require_loopback(connection: socket.socket, address: Any) -> None:
    if connection.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):
        _record(address[0])
        raise ConnectionRefusedError(f"no network in this test: {address[0]}")


socket.getaddrinfo = _guarded_getaddrinfo
socket.socket.connect = _guarded_connect  # type: ignore[method-assign]
socket.socket.connect_ex = _guarded_connect_ex  # type: ignore[method-assign]
