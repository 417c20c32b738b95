"""application/x-recordio-protobuf: protobuf Records in RecordIO frames.

A frame is the magic number, a word whose upper 3 bits say whether the record is whole and whose lower 29 bits are
its length, the bytes, and padding to a multiple of 4. A record that holds the magic number itself is cut there into
a first, middle and last part. https://mxnet.apache.org/versions/1.9/architecture/note_data_loading
"""

import io
import struct
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from preflight_container.errors import DataError
from preflight_container.formats.record_pb2 import Record
from preflight_container.formats.sparse_rows import SparseRows

Array = NDArray[np.float32]
Features = Array | SparseRows

MAGIC = 0xCED7230A
BLOCK_RECORDS = 4096
FLOAT32_ONLY = ("float32_tensor",)
ANY_TENSOR = ("float32_tensor", "float64_tensor", "int32_tensor")
MAX_WIDTH = 1 << 31

_MAGIC_BYTES = struct.pack("<I", MAGIC)
_LENGTH_MASK = (1 << 29) - 1
_WHOLE, _FIRST, _MIDDLE, _LAST = range(4)


def read_recordio(
    stream: BinaryIO, *, tensors: Collection[str] = FLOAT32_ONLY, missing: bool = False
) -> Iterator[tuple[Array, Features]]:
    """Blocks of (labels, features) from a stream of any length; a missing label is NaN.

    Args:
        tensors: the fields of Value that may hold numbers.
        missing: a feature may be NaN.

    Raises:
        DataError: the frames are broken or a record does not hold what it must.
    """
    batch: list[Any] = []
    first = 1
    for number, frame in enumerate(read_frames(stream.read), start=1):
        batch.append(_decode(frame, number))
        if len(batch) == BLOCK_RECORDS:
            yield _block(batch, first, tensors, missing)
            batch, first = [], number + 1
    if batch:
        yield _block(batch, first, tensors, missing)


def parse_recordio(data: bytes, *, tensors: Collection[str] = FLOAT32_ONLY, missing: bool = False) -> Features:
    """The features of all records at once; labels are passed over. Raises DataError."""
    blocks = [features for _, features in read_recordio(io.BytesIO(data), tensors=tensors, missing=missing)]
    sparse = [block for block in blocks if isinstance(block, SparseRows)]
    dense = [block for block in blocks if not isinstance(block, SparseRows)]
    if sparse and not dense:
        return SparseRows.stack(sparse)
    if sparse or len({block.shape[1] for block in dense}) > 1:
        raise DataError("the records have different numbers of features.")
    return np.concatenate(dense) if dense else np.empty((0, 0), np.float32)


def write_recordio(labels: Iterable[Mapping[str, Array]]) -> bytes:
    """A Record for each mapping, with its arrays as float32 label values: the form of an answer."""
    frames = []
    for values in labels:
        record = Record()
        for name, array in values.items():
            record.label[name].float32_tensor.values.extend(array.tolist())
        frames.append(frame_record(record.SerializeToString()))
    return b"".join(frames)


def frame_record(data: bytes) -> bytes:
    """The bytes in one RecordIO frame, or in several where they hold the magic number on a 4-byte boundary."""
    parts = _split_at_magic(data)
    flags = [_WHOLE] if len(parts) == 1 else [_FIRST, *[_MIDDLE] * (len(parts) - 2), _LAST]
    return b"".join(
        struct.pack("<II", MAGIC, flag << 29 | len(part)) + part + b"\0" * (-len(part) % 4)
        for flag, part in zip(flags, parts, strict=True)
    )


def read_frames(read: Callable[[int], bytes]) -> Iterator[bytes]:
    """Each record's bytes. Raises DataError when the framing is broken."""
    parts: list[bytes] = []
    while header := read(8):
        if len(header) < 8:
            raise DataError("the RecordIO data ends in the middle of a record.")
        magic, word = struct.unpack("<II", header)
        if magic != MAGIC:
            raise DataError("the data is not RecordIO: a record does not start with its magic number.")
        flag, length = word >> 29, word & _LENGTH_MASK
        data = read(length + -length % 4)
        if len(data) < length or flag > _LAST:
            raise DataError("the RecordIO data ends in the middle of a record.")
        if (flag in (_WHOLE, _FIRST)) != (not parts):
            raise DataError("the RecordIO data has a part of a record without its others.")
        parts.append(data[:length])
        if flag in (_WHOLE, _LAST):
            yield _MAGIC_BYTES.join(parts)
            parts = []
    if parts:
        raise DataError("the RecordIO data ends in the middle of a record.")


def _split_at_magic(data: bytes) -> list[bytes]:
    parts, start, found = [], 0, data.find(_MAGIC_BYTES)
    while found >= 0:
        if found % 4 == 0:
            parts.append(data[start:found])
            start = found + 4
            found = data.find(_MAGIC_BYTES, start)
        else:
            found = data.find(_MAGIC_BYTES, found + 1)
    return [*parts, data[start:]]


def _decode(frame: bytes, number: int) -> Any:
    try:
        return Record.FromString(frame)
    except DecodeError as error:
        raise DataError(f"record {number} is not a protobuf Record.") from error


def _block(records: list[Any], first: int, tensors: Collection[str], missing: bool) -> tuple[Array, Features]:
    labels = np.full(len(records), np.nan, np.float32)
    found = []
    for index, record in enumerate(records):
        if "values" not in record.features:
            raise DataError(f'record {first + index} has no feature named "values".')
        found.append(_tensor(record.features["values"], first + index, tensors))
        if "values" in record.label:
            values = _tensor(record.label["values"], first + index, ANY_TENSOR).values
            if len(values) != 1:
                raise DataError(f"record {first + index} has {len(values)} labels, one is needed.")
            labels[index] = values[0]
    if any(tensor.keys for tensor in found):
        return labels, _sparse(found, first, missing)
    return labels, _dense(found, first, missing)


def _tensor(value: Any, number: int, tensors: Collection[str]) -> Any:
    kind = value.WhichOneof("value")
    if kind not in tensors:
        raise DataError(f"record {number} holds {kind or 'nothing'}; {' or '.join(tensors)} is needed.")
    return getattr(value, kind)


def _dense(found: list[Any], first: int, missing: bool) -> Array:
    lengths = [len(tensor.values) for tensor in found]
    if min(lengths) != max(lengths):
        index = next(i for i, length in enumerate(lengths) if length != lengths[0])
        raise DataError(f"record {first + index} has {lengths[index]} features, record {first} has {lengths[0]}.")
    return _finite(np.array([tensor.values for tensor in found], np.float64).reshape(len(found), -1), first, missing)


def _sparse(found: list[Any], first: int, missing: bool) -> SparseRows:
    for number, tensor in enumerate(found, start=first):
        if len(tensor.keys) != len(tensor.values):
            raise DataError(f"record {number} has {len(tensor.keys)} keys for {len(tensor.values)} values.")
        width = min([*tensor.shape, MAX_WIDTH])
        if any(key >= width for key in tensor.keys):
            raise DataError(f"record {number} has a key outside its shape [{width}].")
    widths = {int(tensor.shape[0]) for tensor in found if tensor.shape}
    lengths = [len(tensor.values) for tensor in found]
    values = np.fromiter((value for tensor in found for value in tensor.values), np.float64)
    return SparseRows(
        _finite(values, first, missing),
        np.fromiter((key for tensor in found for key in tensor.keys), np.int64),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        max(widths) if widths else None,
    )


def _finite(values: NDArray[np.float64], first: int, missing: bool) -> Array:
    with np.errstate(over="ignore"):
        numbers = values.astype(np.float32)
    wrong = np.isinf(numbers) if missing else ~np.isfinite(numbers)
    if wrong.any():
        place = f"record {first + int(np.argwhere(wrong)[0][0])}" if numbers.ndim == 2 else "a record"
        raise DataError(f"{place} holds a value that is not a finite 32-bit number.")
    return numbers
