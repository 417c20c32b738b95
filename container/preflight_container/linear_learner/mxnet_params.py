"""MXNet's .params file: named float32 arrays, little endian. Only what Linear Learner's artifact needs of it."""

import struct

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

_LIST_MAGIC = 0x112
_ARRAY_MAGIC = 0xF993FAC9
_DENSE, _CPU, _CPU_ID, _FLOAT32 = 0, 1, 0, 0


def dump_params(arrays: dict[str, Array]) -> bytes:
    """The file's bytes."""
    parts = [struct.pack("<QQQ", _LIST_MAGIC, 0, len(arrays))]
    for array in arrays.values():
        parts.append(struct.pack("<IiI", _ARRAY_MAGIC, _DENSE, array.ndim))
        parts.append(struct.pack(f"<{array.ndim}q", *array.shape))
        parts.append(struct.pack("<iii", _CPU, _CPU_ID, _FLOAT32))
        parts.append(np.ascontiguousarray(array, "<f4").tobytes())
    parts.append(struct.pack("<Q", len(arrays)))
    for name in arrays:
        encoded = name.encode()
        parts.append(struct.pack("<Q", len(encoded)) + encoded)
    return b"".join(parts)


def load_params(data: bytes) -> dict[str, Array]:
    """The arrays by name. Raises ValueError when the bytes are not such a file."""
    reader = _Reader(data)
    magic, _, count = reader.take("<QQQ")
    if magic != _LIST_MAGIC or count > len(data):
        raise ValueError("not an MXNet parameter file")
    arrays = [_load_array(reader) for _ in range(count)]
    (names,) = reader.take("<Q")
    if names != count:
        raise ValueError("as many names as arrays are needed")
    return {reader.text(): array for array in arrays}


def _load_array(reader: "_Reader") -> Array:
    magic, storage, dimensions = reader.take("<IiI")
    if magic != _ARRAY_MAGIC or storage != _DENSE or dimensions > 4:
        raise ValueError("only dense arrays of the MXNet 1.x format can be read")
    shape = reader.take(f"<{dimensions}q")
    _, _, dtype = reader.take("<iii")
    if dtype != _FLOAT32 or min(shape, default=1) < 0:
        raise ValueError("only float32 arrays can be read")
    size = 1
    for length in shape:
        size *= length
    return np.frombuffer(reader.bytes(4 * size), "<f4").reshape(shape).astype(np.float32)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def bytes(self, size: int) -> bytes:
        end = self._position + size
        if end > len(self._data):
            raise ValueError("the file ends too early")
        piece = self._data[self._position : end]
        self._position = end
        return piece

    def take(self, form: str) -> tuple[int, ...]:
        return struct.unpack(form, self.bytes(struct.calcsize(form)))

    def text(self) -> str:
        (length,) = self.take("<Q")
        return self.bytes(length).decode()
