"""Timers that cost nothing to start and to cancel: one thread looks after all of them, once a second."""

import itertools
import logging
import threading
import time
from collections.abc import Callable

LOG = logging.getLogger(__name__)

LOOK_SECONDS = 1.0


class Timer:
    """Like ``threading.Timer``, at most a second late."""

    def __init__(self, interval: float, function: Callable[[], object]) -> None:
        self._interval = interval
        self._function = function
        self._number = next(_numbers)

    def start(self) -> None:
        """Call the function after the interval, unless cancelled before."""
        _waiting[self._number] = (time.monotonic() + self._interval, self._function)
        if not _thread.is_alive():
            with _starting:
                if not _thread.is_alive():
                    _thread.start()

    def cancel(self) -> None:
        """Do not call it; nothing happens if it was called already, or never started."""
        _waiting.pop(self._number, None)


def _look() -> None:
    while True:
        time.sleep(LOOK_SECONDS)
        now = time.monotonic()
        for number, (due, function) in list(_waiting.items()):
            # Whoever takes it out calls it, so what is cancelled meanwhile is not called.
            if due <= now and _taken(number):
                threading.Thread(target=_call, args=(function,), name="lambda-timer", daemon=True).start()


def _taken(number: int) -> bool:
    try:
        del _waiting[number]
    except KeyError:  # cancelled
        return False
    return True


def _call(function: Callable[[], object]) -> None:
    try:
        function()
    except Exception as error:
        LOG.warning("A timer of Lambda's failed: %s", error)


_numbers = itertools.count()
_waiting: dict[int, tuple[float, Callable[[], object]]] = {}
_starting = threading.Lock()
_thread = threading.Thread(target=_look, name="lambda-timers", daemon=True)
