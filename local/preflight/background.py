"""Writing to other services in the background: no one who has something to write ever waits for it, or fails on it."""

import logging
import queue
import threading
from collections.abc import Callable

LOG = logging.getLogger(__name__)


class BackgroundWriter[Item]:
    """Hands items to ``write`` from one thread of its own: in batches, in the order they were put.

    ``write`` may be slow and may raise: the items of that batch are lost then, and the log says so. What is put while
    ``max_queued`` items wait is lost too. ``interval_seconds`` is how long a first item waits for company.
    """

    def __init__(
        self,
        name: str,
        write: Callable[[list[Item]], None],
        *,
        interval_seconds: float,
        max_batch: int,
        max_queued: int,
    ) -> None:
        self._name = name
        self._write = write
        self._interval_seconds = interval_seconds
        self._max_batch = max_batch
        self._max_queued = max_queued
        self._queue: queue.SimpleQueue[Item | threading.Event] = queue.SimpleQueue()
        self._hurry = threading.Event()
        self._lost = 0
        self._closed = False
        self._finished = False
        self._end = threading.Event()
        threading.Thread(target=self._run, name=f"write-{name}", daemon=True).start()

    def put(self, item: Item) -> None:
        """Queue ``item``. Costs an append; never blocks, never raises."""
        if self._closed or self._finished:
            return
        if self._queue.qsize() < self._max_queued:
            self._queue.put(item)
        else:
            self._lost += 1  # not counted exactly when threads meet here; the log says "about"

    def flush(self, timeout_seconds: float = 5) -> None:
        """Return once everything put so far is written, or after ``timeout_seconds``."""
        if self._closed:
            return
        done = threading.Event()
        self._queue.put(done)
        self._hurry.set()
        done.wait(timeout_seconds)

    def finish(self) -> None:
        """Take nothing more, write what is left, and end. Does not wait for that."""
        self._finished = True
        self._queue.put(self._end)

    def close(self) -> None:
        """Write nothing more, and end: the services written to are going down."""
        self._closed = True
        self._queue.put(threading.Event())  # wakes the thread
        self._hurry.set()

    def _run(self) -> None:
        while not self._closed and not self._end.is_set():
            batch = [self._queue.get()]
            if self._queue.qsize() < self._max_batch:
                self._hurry.wait(self._interval_seconds)
            self._hurry.clear()
            while len(batch) < self._max_batch and not self._queue.empty():
                batch.append(self._queue.get())
            self._write_safely([item for item in batch if not isinstance(item, threading.Event)])
            for item in batch:
                if isinstance(item, threading.Event):
                    item.set()

    def _write_safely(self, items: list[Item]) -> None:
        if self._lost:
            LOG.warning("About %d items for %s are lost: it takes them too slowly.", self._lost, self._name)
            self._lost = 0
        if not items or self._closed:
            return
        try:
            self._write(items)
        except Exception as error:  # the next batch may fare better; the thread must live
            LOG.warning("%d items for %s could not be written: %s", len(items), self._name, error)
