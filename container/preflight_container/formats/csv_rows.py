"""text/csv: rows of numbers without a header."""

import csv
import math
import re
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from preflight_container.errors import DataError
from preflight_container.formats.lines import whole_lines

_EMPTY_VALUE = re.compile(rb"(?<=,)(?=[,\r\n]|\Z)|(?:^|(?<=\n))(?=,)")
DELIMITERS = (b",", b"\t", b";", b" ", b":", b"|")
_COMMA, _NEWLINE = ord(","), ord("\n")

Rows = NDArray[np.float32]


def parse_csv(data: bytes, *, missing: bool = False, first_line: int = 1) -> Rows:
    """The numbers of `data` as float32, shape (rows, columns); shape (0, 0) when there is no row.

    Args:
        data: UTF-8 text. Blank lines are skipped, numbers may be quoted.
        missing: an empty value (or nan) is NaN; without it, that is an error.
        first_line: the number of the first line, for messages.

    Raises:
        DataError: a value is not a finite number, or a row has another length than the first.
    """
    text = data.strip(b" \r\n")
    if missing:
        text = _with_nan(text)
    rows = _parse_quickly(text) if text else np.empty((0, 0), np.float32)
    if rows is None or not _is_fine(rows, missing):
        return _parse_carefully(data, missing, first_line)
    return rows


def _with_nan(text: bytes) -> bytes:
    """Empty values between or after commas written out, so that the quick reader can take them."""
    if b",," in text or b",\n" in text or b"\n," in text or text[:1] == b"," or text[-1:] == b",":
        text = _EMPTY_VALUE.sub(b"nan", text)
    return text


def _is_fine(rows: Rows, missing: bool) -> bool:
    return bool((~np.isinf(rows)).all() if missing else np.isfinite(rows).all())


def with_commas(text: bytes, delimiter: bytes) -> bytes:
    """The text with commas where it has another delimiter."""
    return text if delimiter == b"," else text.replace(delimiter, b",")


def find_delimiter(text: bytes) -> bytes:
    """What stands between the values of the first line, as Python's csv.Sniffer finds it on AWS."""
    line = text.lstrip(b"\r\n").partition(b"\n")[0].strip()
    return next((delimiter for delimiter in DELIMITERS if delimiter in line), b",")


def read_csv(stream: BinaryIO, *, missing: bool = False, delimiter: bytes | None = b",") -> Iterator[Rows]:
    """Blocks of rows as they come from a stream of any length; all blocks have the same number of columns.

    Args:
        delimiter: what stands between values; None to tell it from the first line.
    """
    columns: int | None = None
    for line, chunk in whole_lines(stream):
        delimiter = delimiter or find_delimiter(chunk)
        chunk = with_commas(chunk, delimiter)
        rows = parse_csv(chunk, missing=missing, first_line=line)
        if not len(rows):
            continue
        columns = columns or rows.shape[1]
        if rows.shape[1] != columns:
            raise DataError(f"this row has {rows.shape[1]} columns, the rows before {columns}.", line=line)
        yield rows


def _parse_quickly(text: bytes) -> Rows | None:
    """None when the text needs the careful reader; never a wrong number."""
    if b"\0" in text:
        return None
    rows = text.count(b"\n") + 1
    columns = text.count(b",", 0, text.find(b"\n") if rows > 1 else None) + 1
    if text.count(b",") != rows * (columns - 1):
        return None
    if rows > 1:
        characters = np.frombuffer(text, np.uint8)
        separators = characters[(characters == _COMMA) | (characters == _NEWLINE)]
        if not (separators[columns - 1 :: columns] == _NEWLINE).all():
            return None
    try:
        values = np.fromstring(text.replace(b"\n", b","), dtype=np.float64, sep=",")
    except ValueError:
        return None
    if values.size != rows * columns:
        return None
    return _as_float32(values).reshape(rows, columns)


def _parse_carefully(data: bytes, missing: bool, first_line: int) -> Rows:
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
            fields = next(csv.reader([text.rstrip("\r")]))
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
    if not math.isfinite(value) or abs(value) > np.finfo(np.float32).max:
        raise DataError(f"'{_shortened(text)}' is not a finite 32-bit number.", line=line, column=column)
    return value


def _shortened(text: str, length: int = 40) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."


def _as_float32(values: NDArray[np.float64]) -> Rows:
    with np.errstate(over="ignore"):  # what overflows is infinite, and the careful reader names it
        return values.astype(np.float32)
