"""Pipe mode: bytes into a FIFO inside a container, through a shell that runs there."""

import contextlib
import socket
from collections.abc import Callable, Iterable
from typing import Any

import requests
from docker.errors import NotFound
from docker.models.containers import Container as EngineContainer

from preflight.sagemaker.launching.docker.engine import ENGINE_ERRORS, EngineError, close_stream, is_gone

POLL_SECONDS = 0.5
END_SECONDS = 3
NO_SHELL = (126, 127)

# Says when somebody has opened the FIFO to read: what is to be sent need not be there sooner.
_SCRIPT = '[ -p "$0" ] || mkfifo -m 666 "$0"; exec 3> "$0" && echo open && exec cat >&3'


def feed(container: EngineContainer, path: str, chunks: Iterable[bytes]) -> None:
    """Write ``chunks`` into the FIFO at ``path`` of the container, made if it is not there.

    Returns as ``Container.feed`` does.

    Raises:
        EngineError: the image has no ``sh``, ``mkfifo`` or ``cat``.
    """
    api = container.client.api
    try:
        execution = api.exec_create(container.id, ["sh", "-c", _SCRIPT, path], stdin=True)["Id"]
        stream = api.exec_start(execution, socket=True)
    except ENGINE_ERRORS as error:
        if is_gone(error) or _ends_now(container):
            return
        raise EngineError(f"{path} cannot be written in the container: {error}") from error

    def inspect() -> dict[str, Any]:
        try:
            state: dict[str, Any] = api.exec_inspect(execution)
        except NotFound:  # the container has ended
            return {"Running": False, "ExitCode": None}
        except requests.Timeout:  # a busy engine; asked again
            return {"Running": True, "ExitCode": None}
        return state

    connection = getattr(stream, "_sock", stream)
    connection.settimeout(POLL_SECONDS)

    def is_over() -> bool:
        return not inspect()["Running"]

    try:
        answer = _receive(connection, is_over, first_only=True)
        _send(connection, chunks, is_over)
        answer += _receive(connection, is_over)
    finally:
        close_stream(stream)
    if inspect()["ExitCode"] in NO_SHELL and not _ends_now(container):
        raise EngineError(f"{path} cannot be written in the container: {answer.decode(errors='replace')}")


def _ends_now(container: EngineContainer) -> bool:
    """Whether it has ended or is about to: a command in a container that ends fails in many ways."""
    try:
        container.wait(timeout=END_SECONDS)
    except (NotFound, requests.RequestException) as error:
        return isinstance(error, NotFound)
    return True


def _send(connection: socket.socket, chunks: Iterable[bytes], is_over: Callable[[], bool]) -> None:
    """Send ``chunks`` as the standard input of a command, until it has ended.

    The engine goes on taking a little for one that has ended, and says nothing: ``is_over`` does.
    """
    with contextlib.suppress(ConnectionError):
        for chunk in () if is_over() else chunks:
            left = memoryview(chunk)
            while left:
                try:
                    left = left[connection.send(left) :]
                except TimeoutError:
                    if is_over():
                        return
        connection.shutdown(socket.SHUT_WR)


def _receive(connection: socket.socket, is_over: Callable[[], bool], first_only: bool = False) -> bytes:
    """What the command prints until it ends, or the first of it."""
    received = b""
    while not (first_only and received):
        try:
            piece = connection.recv(4096)
        except TimeoutError:
            if is_over():
                return received
            continue
        except ConnectionError:
            return received
        if not piece:
            return received
        received += piece
    return received
