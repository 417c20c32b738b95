"""Requests as the library's features, read as the built-in's container reads them, with its words for what it cannot.

https://github.com/aws/sagemaker-xgboost-container: algorithm_mode/serve_utils.py and encoder.py
"""

import csv
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from preflight_container import content_types
from preflight_container.content_types import ContentType
from preflight_container.errors import DataError, UnsupportedMediaType
from preflight_container.formats.csv_rows import find_delimiter, parse_quickly
from preflight_container.formats.sparse_rows import SparseRows
from preflight_container.xgboost_builtin.channel_files import TRAINING_TYPES
from preflight_container.xgboost_builtin.matrices import to_csr

Array = NDArray[np.float32]
Features = Any  # an Array or a scipy csr_matrix

SNIFFED_CHARACTERS = 512
INFINITE = "Input data contains `inf` or a value too large, while `missing` is not set to `inf`"


def read_body(body: bytes, header: str | None) -> Features:
    """The features of a request; without a Content-Type it is libsvm, as on AWS.

    Raises:
        UnsupportedMediaType: the type is unknown or the body is not of it; AWS answers 415 to both.
    """
    declared = ContentType.parse(content_types.LIBSVM if header is None else header)
    known = TRAINING_TYPES.get(declared.name)
    if known is None:
        raise UnsupportedMediaType(f"{header} is not an accepted ContentType: {', '.join(TRAINING_TYPES)}.")
    if known == content_types.CSV and declared.parameters.get("label_size", "1") != "1":
        raise UnsupportedMediaType(
            f"{header} is not an accepted csv ContentType. Optional parameter label_size must be equal to 1"
        )
    if known not in READERS:
        raise UnsupportedMediaType(f"Content-type {header} is not supported.")
    read, words = READERS[known]
    try:
        features = read(body)
    except (DataError, ValueError, OverflowError, csv.Error) as error:
        kind = ValueError if isinstance(error, DataError) else type(error)
        raise UnsupportedMediaType(words.format(kind, error)) from error
    values = features.data if isinstance(features, csr_matrix) else features
    if np.isinf(values).any():
        raise UnsupportedMediaType(words.format("<class 'xgboost.core.XGBoostError'>", INFINITE))
    return features


def _read_csv(body: bytes) -> Array:
    """Values between delimiters, empty ones missing: no quotes, no blank lines, no byte order mark."""
    text = body.strip()
    decoded = text.decode()
    delimiter = find_delimiter(decoded.partition("\n")[0][:SNIFFED_CHARACTERS])
    if delimiter.isalnum():
        delimiter = ","
    rows = parse_quickly(text, missing=True, delimiter=delimiter.encode())
    if rows is None:
        cells = [[value or "nan" for value in line.split(delimiter)] for line in decoded.split("\n")]
        rows = _as_float32(np.array(cells).astype(float))
    return rows


def _read_libsvm(body: bytes) -> csr_matrix:
    """`column:value` pairs, whatever else the lines hold; columns of a body without column 0 count from 1."""
    rows, columns, values = [], [], []
    for row, line in enumerate(body.strip().decode().split("\n")):
        for pair in line.split(" "):
            if ":" in pair:
                column, value = pair.split(":")[:2]
                rows.append(row)
                columns.append(int(column))
                values.append(float(value))
    indexes = np.array(columns, np.int64)
    if len(indexes) and indexes.min() >= 1:
        indexes -= 1
    return csr_matrix((_as_float32(np.array(values)), (np.array(rows, np.int64), indexes)))


def _read_recordio(body: bytes) -> Features:
    from preflight_container.formats.recordio_protobuf import ANY_TENSOR, parse_recordio

    features = parse_recordio(body, tensors=ANY_TENSOR, missing=True)
    if not len(features):
        raise DataError("No records found in RecordIO-Protobuf data")
    return to_csr(features) if isinstance(features, SparseRows) else features


READERS: dict[str, tuple[Callable[[bytes], Features], str]] = {
    content_types.CSV: (
        _read_csv,
        "Loading csv data failed with Exception, please ensure data is in csv format:\n {}\n {}",
    ),
    content_types.LIBSVM: (
        _read_libsvm,
        "Loading libsvm data failed with Exception, please ensure data is in libsvm format:\n {}\n {}",
    ),
    content_types.RECORDIO_PROTOBUF: (
        _read_recordio,
        "Loading recordio-protobuf data failed with Exception, please ensure data is in recordio-protobuf format: "
        "{} {}",
    ),
}


def _as_float32(values: NDArray[np.float64]) -> Array:
    with np.errstate(over="ignore"):  # what overflows is infinite, and refused
        return values.astype(np.float32)
