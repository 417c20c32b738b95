"""application/json and application/jsonlines: records as AWS's "common data formats for inference" have them.

Dense: `{"features": [1, 2]}` or `{"data": {"features": {"values": [1, 2]}}}`. Sparse: `{"data": {"features":
{"keys": [1], "shape": [2], "values": [2]}}}`. https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html
"""

import contextlib
import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from preflight_container.errors import DataError
from preflight_container.formats.sparse_rows import SparseRows

Rows = NDArray[np.float32]
Features = Rows | SparseRows


def parse_json(data: bytes, width: int) -> Features:
    """The rows of `{"instances": [...]}`: an array of shape (rows, columns), or sparse rows of `width` columns.

    Args:
        width: how many columns a sparse row may have; it can claim any number in a few bytes.

    Raises:
        DataError: the body is something else.
    """
    document = _decode(data, None)
    if not isinstance(document, dict) or not isinstance(document.get("instances"), list):
        raise DataError('the JSON body must be an object with a list "instances".')
    return _stack(_Row(instance, f"instance {n}", width) for n, instance in enumerate(document["instances"], start=1))


def parse_json_lines(data: bytes, width: int) -> Features:
    """The same for one JSON object per line; blank lines are skipped."""
    lines = ((number, line) for number, line in enumerate(data.split(b"\n"), start=1) if line.strip())
    return _stack(_Row(_decode(line, number), f"line {number}", width) for number, line in lines)


def _decode(text: bytes, line: int | None) -> Any:
    with contextlib.suppress(orjson.JSONDecodeError):  # the careful reader takes more, and says what is wrong
        return orjson.loads(text)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        problem = f"{error.msg} at character {error.pos + 1}" if isinstance(error, json.JSONDecodeError) else error
        raise DataError(f"the body is not JSON ({problem}).", line=line) from error


class _Row:
    """One instance: its values, and the columns they stand in if it names them."""

    def __init__(self, instance: Any, where: str, width: int) -> None:
        self.where = where
        self.columns: list[int] | None = None
        if not isinstance(instance, dict):
            raise DataError(f'{where} must be an object with "features".')
        if "features" in instance:
            self.values = _numbers(instance["features"], where)
            return
        try:
            features = instance["data"]["features"]
            self.values = _numbers(features["values"], where)
        except (KeyError, TypeError) as error:
            raise DataError(f'{where} needs "features", or "data" with "features" with "values".') from error
        if "keys" in features:
            self.columns = self._columns(features, width)

    def _columns(self, features: dict[str, Any], width: int) -> list[int]:
        try:
            (declared,) = map(int, features["shape"])
            keys = [int(key) for key in features["keys"]]
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise DataError(f'{self.where} needs "keys" with integers and "shape" with one integer.') from error
        if declared != width:
            raise DataError(f'{self.where} has the "shape" [{declared}], the model was trained on {width} features.')
        if len(keys) != len(self.values):
            raise DataError(f'{self.where} must have as many "keys" as "values".')
        if any(not 0 <= key < width for key in keys):
            raise DataError(f'{self.where} has a key outside its "shape" [{width}].')
        return keys


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


def _stack(found: Iterable[_Row]) -> Features:
    rows = list(found)
    if not rows:
        return np.empty((0, 0), np.float32)
    if any(row.columns is not None for row in rows):
        return _stack_sparse(rows)
    for row in rows:
        if len(row.values) != len(rows[0].values):
            first = len(rows[0].values)
            raise DataError(f"{row.where} has {len(row.values)} features, {rows[0].where} has {first}.")
    return np.stack([row.values for row in rows])


def _stack_sparse(rows: list[_Row]) -> SparseRows:
    columns = [range(len(row.values)) if row.columns is None else row.columns for row in rows]
    return SparseRows(
        np.concatenate([row.values for row in rows]),
        np.fromiter((column for each in columns for column in each), np.int64),
        np.concatenate([[0], np.cumsum([len(each) for each in columns])]).astype(np.int64),
    )
