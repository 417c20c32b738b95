"""Requests as the library's features, with the built-in's words for those it cannot read."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from preflight_container import content_types
from preflight_container.content_types import ContentType
from preflight_container.errors import DataError, UnsupportedMediaType
from preflight_container.formats.csv_rows import find_delimiter, parse_csv, with_commas
from preflight_container.formats.sparse_rows import SparseRows
from preflight_container.xgboost_builtin.matrices import to_csr

Array = NDArray[np.float32]
Features = Any  # an Array or a scipy csr_matrix

ACCEPTED_CONTENT_TYPES = (
    "csv, libsvm, parquet, recordio-protobuf, text/csv, text/libsvm, text/x-libsvm, application/x-parquet, "
    "application/x-recordio-protobuf"
)


def read_body(body: bytes, header: str | None) -> tuple[Features, str]:
    """(features, the format's short name) of a request; without a Content-Type it is libsvm, as on AWS.

    Raises:
        UnsupportedMediaType: the type is unknown or the body is not of it; AWS answers 415 to both.
    """
    declared = ContentType.parse(header or content_types.LIBSVM)
    if declared.name == content_types.PARQUET:
        raise UnsupportedMediaType(f"Content-type {header} is not supported.")
    if declared.name not in READERS:
        raise UnsupportedMediaType(f"{header} is not an accepted ContentType: {ACCEPTED_CONTENT_TYPES}.")
    if declared.name == content_types.CSV and declared.parameters.get("label_size", "1") != "1":
        raise UnsupportedMediaType(declared.bad_label_size())
    name, read = READERS[declared.name]
    try:
        return read(body), name
    except DataError as error:
        raise UnsupportedMediaType(
            f"Loading {name} data failed with Exception, please ensure data is in {name} format:\n"
            f" {ValueError}\n {error}"
        ) from error


def _read_csv(body: bytes) -> Features:
    text = body.strip()
    return parse_csv(with_commas(text, find_delimiter(text)), missing=True)


def _read_libsvm(body: bytes) -> Features:
    from preflight_container.formats.libsvm import parse_libsvm

    _, rows = parse_libsvm(body, label_required=False)
    return to_csr(rows)


def _read_recordio(body: bytes) -> Features:
    from preflight_container.formats.recordio_protobuf import ANY_TENSOR, parse_recordio

    features = parse_recordio(body, tensors=ANY_TENSOR)
    return to_csr(features) if isinstance(features, SparseRows) else features


READERS: dict[str, tuple[str, Callable[[bytes], Features]]] = {
    content_types.CSV: ("csv", _read_csv),
    content_types.LIBSVM: ("libsvm", _read_libsvm),
    content_types.RECORDIO_PROTOBUF: ("recordio-protobuf", _read_recordio),
}


def widened(features: Features, width: int) -> Features:
    """Sparse features with at least `width` columns: they name only the values they have."""
    if isinstance(features, csr_matrix) and features.shape[1] < width:
        features.resize(features.shape[0], width)
    return features
