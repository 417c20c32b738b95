"""Rows of whole numbers, many at once: a decimal place of all numbers after the other, block by block in the cache."""

import numpy as np
from numpy.typing import NDArray

MAX_DIGITS = 9  # a number fits 32 bits
BLOCK_BYTES = 1 << 16  # of whole lines that are worked on together

_COMMA, _NEWLINE, _ZERO, _NINE = b",\n09"
_POWERS = 10 ** np.arange(MAX_DIGITS, dtype=np.int32)

Rows = NDArray[np.float32]


def parse_whole_numbers(text: bytes, *, missing: bool) -> Rows | None:
    """The rows of a text without white space around it: of each number the nearest float32, as `float` finds it.

    None where a number is not plain digits, has more than MAX_DIGITS, or is empty unless it may be `missing` (NaN),
    and where lines differ in length: that takes another reader.
    """
    columns = text.count(b",", 0, text.find(b"\n") if b"\n" in text else None) + 1
    count = text.count(b"\n") + 1
    if count * columns > len(text) + 1:  # fewer bytes than numbers: no reason to make room for them
        return None
    rows = np.empty((count, columns), np.float32)
    start = done = 0
    while start < len(text):
        end = text.rfind(b"\n", start, start + BLOCK_BYTES) + 1 if len(text) - start > BLOCK_BYTES else len(text)
        lines = text[start:end] if end < len(text) else text[start:] + b"\n"
        numbers = _parse_lines(lines, columns, missing and columns > 1) if end else None
        if numbers is None:
            return None
        rows[done : done + len(numbers)] = numbers
        done += len(numbers)
        start = end
    return rows


def _parse_lines(lines: bytes, columns: int, missing: bool) -> NDArray[np.int32] | Rows | None:
    characters = np.frombuffer(lines, np.uint8)
    ends = np.flatnonzero(characters < _ZERO)
    if characters.max() > _NINE or len(ends) % columns:
        return None
    separators = characters[ends].reshape(-1, columns)
    if (separators[:, :-1] != _COMMA).any() or (separators[:, -1] != _NEWLINE).any():
        return None
    ends = ends.astype(np.int32)
    lengths = ends.copy()
    lengths[1:] -= ends[:-1] + 1
    shortest, longest = int(lengths.min()), int(lengths.max())
    if longest > MAX_DIGITS or (shortest == 0 and not missing):
        return None
    numbers = np.zeros(len(ends), np.int32)
    for place in range(longest):
        if place < shortest:
            numbers += (characters[ends - (place + 1)] - np.uint8(_ZERO)) * _POWERS[place]
        else:
            here = np.flatnonzero(lengths > place)
            numbers[here] += (characters[ends[here] - (place + 1)] - np.uint8(_ZERO)) * _POWERS[place]
    if shortest:
        return numbers.reshape(-1, columns)
    return np.where(lengths > 0, numbers, np.float32(np.nan)).astype(np.float32).reshape(-1, columns)
