"""Rows that name only the values they have (compressed sparse rows), without scipy."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preflight_container.errors import DataError

BLOCK_VALUES = 8 << 20  # 32 MB of dense float32


@dataclass(frozen=True)
class SparseRows:
    """`values[starts[i]:starts[i + 1]]` are row i's values, `columns` their columns counted from 0.

    `width` is the number of columns the data declares; None when it does not say.
    """

    values: NDArray[np.float32]
    columns: NDArray[np.int64]
    starts: NDArray[np.int64]
    width: int | None = None

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def needed_width(self) -> int:
        """The columns that hold every value, or the declared number if that is more."""
        used = int(self.columns.max()) + 1 if len(self.columns) else 0
        return max(used, self.width or 0)

    def dense(self, width: int) -> NDArray[np.float32]:
        """Shape (rows, width), 0 where a row says nothing. Raises DataError if a column lies outside."""
        if self.needed_width > width:
            raise DataError(f"the records have {self.needed_width} features, {width} are expected.")
        rows = np.zeros((len(self), width), np.float32)
        rows[np.repeat(np.arange(len(self)), np.diff(self.starts)), self.columns] = self.values
        return rows

    def dense_blocks(self, width: int) -> Iterator[NDArray[np.float32]]:
        """All rows as `dense` gives them, some at a time: few wide rows or many narrow ones need bounded memory."""
        step = max(1, BLOCK_VALUES // width)
        for start in range(0, len(self), step):
            starts = self.starts[start : start + step + 1]
            within = slice(starts[0], starts[-1])
            yield SparseRows(self.values[within], self.columns[within], starts - starts[0], self.width).dense(width)

    @classmethod
    def stack(cls, parts: Sequence["SparseRows"]) -> "SparseRows":
        """All rows in order."""
        lengths = np.concatenate([np.diff(part.starts) for part in parts])
        widths = [part.width for part in parts if part.width is not None]
        return cls(
            np.concatenate([part.values for part in parts]),
            np.concatenate([part.columns for part in parts]),
            np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            max(widths) if widths else None,
        )
