"""Pipe mode: bytes into a FIFO inside a container, through a ``cat`` that runs there."""

import socket
from collections.abc import Callable, Iterable
from typing import Any

from docker.errors import NotFound
from docker.models.containers import Container as EngineContainer

from local.sagemaker.docker_engine import ENGINE_ERRORS, EngineError, close_stream, is_gone

POLL_SECONDS = 0.5
NO_SHELL = (126, 127)


def feed(container: EngineContainer, path: str, chunks: Iterable[bytes]) -> None:
    """Write ``chunks`` into the FIFO at ``path`` of the container; returns as ``Container.feed`` does.

    Raises:
        EngineError: the image has no ``sh`` or no ``cat``.
    """
    api = container.client.api
    try:
        execution = api.exec_create(container.id, ["sh", "-c", 'exec cat > "$0"', path], stdin=True)["Id"]
        stream = api.exec_start(execution, socket=True)
    except ENGINE_ERRORS as error:
        if is_gone(error):
            return
        raise EngineError(f"{path} cannot be written in the container: {error}") from error

    def inspect() -> dict[str, Any]:
        try:
            state: dict[str, Any] = api.exec_inspect(execution)
        except NotFound:  # the container has ended
            return {"Running": False, "ExitCode": None}
        return state

    try:
        answer = _send(getattr(stream, "_sock", stream), chunks, lambda: not inspect()["Running"])
    finally:
        close_stream(stream)
    if inspect()["ExitCode"] in NO_SHELL:
        raise EngineError(f"{path} cannot be written in the container: {answer.decode(errors='replace')}")


def _send(connection: socket.socket, chunks: Iterable[bytes], is_over: Callable[[], bool]) -> bytes:
    """Send ``chunks`` as the standard input of a command; returns its output once it has ended.

    The engine goes on taking a little for a command that has ended, and says nothing: ``is_over`` does.
    """
    connection.settimeout(POLL_SECONDS)
    try:
        for chunk in chunks:
            left = memoryview(chunk)
            while left:
                try:
                    left = left[connection.send(left) :]
                except TimeoutError:
                    if is_over():
                        return b""
        connection.shutdown(socket.SHUT_WR)
        return _receive(connection, is_over)
    except OSError:  # the command closed its input
        return b""


def _receive(connection: socket.socket, is_over: Callable[[], bool]) -> bytes:
    received = b""
    while True:
        try:
            piece = connection.recv(4096)
        except TimeoutError:
            if is_over():
                return received
            continue
        if not piece:
            return received
        received += piece
