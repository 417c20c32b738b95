"""Writing into a named pipe that a container reads, without ever waiting for a container that is gone."""

import contextlib
import errno
import os
import select
import time
from collections.abc import Callable, Iterable
from pathlib import Path

POLL_SECONDS = 0.02


def write_fifo(fifo: Path, chunks: Iterable[bytes], has_ended: Callable[[], bool]) -> None:
    """Write ``chunks`` into ``fifo``, which is made if it is not there, once somebody opens it for reading.

    Returns once all is written, the reader has closed it, or ``has_ended()``. Nothing of ``chunks`` is taken before
    the reader is there.
    """
    make_fifo(fifo)
    descriptor = _open(fifo, has_ended)
    if descriptor is None:
        return
    try:
        with contextlib.suppress(BrokenPipeError):
            for chunk in chunks:
                if not _write(descriptor, chunk, has_ended):
                    return
    finally:
        os.close(descriptor)


def make_fifo(fifo: Path) -> None:
    """Make ``fifo`` if nothing is there, for readers of any user: the container may run as another one."""
    with contextlib.suppress(FileExistsError, FileNotFoundError):  # the folder is gone, with the job
        os.mkfifo(fifo)
        fifo.chmod(0o666)


def _open(fifo: Path, has_ended: Callable[[], bool]) -> int | None:
    while not has_ended():
        try:
            return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        except OSError as error:
            # Nobody reads yet; or it was removed, by the container or at its end.
            if error.errno not in (errno.ENXIO, errno.ENOENT):
                raise
        time.sleep(POLL_SECONDS)
    return None


def _write(descriptor: int, chunk: bytes, has_ended: Callable[[], bool]) -> bool:
    """Whether all of ``chunk`` went out; raises BrokenPipeError if the reader has closed."""
    rest = memoryview(chunk)
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    while rest:
        if has_ended():
            return False
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            poll.poll(200)
    return True
