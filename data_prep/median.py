"""The exact median of a stream of numbers, in memory that does not grow with it."""

import heapq
import os
import struct
import tempfile
from collections import Counter
from collections.abc import Iterator
from typing import IO

_DISTINCT_LIMIT = 100_000  # counts kept in memory; beyond that they go to disk as a sorted run
_PAIR = struct.Struct("<dq")


class Median:
    """Counts values; ``result`` is their median. Use as a context manager: it may hold a temporary file."""

    def __init__(self) -> None:
        self._counts: Counter[float] = Counter()
        self._file: IO[bytes] | None = None  # one for all runs, as files that are open at once are limited
        self._runs: list[tuple[int, int]] = []  # where each starts and ends in the file
        self._total = 0

    def add(self, value: float) -> None:
        self._counts[value] += 1
        self._total += 1
        if len(self._counts) > _DISTINCT_LIMIT:
            self._spill()

    def result(self) -> float | None:
        """The median (the mean of the middle two for an even count); None if there is no value."""
        if not self._total:
            return None
        low_rank, high_rank = (self._total - 1) // 2, self._total // 2
        low: float | None = None
        seen = 0
        for value, count in heapq.merge(sorted(self._counts.items()), *map(self._read_run, self._runs)):
            seen += count
            if low is None and seen > low_rank:
                low = value
            if low is not None and seen > high_rank:
                return (low + value) / 2
        raise AssertionError("the ranks lie within the total")

    def _spill(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        start = self._file.seek(0, os.SEEK_END)  # reading runs moves the position
        self._file.writelines(_PAIR.pack(value, count) for value, count in sorted(self._counts.items()))
        self._runs.append((start, self._file.tell()))
        self._counts.clear()

    def _read_run(self, run: tuple[int, int]) -> Iterator[tuple[float, int]]:
        assert self._file is not None
        position, end = run
        while position < end:
            self._file.seek(position)  # the other runs are read in between
            chunk = self._file.read(min(end - position, _PAIR.size * 4096))
            position += len(chunk)
            yield from _PAIR.iter_unpack(chunk)

    def __enter__(self) -> "Median":
        return self

    def __exit__(self, *exception: object) -> None:
        if self._file is not None:
            self._file.close()
