"""Channels as the library's matrices, built in memory that stays small beside the data."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import xgboost
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from preflight_container import content_types
from preflight_container.channels import Channel
from preflight_container.dataset import Dataset
from preflight_container.errors import AlgorithmError, CustomerError, DataError
from preflight_container.formats.csv_rows import InfiniteValue, read_csv
from preflight_container.formats.sparse_rows import SparseRows
from preflight_container.log import Progress
from preflight_container.records import Block, Labelled, Reader, read_blocks, with_labels
from preflight_container.threads import thread_count
from preflight_container.xgboost_builtin.channel_files import (
    data_files,
    delimiter_of,
    is_checked,
    require_libsvm,
    training_type,
)

Array = NDArray[np.float32]

MAX_COLUMNS = 1 << 22  # histograms take about 400 bytes a column

# What is said of data that AWS's container would train on all the same, and nobody wants to.
NOT_REFUSED_BY_AWS = (
    "AWS's container would not refuse this: it reads what is no number as 0 or missing, and trains on that."
)


def read_matrix(
    channel: Channel, values: Mapping[str, Any], scratch: Path, *, reference: xgboost.DMatrix | None = None
) -> xgboost.DMatrix:
    """The channel's records with labels, and with weights where csv_weights is 1.

    Histogram trees get a QuantileDMatrix, built block by block from what is kept in `scratch`.

    Args:
        reference: the train matrix, whose width and bins a validation matrix shares.

    Raises:
        CustomerError: the channel's data is wrong.
        AlgorithmError: AWS's container fails on the data, in its words.
    """
    content_type = training_type(channel)
    if content_type == content_types.PARQUET:
        raise CustomerError(f"{content_type} of channel {channel.name} is not supported by Preflight yet.")
    blocks = _read_blocks(channel, content_type)
    first = next(blocks, None)
    if first is None:
        raise CustomerError(f"No data in {channel.name} channel: its files hold no record.")
    weighted = content_type == content_types.CSV and values.get("csv_weights") == 1
    if isinstance(first.features, SparseRows):
        return _sparse_matrix([first, *blocks], reference)
    with Dataset(scratch) as data:
        for block in _chain(first, blocks):
            _check_width(block, first.feature_dim, reference, weighted)
            for labels, features in block.dense(first.feature_dim):
                data.append(labels, features)
        if _grows_histograms(values):
            bins = {"max_bin": values["max_bin"]} if values.get("max_bin") else {}
            iterator = _Batches(data, weighted)
            return xgboost.QuantileDMatrix(iterator, ref=reference, nthread=thread_count(), **bins)
        return _dense_matrix(data, weighted)


def _read_blocks(channel: Channel, content_type: str) -> Iterator[Block]:
    format_name, read = READERS[content_type]

    def refuse(source: str, error: DataError) -> CustomerError:
        text = f"Failed to load {format_name} data with exception:\nfile {source}, {error}"
        lenient = content_type == content_types.CSV and not isinstance(error, InfiniteValue)
        return CustomerError(f"{text} {NOT_REFUSED_BY_AWS}" if lenient else text)

    return read_blocks(channel.streams(data_files(channel)), read, refuse, channel.name)


def _read_csv(source: str, stream: BinaryIO) -> Iterator[Labelled]:
    if is_checked(source) or _holds_something(stream):
        delimiter = delimiter_of(stream)
        _refuse_quotes(source, stream, delimiter)
        yield from with_labels(read_csv(stream, missing=True, quotes=False, delimiter=delimiter))


def _holds_something(stream: BinaryIO) -> bool:
    found = bool(stream.read(1))
    stream.seek(0)
    return found


def _read_libsvm(source: str, stream: BinaryIO) -> Iterator[Labelled]:
    from preflight_container.formats.libsvm import read_libsvm

    if is_checked(source):
        require_libsvm(source, stream)
    return read_libsvm(stream)


def _read_recordio(source: str, stream: BinaryIO) -> Iterator[Labelled]:
    from preflight_container.formats.recordio_protobuf import ANY_TENSOR, read_recordio

    return read_recordio(stream, tensors=ANY_TENSOR, missing=True)


READERS: Mapping[str, tuple[str, Reader]] = {
    content_types.CSV: ("csv", _read_csv),
    content_types.LIBSVM: ("libsvm", _read_libsvm),
    content_types.RECORDIO_PROTOBUF: ("recordio-protobuf", _read_recordio),
}


def _refuse_quotes(source: str, stream: BinaryIO, delimiter: bytes) -> None:
    """Raises AlgorithmError where all of the first line is quoted: AWS's container reads not one number of it."""
    values = stream.readline().strip().split(delimiter)
    stream.seek(0)
    if all(len(value) > 1 and value[:1] == value[-1:] == b'"' for value in values):
        raise AlgorithmError(
            "XGB train call failed with exception:\n Check failed: mparam_.num_feature != 0 (0 vs. 0) : 0 feature is "
            f"supplied.  Are you using raw Booster interface? (The numbers of {source} are quoted.)"
        )


def to_csr(rows: SparseRows, width: int | None = None) -> csr_matrix:
    """The same rows as scipy's matrix, at least `width` columns wide."""
    shape = (len(rows), max(rows.needed_width, width or 0))
    return csr_matrix((rows.values, rows.columns, rows.starts), shape=shape)


def _grows_histograms(values: Mapping[str, Any]) -> bool:
    return (
        values.get("tree_method", "auto") in ("auto", "hist")
        and values.get("booster", "gbtree") != "gblinear"
        and "updater" not in values
    )


def _check_width(block: Block, expected: int, reference: xgboost.DMatrix | None, weighted: bool) -> None:
    width = block.feature_dim
    if width != expected:
        raise CustomerError(
            f"{block.record_name(0)} has {width + 1} columns, the records before {expected + 1}. {NOT_REFUSED_BY_AWS}"
        )
    if weighted and width < 2:
        raise CustomerError("With csv_weights 1 a row must hold the label, the weight and at least one feature.")
    if reference is not None:
        _require_same_width(width - weighted, reference, block)


def _require_same_width(width: int, train: xgboost.DMatrix, block: Block) -> None:
    """Raises for a validation channel of another width: where it is wider AWS fails, where it is narrower it trains."""
    if width > train.num_col():
        raise AlgorithmError(
            "XGB train call failed with exception:\n Check failed: learner_model_param_.num_feature == "
            f"p_fmat->Info().num_col_ ({width} vs. {train.num_col()}) : Number of columns does not match number of "
            f"features in booster. (The train channel has {train.num_col()} features, {block.record_name(0)} {width}.)"
        )
    if width < train.num_col():
        raise CustomerError(
            f"{block.record_name(0)} has {width} features, the train channel {train.num_col()}. {NOT_REFUSED_BY_AWS}"
        )


def _sparse_matrix(blocks: list[Block], reference: xgboost.DMatrix | None) -> xgboost.DMatrix:
    parts = [block.features for block in blocks if isinstance(block.features, SparseRows)]
    if len(parts) < len(blocks):
        raise CustomerError(f"The channel mixes dense and sparse records: {blocks[-1].source}.")
    rows = SparseRows.stack(parts)
    if rows.needed_width > MAX_COLUMNS:
        raise CustomerError(
            f"The records of {blocks[0].source} have {rows.needed_width} columns; more than {MAX_COLUMNS} are not "
            "supported by Preflight. AWS would take them, and the memory for them."
        )
    if reference is not None and rows.needed_width > reference.num_col():
        _require_same_width(rows.needed_width, reference, blocks[0])
    return xgboost.DMatrix(
        to_csr(rows, reference.num_col() if reference is not None else None),
        label=np.concatenate([block.labels for block in blocks]),
        nthread=thread_count(),
    )


def _dense_matrix(data: Dataset, weighted: bool) -> xgboost.DMatrix:
    blocks = [_split(labels, features, weighted) for labels, features in data.blocks()]
    joined = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    return xgboost.DMatrix(**joined, nthread=thread_count())


def _split(labels: Array, features: Array, weighted: bool) -> dict[str, Array]:
    if weighted:
        return {"data": features[:, 1:], "label": labels, "weight": features[:, 0]}
    return {"data": features, "label": labels}


def _chain(first: Block, rest: Iterator[Block]) -> Iterator[Block]:
    yield first
    yield from rest


class _Batches(xgboost.DataIter):
    """The dataset's blocks for the library, which reads them several times."""

    def __init__(self, data: Dataset, weighted: bool) -> None:
        super().__init__()
        self._data = data
        self._weighted = weighted
        self._blocks = data.blocks()
        self._progress = Progress()
        self._rows = 0

    def reset(self) -> None:
        self._blocks = self._data.blocks()
        self._rows = 0

    def next(self, input_data: Any) -> bool:
        block = next(self._blocks, None)
        if block is None:
            return False
        input_data(**_split(*block, self._weighted))
        self._rows += len(block[0])
        self._progress.report(f"Sorting values into bins: {self._rows} of {self._data.rows} records")
        return True
