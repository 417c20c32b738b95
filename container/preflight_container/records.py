"""Labelled records of a channel as blocks of arrays, whatever the format they came in."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from preflight_container import content_types
from preflight_container.channels import Channel
from preflight_container.content_types import ContentType
from preflight_container.errors import CustomerError, DataError
from preflight_container.formats.csv_rows import read_csv
from preflight_container.formats.sparse_rows import SparseRows
from preflight_container.log import Progress

Array = NDArray[np.float32]
Labelled = tuple[Array, Array | SparseRows]


@dataclass(frozen=True)
class Block:
    """Some records: `labels` of shape (n,), NaN where a record has none; `features` of n rows."""

    labels: Array
    features: Array | SparseRows
    source: str
    first_record: int

    @property
    def feature_dim(self) -> int:
        """How many features the records have (sparse ones: at least)."""
        if isinstance(self.features, SparseRows):
            return self.features.needed_width
        return int(self.features.shape[1])

    def dense(self, feature_dim: int) -> Iterator[tuple[Array, Array]]:
        """(labels, features of shape (n, feature_dim)), some rows at a time where they are sparse.

        Raises:
            CustomerError: the features do not fit.
        """
        if not isinstance(self.features, SparseRows):
            yield self.labels, self.features
            return
        done = 0
        try:
            for rows in self.features.dense_blocks(feature_dim):
                yield self.labels[done : done + len(rows)], rows
                done += len(rows)
        except DataError as error:
            raise CustomerError(f"{self.source}: {error}") from error

    def record_name(self, index: int) -> str:
        """Where a record of this block is, for a message."""
        return f"file {self.source}, record {self.first_record + index}"


def read_blocks(channel: Channel, content_type: ContentType, *, loose_csv: bool = False) -> Iterator[Block]:
    """The channel's records, block after block, in memory bounded by the block.

    Args:
        loose_csv: empty values of a CSV file are NaN, and another delimiter than the comma is found out; without
            it both are an error.

    Raises:
        CustomerError: a file cannot be read, in AWS's words with the place added.
    """
    read, format_name = _reader(content_type, loose_csv)
    progress, records = Progress(), 0
    for source, stream in channel.streams():
        first = 1
        try:
            for labels, features in read(stream):
                block = Block(labels, features, source, first)
                _require_labels(block)
                yield block
                first += len(labels)
                records += len(labels)
                progress.report(f"Reading channel {channel.name}: {records} records so far.")
        except DataError as error:
            raise CustomerError(f"Unable to parse {format_name}: file {source}, {error}") from error


def _reader(content_type: ContentType, loose_csv: bool) -> tuple[Callable[[BinaryIO], Iterator[Labelled]], str]:
    match content_type.name:
        case content_types.CSV:
            if content_type.parameters.get("label_size", "1") != "1":
                raise CustomerError(content_type.bad_label_size())
            return lambda stream: _read_csv(stream, loose_csv), "csv"
        case content_types.LIBSVM:
            from preflight_container.formats.libsvm import read_libsvm

            return read_libsvm, "libsvm"
        case content_types.RECORDIO_PROTOBUF:
            from preflight_container.formats.recordio_protobuf import read_recordio

            return read_recordio, "recordio-protobuf"
        case _:
            raise ValueError(content_type.name)


def _read_csv(stream: BinaryIO, loose: bool) -> Iterator[Labelled]:
    for rows in read_csv(stream, missing=loose, delimiter=None if loose else b","):
        if rows.shape[1] < 2:
            raise DataError("a row must hold the label and at least one feature.", line=1)
        yield rows[:, 0], rows[:, 1:]


def _require_labels(block: Block) -> None:
    absent = np.flatnonzero(np.isnan(block.labels))
    if absent.size:
        raise CustomerError(f"The label is missing: {block.record_name(int(absent[0]))}.")
