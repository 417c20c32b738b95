"""How the bytes of an object part into records: SplitType.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformInput.html
"""

import struct
from abc import ABC, abstractmethod
from typing import Protocol

from preflight.sagemaker.api.errors import guessed

MXNET_MAGIC = 0xCED7230A
MXNET_LENGTH_BITS = 29
MXNET_WHOLE, MXNET_LAST = 0, 3  # what a part of a record says it is: all of it, its last part


class SplitError(Exception):
    """An object does not hold what its SplitType says; the text is for the job's log."""


class Splitter(Protocol):
    """Where records end in ``buffer``, which begins with one."""

    def first_end(self, buffer: bytearray, start: int, is_all: bool) -> int | None:
        """Where the record at ``start`` ends; None if that lies beyond the buffer, which ``is_all`` there is or not.

        Raises:
            SplitError: the bytes are no record.
        """

    def last_end(self, buffer: bytearray, limit: int, is_all: bool) -> int | None:
        """Where the last of the records ends that end within ``limit``; None if the first does not."""

    def payload(self, record: bytes) -> bytes:
        """What is sent of a record that is sent alone."""


class Lines:
    """Records end with a newline, the last one need not."""

    def first_end(self, buffer: bytearray, start: int, is_all: bool) -> int | None:
        return buffer.find(b"\n", start) + 1 or (len(buffer) if is_all else None)

    def last_end(self, buffer: bytearray, limit: int, is_all: bool) -> int | None:
        if is_all and len(buffer) <= limit:
            return len(buffer)
        return buffer.rfind(b"\n", 0, limit) + 1 or None

    def payload(self, record: bytes) -> bytes:
        return record


class _Framed(ABC):
    """Records that say their length."""

    @abstractmethod
    def first_end(self, buffer: bytearray, start: int, is_all: bool) -> int | None: ...

    def last_end(self, buffer: bytearray, limit: int, is_all: bool) -> int | None:
        last = None
        start = 0
        while start < len(buffer) and (end := self.first_end(buffer, start, is_all)) and end <= limit:
            last = start = end
        return last


class RecordIO(_Framed):
    """MXNet's RecordIO: a magic number, the length, the bytes, filled up to four; a long record has several parts."""

    def first_end(self, buffer: bytearray, start: int, is_all: bool) -> int | None:
        while start + 8 <= len(buffer):
            kind, length = _recordio_head(buffer, start)
            start += 8 + (length + 3) // 4 * 4
            if kind in (MXNET_WHOLE, MXNET_LAST):
                if start <= len(buffer):
                    return start
                break
        _require_more(is_all)
        return None

    def payload(self, record: bytes) -> bytes:
        """Its content, without what is wrapped around it; the parts of a long one are joined by the magic number."""
        parts, start = [], 0
        while start < len(record):
            _, length = _recordio_head(record, start)
            parts.append(record[start + 8 : start + 8 + length])
            start += 8 + (length + 3) // 4 * 4
        return struct.pack("<I", MXNET_MAGIC).join(parts)


class TFRecord(_Framed):
    """TensorFlow's TFRecord: the length and its checksum, the bytes and theirs."""

    def first_end(self, buffer: bytearray, start: int, is_all: bool) -> int | None:
        if start + 12 <= len(buffer):
            (length,) = struct.unpack_from("<Q", buffer, start)
            end: int = start + 12 + length + 4
            if end <= len(buffer):
                return end
        _require_more(is_all)
        return None

    def payload(self, record: bytes) -> bytes:
        return record[12:-4]


SPLITTERS: dict[str, Splitter] = {"Line": Lines(), "RecordIO": RecordIO(), "TFRecord": TFRecord()}


def _recordio_head(buffer: bytes | bytearray, start: int) -> tuple[int, int]:
    """Which part of a record begins at ``start``, and the bytes it has."""
    magic, head = struct.unpack_from("<II", buffer, start)
    if magic != MXNET_MAGIC:
        raise SplitError(guessed("The object is not RecordIO: a record does not begin with its magic number"))
    return head >> MXNET_LENGTH_BITS, head & ((1 << MXNET_LENGTH_BITS) - 1)


def _require_more(is_all: bool) -> None:
    if is_all:
        raise SplitError(guessed("The object ends within a record"))
