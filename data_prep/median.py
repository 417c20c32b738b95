"""The exact median of a stream of numbers, in memory that does not grow with it."""

import heapq
import os
import struct
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import IO

_DISTINCT_LIMIT = 100_000  # counts kept in memory; beyond that they go to disk as a sorted run
_PAIR = struct.Struct("<dq")
Pair = tuple[float, int]


def median_of(pairs: Iterable[Pair], total: int) -> float | None:
    """Of ``total`` values in order, each with how often it is there; the mean of the middle two for an even count.

    None if there is no value.
    """
    if not total:
        return None
    low_rank, high_rank = (total - 1) // 2, total // 2
    low: float | None = None
    seen = 0
    for value, count in pairs:
        seen += count
        if low is None and seen > low_rank:
            low = value
        if low is not None and seen > high_rank:
            return (low + value) / 2
    raise AssertionError("the ranks lie within the total")


def write_pairs(file: IO[bytes], pairs: Iterable[Pair]) -> tuple[int, int]:
    """Write them at the file's place. Returns their bytes, and the number of all values."""
    size = total = 0
    for value, count in pairs:
        size += file.write(_PAIR.pack(value, count))
        total += count
    return size, total


def read_pairs(file: IO[bytes], position: int, end: int) -> Iterator[Pair]:
    """What is written between two places of the file; others may read it in between."""
    while position < end:
        file.seek(position)
        chunk = file.read(min(end - position, _PAIR.size * 4096))
        position += len(chunk)
        yield from _PAIR.iter_unpack(chunk)


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
        """As ``median_of`` has it."""
        return median_of(self.pairs(), self._total)

    def pairs(self) -> Iterator[Pair]:
        """Every value and how often it was there, from the lowest; a value may come again at once."""
        assert self._file is not None or not self._runs
        runs = [read_pairs(self._file, start, end) for start, end in self._runs if self._file]
        return heapq.merge(sorted(self._counts.items()), *runs)

    def _spill(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        start = self._file.seek(0, os.SEEK_END)  # reading runs moves the position
        write_pairs(self._file, sorted(self._counts.items()))
        self._runs.append((start, self._file.tell()))
        self._counts.clear()

    def __enter__(self) -> "Median":
        return self

    def __exit__(self, *exception: object) -> None:
        if self._file is not None:
            self._file.close()
