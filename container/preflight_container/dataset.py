"""Rows kept for many passes: in memory while they are few, in a temporary file when they are many."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

MEMORY_BYTES = 256 << 20
BLOCK_BYTES = 32 << 20
STRIPS_PER_BLOCK = 32


class Dataset:
    """Labelled rows of one width. Use as a context manager: the temporary file goes with it."""

    def __init__(self, scratch: Path) -> None:
        scratch.mkdir(parents=True, exist_ok=True)
        self._file = SpooledTemporaryFile(max_size=MEMORY_BYTES, dir=str(scratch))  # noqa: SIM115
        self.rows = 0
        self.feature_dim = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def append(self, labels: Array, features: Array) -> None:
        """Adds rows: labels of shape (n,), features of shape (n, feature_dim)."""
        self.feature_dim = features.shape[1]
        self._file.write(np.column_stack([labels, features]).astype(np.float32, copy=False).tobytes())
        self.rows += len(labels)

    def blocks(self, shuffle: np.random.Generator | None = None) -> Iterator[tuple[Array, Array]]:
        """One pass as (labels, features), in order or shuffled.

        A shuffled block is put together from strips all over the data, so that also data sorted by label mixes.
        """
        width = 1 + self.feature_dim
        block_rows = max(STRIPS_PER_BLOCK, BLOCK_BYTES // (4 * width))
        strip_rows = block_rows // STRIPS_PER_BLOCK if shuffle else block_rows
        starts = np.arange(0, self.rows, strip_rows)
        per_block = STRIPS_PER_BLOCK if shuffle else 1
        if shuffle:
            shuffle.shuffle(starts)
        for first in range(0, len(starts), per_block):
            strips = [self._read(start, strip_rows, width) for start in starts[first : first + per_block]]
            block = strips[0] if len(strips) == 1 else np.concatenate(strips)
            if shuffle:
                block = block[shuffle.permutation(len(block))]
            yield block[:, 0], block[:, 1:]

    def _read(self, start: int, rows: int, width: int) -> Array:
        self._file.seek(int(start) * width * 4)
        data = self._file.read(rows * width * 4)
        return np.frombuffer(data, np.float32).reshape(-1, width)
