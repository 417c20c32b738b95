"""application/json and application/jsonlines: records as AWS's "common data formats for inference" have them.

Dense: `{"features": [1, 2]}` or `{"data": {"features": {"values": [1, 2]}}}`. Sparse: `{"data": {"features":
{"keys": [1], "shape": [2], "values": [2]}}}`. https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html
"""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from container.errors import DataError

Rows = NDArray[np.float32]


def parse_json(data: bytes) -> Rows:
    """The rows of `{"instances": [...]}`, shape (rows, columns). Raises DataError."""
    document = _decode(data, None)
    if not isinstance(document, dict) or not isinstance(document.get("instances"), list):
        raise DataError('the JSON body must be an object with a list "instances".')
    return _stack(
        [_row(instance, number) for number, instance in enumerate(document["instances"], start=1)], "instance"
    )


def parse_json_lines(data: bytes) -> Rows:
    """The rows of one JSON object per line, shape (rows, columns); blank lines are skipped. Raises DataError."""
    rows = [
        _row(_decode(line, number), number, "line")
        for number, line in enumerate(data.split(b"\n"), start=1)
        if line.strip()
    ]
    return _stack(rows, "line")


def _decode(text: bytes, line: int | None) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        problem = f"{error.msg} at character {error.pos + 1}" if isinstance(error, json.JSONDecodeError) else error
        raise DataError(f"the body is not JSON ({problem}).", line=line) from error


def _row(instance: Any, number: int, noun: str = "instance") -> Rows:
    where = f"{noun} {number}"
    if not isinstance(instance, dict):
        raise DataError(f'{where} must be an object with "features".')
    if "features" in instance:
        return _numbers(instance["features"], where)
    try:
        features = instance["data"]["features"]
        values = _numbers(features["values"], where)
    except (KeyError, TypeError) as error:
        raise DataError(f'{where} needs "features", or "data" with "features" with "values".') from error
    if "keys" not in features:
        return values
    return _sparse(features, values, where)


def _sparse(features: dict[str, Any], values: Rows, where: str) -> Rows:
    try:
        (width,) = map(int, features["shape"])
        keys = [int(key) for key in features["keys"]]
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f'{where} needs "keys" with integers and "shape" with one integer.') from error
    if len(keys) != len(values) or not 0 < width <= MAX_WIDTH:
        raise DataError(f'{where} must have as many "keys" as "values", within "shape".')
    if any(not 0 <= key < width for key in keys):
        raise DataError(f'{where} has a key outside its "shape" [{width}].')
    row = np.zeros(width, np.float32)
    row[keys] = values
    return row


MAX_WIDTH = 1 << 24


def _numbers(values: Any, where: str) -> Rows:
    if not isinstance(values, list) or any(type(value) not in (int, float) for value in values):
        raise DataError(f"the features of {where} must be a list of numbers.")
    try:
        with np.errstate(over="ignore"):
            row = np.array(values, np.float64).astype(np.float32)
    except OverflowError as error:
        raise DataError(f"the features of {where} hold a number that does not fit 32 bits.") from error
    if not np.isfinite(row).all():
        raise DataError(f"the features of {where} must be finite 32-bit numbers.")
    return row


def _stack(rows: list[Rows], noun: str) -> Rows:
    if not rows:
        return np.empty((0, 0), np.float32)
    for number, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]):
            raise DataError(f"{noun} {number} has {len(row)} features, the first one {len(rows[0])}.")
    return np.stack(rows)
