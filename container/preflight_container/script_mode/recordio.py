"""Bodies of type application/x-recordio-protobuf to rows, with nothing that a framework's image does not have.

https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-training.html; the messages' fields are in ``formats/record.proto``,
how they are written at https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

_MAGIC = b"\x0a\x23\xd7\xce"
_LENGTH = (1 << 29) - 1
_WHOLE, _LAST = 0, 3
_FEATURES, _KEY, _VALUE = 1, 1, 2
_TENSORS = {2: "<f4", 3: "<f8", 7: ""}  # a Value's fields; the last holds varints
_MAX_COLUMNS = 1 << 31
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class _Tensor(NamedTuple):
    values: Any
    keys: list[int]
    shape: list[int]


def recordio_to_dmatrix(body: bytes) -> Any:
    """As ``rows``, for XGBoost."""
    import xgboost

    return xgboost.DMatrix(rows(body))


def rows(body: bytes) -> Any:
    """An array, or a sparse matrix if the records are sparse. Raises ValueError for anything else."""
    tensors = [_features(record) for record in _records(body)]
    if not tensors:
        raise ValueError("There are no records.")
    if any(tensor.keys for tensor in tensors):
        return _sparse(tensors)
    if len({len(tensor.values) for tensor in tensors}) > 1:
        raise ValueError("The records have different numbers of features.")
    return np.array([tensor.values for tensor in tensors])


def _sparse(tensors: list[_Tensor]) -> Any:
    from scipy.sparse import csr_matrix

    if any(len(tensor.keys) != len(tensor.values) for tensor in tensors):
        raise ValueError("A record has not a key for each value.")
    columns = [key for tensor in tensors for key in tensor.keys]
    width = max([max(columns) + 1, *(tensor.shape[0] for tensor in tensors if tensor.shape)])
    if width > _MAX_COLUMNS:
        raise ValueError(f"A record has a key or a shape above {_MAX_COLUMNS}.")
    starts = np.cumsum([0, *(len(tensor.values) for tensor in tensors)])
    return csr_matrix((np.concatenate([tensor.values for tensor in tensors]), columns, starts), (len(tensors), width))


def _records(body: bytes) -> Iterator[bytes]:
    """The bytes of each: one that holds the magic number comes in parts."""
    place, parts = 0, []  # type: int, list[bytes]
    while place < len(body):
        if body[place : place + 4] != _MAGIC or place + 8 > len(body):
            raise ValueError("The body is not RecordIO.")
        (word,) = struct.unpack_from("<I", body, place + 4)
        kind, length = word >> 29, word & _LENGTH
        parts.append(body[place + 8 : place + 8 + length])
        if len(parts[-1]) < length:
            raise ValueError("The body ends in the middle of a record.")
        place += 8 + length + -length % 4
        if kind in (_WHOLE, _LAST):
            yield _MAGIC.join(parts)
            parts = []
    if parts:
        raise ValueError("The body ends in the middle of a record.")


def _features(record: bytes) -> _Tensor:
    """The feature called values."""
    for number, entry in _fields(record):
        if number == _FEATURES and isinstance(entry, bytes):
            pair = dict(_fields(entry))
            if pair.get(_KEY) == b"values" and isinstance(pair.get(_VALUE), bytes):
                return _tensor(pair[_VALUE])
    raise ValueError('A record has no feature called "values".')


def _tensor(value: Any) -> _Tensor:
    for number, content in _fields(value):
        if number in _TENSORS and isinstance(content, bytes):
            parts = {1: b"", 2: b"", 3: b""}
            for field, part in _fields(content):
                if field in parts:  # all at once, or one after the other
                    parts[field] += _varint_bytes(part) if isinstance(part, int) else part
            kind = _TENSORS[number]
            values = np.frombuffer(parts[1], kind) if kind else np.array(_varints(parts[1]), np.uint64).astype(np.int32)
            return _Tensor(values, _varints(parts[2]), _varints(parts[3]))
    raise ValueError("A record's values are no tensor of float32, float64 or int32.")


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Each field's number, and an int or bytes."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        kind = tag & 7
        if kind == _VARINT:
            number, place = _varint(message, place)
            yield tag >> 3, number
            continue
        if kind == _BYTES:
            length, place = _varint(message, place)
        elif kind in (_FIXED32, _FIXED64):
            length = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError("A record is not a protobuf Record.")
        if place + length > len(message):
            raise ValueError("A record is not a protobuf Record.")
        yield tag >> 3, message[place : place + length]
        place += length


def _varints(packed: bytes) -> list[int]:
    numbers, place = [], 0
    while place < len(packed):
        number, place = _varint(packed, place)
        numbers.append(number)
    return numbers


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """The number that begins at ``place``, and the place after it."""
    number = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            break
        byte, place = data[place], place + 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & 0xFFFFFFFFFFFFFFFF, place
    raise ValueError("A record is not a protobuf Record.")


def _varint_bytes(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])
