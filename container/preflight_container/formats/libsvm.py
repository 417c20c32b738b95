"""text/libsvm: `label column:value column:value ...`, one record per line; columns are taken as they are written."""

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from preflight_container.errors import DataError
from preflight_container.formats.lines import whole_lines
from preflight_container.formats.sparse_rows import SparseRows

Array = NDArray[np.float32]

MAX_COLUMN = 1 << 31


def read_libsvm(stream: BinaryIO) -> Iterator[tuple[Array, SparseRows]]:
    """Blocks of (labels, rows) from a stream of any length. Raises DataError."""
    for line, chunk in whole_lines(stream):
        labels, rows = parse_libsvm(chunk, first_line=line)
        if len(labels):
            yield labels, rows


def parse_libsvm(data: bytes, *, label_required: bool = True, first_line: int = 1) -> tuple[Array, SparseRows]:
    """(labels, rows) of the text; a label that is not required and not there is NaN.

    Raises:
        DataError: a token is no number or no `column:value`.
    """
    quick = _parse_quickly(data.strip(b" \r\n"))
    return quick if quick is not None else _parse_carefully(data, label_required, first_line)


def _parse_quickly(text: bytes) -> tuple[Array, SparseRows] | None:
    """None when the text needs the careful reader."""
    if not text or b"\0" in text:
        return None
    characters = np.frombuffer(text, np.uint8)
    line_ends = np.append(np.flatnonzero(characters == ord("\n")), len(characters))
    pairs = np.diff(np.searchsorted(np.flatnonzero(characters == ord(":")), line_ends), prepend=0)
    try:
        numbers = np.fromstring(text.replace(b":", b" ").replace(b"\n", b" "), dtype=np.float64, sep=" ")
    except ValueError:
        return None
    tokens = 1 + 2 * pairs
    if numbers.size != tokens.sum():
        return None
    is_label = np.zeros(numbers.size, bool)
    is_label[np.concatenate([[0], np.cumsum(tokens)[:-1]])] = True
    labels, rest = numbers[is_label], numbers[~is_label]
    columns, values = rest[::2], rest[1::2]
    if (columns < 0).any() or (columns >= MAX_COLUMN).any() or (columns != np.floor(columns)).any():
        return None
    limit = np.finfo(np.float32).max
    if not (np.abs(values) <= limit).all() or not (np.abs(labels) <= limit).all():
        return None
    starts = np.concatenate([[0], np.cumsum(pairs)]).astype(np.int64)
    return labels.astype(np.float32), SparseRows(values.astype(np.float32), columns.astype(np.int64), starts)


def _parse_carefully(data: bytes, label_required: bool, first_line: int) -> tuple[Array, SparseRows]:
    labels: list[float] = []
    values: list[float] = []
    columns: list[int] = []
    starts = [0]
    for number, line in enumerate(data.split(b"\n"), start=first_line):
        tokens = _decode(line, number).partition("#")[0].split()
        if not tokens:
            continue
        if ":" not in tokens[0]:
            labels.append(_number(tokens.pop(0), number))
        elif label_required:
            raise DataError(
                f"'{tokens[0][:40]}' stands where the label must be; instance weights (label:weight) are not "
                "supported by Preflight yet.",
                line=number,
            )
        else:
            labels.append(float("nan"))
        for token in tokens:
            column, value = _pair(token, number)
            columns.append(column)
            values.append(value)
        starts.append(len(values))
    rows = SparseRows(np.array(values, np.float32), np.array(columns, np.int64), np.array(starts, np.int64))
    return np.array(labels, np.float32), rows


def _decode(line: bytes, number: int) -> str:
    try:
        return line.decode("ascii")
    except UnicodeDecodeError as error:
        raise DataError("the text is not libsvm: it has characters outside ASCII.", line=number) from error


def _pair(token: str, line: int) -> tuple[int, float]:
    column, colon, value = token.partition(":")
    if column == "qid":
        raise DataError("query ids (qid:) are not supported by Preflight yet.", line=line)
    if not colon or not column.isdecimal() or int(column[:12]) >= MAX_COLUMN:
        raise DataError(f"'{token[:40]}' is not column:value.", line=line)
    return int(column), _number(value, line)


def _number(text: str, line: int) -> float:
    try:
        value = float(text) if "_" not in text else None
    except ValueError:
        value = None
    if value is None or not abs(value) <= np.finfo(np.float32).max:
        raise DataError(f"'{text[:40]}' is not a finite 32-bit number.", line=line)
    return value
