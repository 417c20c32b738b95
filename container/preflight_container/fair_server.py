"""A worker's server: it leaves a connection to a worker that has fewer, where the kernel would wake whoever it likes.

A client that keeps two connections to have two requests answered at once would often wait for one process with both.
"""

from __future__ import annotations

import asyncio
import contextlib
import mmap
import socket
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LEFT_SECONDS = 0.005  # how long a connection is left to others: they may be busy
CANNOT_SECONDS = 0.5  # until it is tried again, where no connection can be accepted (too many are open)


def shared_counts(workers: int) -> memoryview:
    """How many connections each worker has, seen by all forks of this process."""
    return memoryview(mmap.mmap(-1, 4 * workers)).cast("i")


class FairServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, listener: socket.socket, counts: memoryview, place: int) -> None:
        """``counts[place]`` are this worker's connections."""
        super().__init__(config)
        self._listener = listener
        self._counts, self._place = counts, place
        self._counts[place] = 0
        self._opening: set[asyncio.Task[Any]] = set()
        listener.setblocking(False)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=[])
        self._accept_or_leave(may_leave=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().remove_reader(self._listener)
        await super().shutdown(sockets=[self._listener])

    def closed(self) -> None:
        """A connection has ended."""
        self._counts[self._place] -= 1

    def _watch(self, may_leave: bool) -> None:
        if not self.should_exit:
            asyncio.get_running_loop().add_reader(self._listener, self._accept_or_leave, may_leave)

    def _accept_or_leave(self, may_leave: bool) -> None:
        """Accept what has come, or let another do it for a moment."""
        if may_leave and self._counts[self._place] > min(self._counts):
            self._pause(LEFT_SECONDS, may_leave=False)
            return
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            self._watch(may_leave=True)  # another was quicker
            return
        except OSError:
            self._pause(CANNOT_SECONDS, may_leave=True)
            return
        self._counts[self._place] += 1
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = asyncio.get_running_loop().create_task(self._open(connection))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)
        self._watch(may_leave=True)

    def _pause(self, seconds: float, may_leave: bool) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._listener)
        loop.call_later(seconds, self._watch, may_leave)

    async def _open(self, connection: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)
        except OSError:  # it has ended already
            self.closed()
            with contextlib.suppress(OSError):
                connection.close()

    def _protocol(self) -> _Protocol:
        return _Protocol(self)


class _Protocol(HttpToolsProtocol):
    def __init__(self, server: FairServer) -> None:
        super().__init__(config=server.config, server_state=server.server_state, app_state=server.lifespan.state)
        self._server = server

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._server.closed()
