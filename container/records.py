"""Labelled records of a channel as blocks of arrays, whatever the format they came in."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from container import content_types
from container.channels import Channel
from container.errors import CustomerError, DataError
from container.formats.csv_rows import read_csv

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Block:
    """Some records: `labels` of shape (n,), `features` of shape (n, feature_dim), `source` the file's path."""

    labels: Array
    features: Array
    source: str
    first_record: int

    def record_name(self, index: int) -> str:
        """Where a record of this block is, for a message."""
        return f"{self.source}, record {self.first_record + index}"


Reader = Callable[[BinaryIO], Iterator[tuple[Array, Array]]]


def read_csv_records(stream: BinaryIO) -> Iterator[tuple[Array, Array]]:
    """(labels, features) of CSV whose first column is the label."""
    for rows in read_csv(stream):
        if rows.shape[1] < 2:
            raise DataError("a row must hold the label and at least one feature.", line=1)
        yield rows[:, 0], rows[:, 1:]


READERS: dict[str, Reader] = {content_types.CSV: read_csv_records}
FORMAT_NAMES = {content_types.CSV: "csv"}


def read_blocks(channel: Channel, content_type: str) -> Iterator[Block]:
    """The channel's records, block after block, in memory bounded by the block.

    Raises:
        CustomerError: a file cannot be read, in AWS's words with the place added.
    """
    read, format_name = READERS[content_type], FORMAT_NAMES[content_type]
    for source, stream in channel.streams():
        first = 1
        try:
            for labels, features in read(stream):
                yield Block(labels, features, source, first)
                first += len(labels)
        except DataError as error:
            raise CustomerError(f"Unable to parse {format_name}: file {source}, {error}") from error
