"""Labelled records of a channel as blocks of arrays, whatever the format they came in."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from preflight_container.errors import CustomerError, DataError
from preflight_container.formats.sparse_rows import SparseRows
from preflight_container.log import Progress

Array = NDArray[np.float32]
Labelled = tuple[Array, Array | SparseRows]
Reader = Callable[[str, BinaryIO], Iterator[Labelled]]  # of (path as a message shows it, open file)


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


def read_blocks(
    streams: Iterable[tuple[str, BinaryIO]],
    read: Reader,
    refuse: Callable[[str, DataError], CustomerError],
    progress: str,
) -> Iterator[Block]:
    """A channel's records, block after block, in memory bounded by the block.

    Args:
        streams: as Channel.streams gives them.
        read: the reader of the content type.
        refuse: what is raised for a file that cannot be read.
        progress: the channel's name, for the log.
    """
    log, records = Progress(), 0
    for source, stream in streams:
        first = 1
        try:
            for labels, features in read(source, stream):
                block = Block(labels, features, source, first)
                _require_labels(block)
                yield block
                first += len(labels)
                records += len(labels)
                log.report(f"Reading channel {progress}: {records} records so far.")
        except DataError as error:
            raise refuse(source, error) from error


def with_labels(blocks: Iterator[Array]) -> Iterator[Labelled]:
    """Rows whose first column is the label."""
    for rows in blocks:
        if rows.shape[1] < 2:
            raise DataError("a row must hold the label and at least one feature.", line=1)
        yield rows[:, 0], rows[:, 1:]


def _require_labels(block: Block) -> None:
    absent = np.flatnonzero(np.isnan(block.labels))
    if absent.size:
        raise CustomerError(f"The label is missing: {block.record_name(int(absent[0]))}.")
