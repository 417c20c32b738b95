"""text/csv: rows of numbers without a header."""

import csv
import math
import re
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import orjson
from numpy.typing import NDArray

from preflight_container.errors import DataError
from preflight_container.formats.decimals import parse_decimals
from preflight_container.formats.lines import whole_lines
from preflight_container.formats.whole_numbers import parse_whole_numbers

_EMPTY_VALUE = re.compile(rb"(?<=,)(?=[,\r\n]|\Z)|(?:^|(?<=\n))(?=,)")
_BLANK_VALUE = re.compile(rb"(?:\A|[,\n])[ \t\r\v\f]+(?=[,\n]|\Z)")  # which numpy takes for -1
_STRAY_RETURN = re.compile(rb"\r(?![\r\n]|\Z)")  # which ends no line
_NEGATIVE_ZERO = re.compile(rb"-0(?![.\deE])")  # whose sign an integer of JSON has not
_COMMA, _NEWLINE = ord(","), ord("\n")
FEW_BYTES = 1000  # up to here one number after the other is read sooner than all of them together
SHORT = 4  # bytes of a number and what separates it, on average: up to here all of them together are read sooner
PLAIN = b"0123456789.-+eE, \r\n"  # of what JSON takes, only numbers are made of these

Rows = NDArray[np.float32]


class InfiniteValue(DataError):
    """A number that is infinite, or too large for 32 bits."""


def parse_csv(
    data: bytes, *, missing: bool = False, quotes: bool = True, delimiter: bytes = b",", first_line: int = 1
) -> Rows:
    """The numbers of `data` as float32, shape (rows, columns); shape (0, 0) when there is no row.

    Args:
        data: UTF-8 text. Blank lines are skipped.
        missing: an empty value (or nan) is NaN; without it, that is an error.
        quotes: numbers may be quoted; without it, that is an error.
        delimiter: what stands between values.
        first_line: the number of the first line, for messages.

    Raises:
        DataError: a value is not a finite number, or a row has another length than the first.
    """
    text = data.strip(b" \r\n")
    if not text:
        return np.empty((0, 0), np.float32)
    is_plain = b"\r" not in data or _STRAY_RETURN.search(data) is None
    rows = parse_quickly(text, missing=missing, delimiter=delimiter) if is_plain else None
    return rows if rows is not None else _parse_carefully(data, missing, quotes, delimiter, first_line)


def parse_quickly(text: bytes, *, missing: bool = False, delimiter: bytes = b",") -> Rows | None:
    """The rows of a text without white space around it; None where it needs a careful reader, never a wrong number."""
    if delimiter != b",":
        if b"," in text:
            return None
        text = text.replace(delimiter, b",")
    if len(text) > FEW_BYTES and (whole := parse_whole_numbers(text, missing=missing)) is not None:
        return whole
    rows = _parse_numbers(text, missing)
    return rows if rows is not None and _is_fine(rows, missing) else None


def _with_nan(text: bytes) -> bytes:
    """Empty values between or after commas written out, so that the quick reader can take them."""
    if b",," in text or b",\n" in text or b"\n," in text or text[:1] == b"," or text[-1:] == b",":
        text = _EMPTY_VALUE.sub(b"nan", text)
    return text


def _is_fine(rows: Rows, missing: bool) -> bool:
    return bool((~np.isinf(rows)).all() if missing else np.isfinite(rows).all())


def find_delimiter(line: str) -> str:
    """What stands between the values of the line, as Python's csv.Sniffer finds it. Raises csv.Error.

    What it finds in a line of numbers need not be a delimiter: it may be a digit that occurs often.
    """
    if "," in line and '"' not in line and "'" not in line:
        return ","  # which the sniffer prefers
    return csv.Sniffer().sniff(line).delimiter


def read_csv(
    stream: BinaryIO, *, missing: bool = False, quotes: bool = True, delimiter: bytes = b","
) -> Iterator[Rows]:
    """Blocks of rows as they come from a stream of any length; all blocks have the same number of columns."""
    columns: int | None = None
    for line, chunk in whole_lines(stream):
        rows = parse_csv(chunk, missing=missing, quotes=quotes, delimiter=delimiter, first_line=line)
        if not len(rows):
            continue
        columns = columns or rows.shape[1]
        if rows.shape[1] != columns:
            raise DataError(f"this row has {rows.shape[1]} columns, the rows before {columns}.", line=line)
        yield rows


def _parse_numbers(text: bytes, missing: bool) -> Rows | None:
    if b"\0" in text:
        return None
    rows = text.count(b"\n") + 1
    columns = text.count(b",", 0, text.find(b"\n") if rows > 1 else None) + 1
    if text.count(b",") != rows * (columns - 1) or (columns == 1 and b"\n\n" in text):
        return None
    if rows > 1:
        characters = np.frombuffer(text, np.uint8)
        separators = characters[(characters == _COMMA) | (characters == _NEWLINE)]
        if not (separators[columns - 1 :: columns] == _NEWLINE).all():
            return None
    values = None
    if FEW_BYTES < len(text) <= SHORT * rows * columns:
        values = parse_decimals(text)
    if values is None:
        values = _parse_as_json(text)
    if values is None and len(text) > FEW_BYTES:
        values = parse_decimals(text)
    if values is None:
        values = _parse_any(_with_nan(text) if missing else text)
    if values is None or values.size != rows * columns:
        return None
    return _as_float32(values).reshape(rows, columns)


def _parse_as_json(text: bytes) -> NDArray[np.float64] | None:
    """Numbers that are all written as JSON has them."""
    if text.translate(None, PLAIN) or _NEGATIVE_ZERO.search(text):
        return None
    try:
        numbers = orjson.loads(b"[" + text.replace(b"\n", b",") + b"]")
    except orjson.JSONDecodeError:
        return None
    return np.fromiter(numbers, np.float64, len(numbers))


def _parse_any(text: bytes) -> NDArray[np.float64] | None:
    """Numbers however they are written."""
    if _BLANK_VALUE.search(text):
        return None
    try:
        return np.fromstring(text.replace(b"\n", b","), dtype=np.float64, sep=",")
    except ValueError:
        return None


def _parse_carefully(data: bytes, missing: bool, quotes: bool, delimiter: bytes, first_line: int) -> Rows:
    """Reads value by value, so that an error can say where it is."""
    try:
        lines = data.decode("utf-8-sig" if first_line == 1 else "utf-8").split("\n")
    except UnicodeDecodeError as error:
        line = first_line + data.count(b"\n", 0, error.start)
        raise DataError("the text is not UTF-8.", line=line) from error
    rows: list[Rows] = []  # as arrays: the body may be large
    for number, text in enumerate(lines, start=first_line):
        if not text.strip():
            continue
        try:
            fields = next(
                csv.reader([text.rstrip("\r")], delimiter=delimiter.decode(), quotechar='"' if quotes else None)
            )
        except csv.Error as error:
            raise DataError(f"not a CSV row ({error}).", line=number) from error
        if rows and len(fields) != len(rows[0]):
            problem = f"this row has {len(fields)} columns, the first row {len(rows[0])}."
            raise DataError(problem, line=number)
        values = (_number(field, missing, number, column) for column, field in enumerate(fields, start=1))
        rows.append(np.fromiter(values, np.float32, len(fields)))
    if not rows:
        return np.empty((0, 0), np.float32)
    return np.stack(rows)


def _number(field: str, missing: bool, line: int, column: int) -> float:
    text = field.strip()
    if not text:
        if missing:
            return math.nan
        raise DataError("the value is empty; every value must be a number.", line=line, column=column)
    try:
        value = float(text) if "_" not in text and text.isascii() else None
    except ValueError:
        value = None
    if value is None:
        raise DataError(f"'{_shortened(text)}' is not a number.", line=line, column=column)
    if math.isnan(value) and missing:
        return value
    with np.errstate(over="ignore"):
        is_finite = np.isfinite(np.float32(value))
    if not is_finite:
        raise InfiniteValue(f"'{_shortened(text)}' is not a finite 32-bit number.", line=line, column=column)
    return value


def _shortened(text: str, length: int = 40) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."


def _as_float32(values: NDArray[np.float64]) -> Rows:
    with np.errstate(over="ignore"):  # what overflows is infinite, and the careful reader names it
        return values.astype(np.float32)
