"""Bodies of requests and answers to arrays and back, as AWS's containers read and write them.

Arrays of objects, which only pickle can read, are refused: newer images of AWS's do, too.
"""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import numpy as np

JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"
TEXT = (JSON, CSV)


class UnsupportedFormat(Exception):
    """A content type that nothing here reads or writes."""

    def __init__(self, content_type: str) -> None:
        super().__init__(f"Content type {content_type} is not supported by this framework.")


def decode(body: Any, content_type: str) -> Any:
    """An array. Raises UnsupportedFormat, and whatever is wrong with the body."""
    if content_type == JSON:
        return np.array(json.loads(body))
    if content_type == CSV:
        rows = list(csv.reader(io.StringIO(body), delimiter=",", quotechar='"', doublequote=True, strict=True))
        return np.array(rows).squeeze()  # so one row has one dimension
    if content_type == NPY:
        return np.load(io.BytesIO(body), allow_pickle=False)
    raise UnsupportedFormat(content_type)


def encode(prediction: Any, accept: str) -> Any:
    """A body of type ``accept``. Raises UnsupportedFormat."""
    if accept == JSON:
        return json.dumps(prediction, default=_plain)
    if accept == CSV:
        text = io.StringIO()
        np.savetxt(text, prediction, delimiter=",", fmt="%s")
        return text.getvalue()
    if accept == NPY:
        stream = io.BytesIO()
        np.save(stream, prediction)
        return stream.getvalue()
    raise UnsupportedFormat(accept)


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{value!r} cannot be written as JSON")
