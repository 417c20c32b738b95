"""Shadow: copies of requests to the shadow variant, whose answers nobody gets.

https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests.html
"""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from preflight.sagemaker.hosting.record import VariantRecord
from preflight.sagemaker.hosting.variant import Variant

WORKERS = 16  # copies under way at once
MAX_WAITING_BYTES = 64 * 1024 * 1024  # of copies beyond which none is made: no answer waits for a shadow


class Shadow:
    """Of the requests to ``production``, ``variant`` gets as many as its weight is of the other's: a guess."""

    def __init__(self, production: VariantRecord, variant: Variant) -> None:
        self.variant = variant
        self._production = production
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="shadow")
        self._lock = threading.Lock()
        self._bytes = 0

    def offer(self, size_bytes: int, copy: Callable[[Variant], None]) -> None:
        """Have ``copy`` made of one more request, if it is chosen. Never blocks, never raises."""
        if random.random() * self._production.weight >= self.variant.record.weight:
            return
        with self._lock:
            if self._bytes + size_bytes > MAX_WAITING_BYTES:
                return
            self._bytes += size_bytes
        try:
            self._pool.submit(self._make, size_bytes, copy)
        except RuntimeError:  # the fleet stops
            return

    def close(self) -> None:
        """Make no more copies; those under way end with their instance."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _make(self, size_bytes: int, copy: Callable[[Variant], None]) -> None:
        try:
            copy(self.variant)
        finally:
            with self._lock:
                self._bytes -= size_bytes
