"""Waiting for what nobody announces."""

import time
from collections.abc import Callable


def wait_until[Result](condition: Callable[[], Result], timeout_seconds: float, interval_seconds: float) -> Result:
    """The first true result of ``condition``; after ``timeout_seconds``, its last one.

    It is asked at once, then every ``interval_seconds``, and once more at the end. What it raises ends the wait.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        is_last = time.monotonic() >= deadline
        result = condition()
        if result or is_last:
            return result
        time.sleep(max(0.0, min(interval_seconds, deadline - time.monotonic())))
