"""Channels as the library's matrices, built in memory that stays small beside the data."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from preflight_container import content_types
from preflight_container.channels import Channel
from preflight_container.content_types import ContentType
from preflight_container.dataset import Dataset
from preflight_container.errors import CustomerError
from preflight_container.formats.sparse_rows import SparseRows
from preflight_container.log import Progress
from preflight_container.records import Block, read_blocks
from preflight_container.threads import thread_count

Array = NDArray[np.float32]

TRAINING_TYPES = (content_types.LIBSVM, content_types.CSV, content_types.RECORDIO_PROTOBUF)


def read_matrix(
    channel: Channel, values: Mapping[str, Any], scratch: Path, *, reference: xgboost.DMatrix | None = None
) -> xgboost.DMatrix:
    """The channel's records with labels, and with weights where csv_weights is 1.

    Histogram trees get a QuantileDMatrix, built block by block from what is kept in `scratch`.

    Args:
        reference: the train matrix, whose width and bins a validation matrix shares.

    Raises:
        CustomerError: the channel's type or data is wrong.
    """
    content_type = channel.content_type or ContentType(content_types.LIBSVM)
    if content_type.name not in TRAINING_TYPES:
        raise CustomerError(
            f"Content type {content_type.name} of channel {channel.name} is not supported by Preflight; "
            f"it reads {', '.join(TRAINING_TYPES)}."
        )
    if content_type.name == content_types.LIBSVM and channel.input_mode == "Pipe":
        raise CustomerError(f"Channel configuration for '{channel.name}' channel is not supported: libsvm in Pipe mode")
    blocks = read_blocks(channel, content_type, loose_csv=True)
    first = next(blocks, None)
    if first is None:
        raise CustomerError(f"No data in {channel.name} channel: its files hold no record.")
    weighted = content_type.name == content_types.CSV and values.get("csv_weights") == 1
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
        raise CustomerError(f"{block.record_name(0)} has {width + 1} columns, the records before {expected + 1}.")
    if weighted and width < 2:
        raise CustomerError("With csv_weights 1 a row must hold the label, the weight and at least one feature.")
    if reference is not None and width - weighted != reference.num_col():
        raise CustomerError(
            f"{block.record_name(0)} has {width - weighted} features, the train channel {reference.num_col()}."
        )


def _sparse_matrix(blocks: list[Block], reference: xgboost.DMatrix | None) -> xgboost.DMatrix:
    parts = [block.features for block in blocks if isinstance(block.features, SparseRows)]
    if len(parts) < len(blocks):
        raise CustomerError(f"The channel mixes dense and sparse records: {blocks[-1].source}.")
    return xgboost.DMatrix(
        to_csr(SparseRows.stack(parts), reference.num_col() if reference is not None else None),
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
