"""AsyncQueue: the requests to one endpoint that wait, and the thread that hands them to instances with room."""

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from preflight.sagemaker.hosting.async_config import Places
from preflight.sagemaker.hosting.async_request import AsyncRequest

ROOM_POLL_SECONDS = 0.05  # instances come, go and die without a word


@dataclass(frozen=True)
class Waiting:
    """A request, where its result will be, and what no other request is called."""

    request: AsyncRequest
    places: Places
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def is_expired(self) -> bool:
        return self.request.age_seconds > self.request.ttl_seconds


class AsyncQueue:
    """Requests come out as they went in, unless one that an instance did not get goes back to its place.

    ``begin`` takes one over, in a thread of its own, if an instance has room; ``expire`` ends one that has waited for
    too long; ``tell`` is told the size (in process and waiting) and the age of the oldest in seconds, with
    each change and every ``tell_seconds``.
    """

    def __init__(
        self,
        name: str,
        begin: Callable[[Waiting], bool],
        expire: Callable[[Waiting], None],
        tell: Callable[[int, float], None],
        tell_seconds: float,
    ) -> None:
        self._begin, self._expire, self._tell = begin, expire, tell
        self._tell_seconds = tell_seconds
        self._waiting: deque[Waiting] = deque()
        self._in_process = 0
        self._is_closed = False
        self._told_at = time.monotonic()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"async {name}", daemon=True)
        self._thread.start()

    def put(self, waiting: Waiting) -> None:
        with self._changed:
            self._waiting.append(waiting)
            self._changed.notify_all()
        self._told()

    def put_back(self, waiting: Waiting) -> None:
        """One that was begun reached no instance: it is the next again."""
        with self._changed:
            self._in_process -= 1
            self._waiting.appendleft(waiting)
            self._changed.notify_all()

    def done(self) -> None:
        """One that was begun has its result or its failure."""
        with self._changed:
            self._in_process -= 1
            self._changed.notify_all()
        self._told()

    def close(self) -> None:
        """The endpoint is gone, and with it what waits. Returns at once."""
        with self._changed:
            self._is_closed = True
            self._waiting.clear()
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_closed, self._tell_seconds)
                if self._is_closed:
                    return
                expired = [each for each in self._waiting if each.is_expired]
                for each in expired:
                    self._waiting.remove(each)
                head = self._waiting.popleft() if self._waiting else None
                self._in_process += (head is not None) + len(expired)
            for each in expired:
                self._expire(each)
                self.done()
            if time.monotonic() - self._told_at >= self._tell_seconds:
                self._told()
            if head and not self._begin(head):
                self.put_back(head)
                self._wait_for_room()

    def _wait_for_room(self) -> None:
        with self._changed:
            if not self._is_closed:
                self._changed.wait(ROOM_POLL_SECONDS)

    def _told(self) -> None:
        with self._changed:
            oldest = self._waiting[0].request.moment if self._waiting else time.monotonic()
            size = len(self._waiting) + self._in_process
            self._told_at = time.monotonic()
        self._tell(size, time.monotonic() - oldest)
