"""Bodies of requests to a DMatrix, as AWS's XGBoost container reads them when a script serves."""

from __future__ import annotations

import csv
from typing import Any

import numpy as np

SNIFFED_CHARACTERS = 512


def csv_to_dmatrix(body: Any, dtype: Any = None) -> Any:
    """A newline at the end is a row too many, as on AWS. Nothing between two delimiters is a missing value."""
    import xgboost

    text = body.decode() if isinstance(body, (bytes, bytearray)) else body
    lines = text.split("\n")
    found = csv.Sniffer().sniff(lines[0][:SNIFFED_CHARACTERS]).delimiter
    delimiter = "," if found.isalnum() else found
    rows = [[cell if cell else "nan" for cell in line.split(delimiter)] for line in lines]
    return xgboost.DMatrix(np.array(rows).astype(dtype))


def libsvm_to_dmatrix(body: Any) -> Any:
    """Indices that begin at 1 are counted from 0; what a row leaves out is 0."""
    import xgboost

    text = body.decode() if isinstance(body, (bytes, bytearray)) else body
    pairs = [[token.split(":", 1) for token in line.split() if ":" in token] for line in text.strip().split("\n")]
    rows = [{int(index): float(value) for index, value in row} for row in pairs]
    indices = [index for row in rows for index in row]
    if not indices:
        return xgboost.DMatrix(np.empty((0, 0)))
    first = 1 if min(indices) >= 1 else 0
    data = np.zeros((len(rows), max(indices) - first + 1))
    for place, row in enumerate(rows):
        for index, value in row.items():
            data[place, index - first] = value
    return xgboost.DMatrix(data)
