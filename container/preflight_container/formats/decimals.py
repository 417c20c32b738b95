"""Many decimal numbers at once: digit by digit from the right, all numbers together, several times as fast as strtod.

Each number is exactly the nearest double, as `float` has it: up to 15 digits are a whole number that a double holds,
and so is the power of ten it is divided by.
"""

import numpy as np
from numpy.typing import NDArray

MAX_DIGITS = 15
MAX_CHARACTERS = MAX_DIGITS + 2  # with a sign and a point
BLOCK = 1 << 14  # numbers that are worked on together, so that they stay in the processor's cache

_MINUS, _POINT, _ZERO, _NINE = b"-.09"
_POWERS = 10 ** np.arange(MAX_CHARACTERS + 1, dtype=np.int64)

Numbers = NDArray[np.float64]


def parse_decimals(text: bytes) -> Numbers | None:
    """The numbers between the commas and newlines of `text`, an empty one as NaN.

    None where one is not written plainly (`-12.5`) or has too many digits: that takes another reader.
    """
    characters = np.frombuffer(text, np.uint8)
    if not text or characters.max() > _NINE:
        return None
    ends = np.flatnonzero(characters < _MINUS)
    if len(ends) != text.count(b",") + text.count(b"\n"):
        return None
    ends = np.append(ends, len(characters))
    lengths = ends.copy()
    lengths[1:] -= ends[:-1] + 1
    if lengths.max() > MAX_CHARACTERS:
        return None
    numbers = np.empty(len(ends))
    for start in range(0, len(ends), BLOCK):
        block = slice(start, start + BLOCK)
        parsed = _parse_block(characters, ends[block], lengths[block])
        if parsed is None:
            return None
        numbers[block] = parsed
    return numbers


def _parse_block(characters: NDArray[np.uint8], ends: NDArray[np.int64], lengths: NDArray[np.int64]) -> Numbers | None:
    whole = np.zeros(len(ends), np.int64)  # the digits of each number
    digits = np.zeros(len(ends), np.int64)  # how many there are
    decimals = np.full(len(ends), -1, np.int64)  # how many after the point; -1 without one
    is_negative = np.zeros(len(ends), np.bool_)
    shortest = lengths.min()
    for place in range(lengths.max()):
        here = np.flatnonzero(lengths > place) if place >= shortest else np.arange(len(ends))
        character = characters[ends[here] - 1 - place]
        value = character - np.uint8(_ZERO)
        is_digit = value < 10
        if not is_digit.all():
            is_point, is_minus = character == _POINT, character == _MINUS
            points, minuses = here[is_point], here[is_minus]
            if (
                not (is_digit | is_point | is_minus).all()
                or (decimals[points] >= 0).any()
                or (lengths[minuses] != place + 1).any()
            ):
                return None
            decimals[points] = digits[points]
            is_negative[minuses] = True
            here, value = here[is_digit], value[is_digit]
        whole[here] += value * _POWERS[digits[here]]
        digits[here] += 1
    if digits.max() > MAX_DIGITS or (digits[lengths > 0] == 0).any():
        return None
    numbers = whole / _POWERS[np.maximum(decimals, 0)]
    np.negative(numbers, out=numbers, where=is_negative)
    numbers[lengths == 0] = np.nan
    return numbers
