"""UBJSON to plain values: what XGBoost writes of it. https://ubjson.org"""

import io
import struct
from typing import Any

DEEPEST = 32
_NUMBERS = {b"i": "b", b"U": "B", b"I": "h", b"l": "i", b"L": "q", b"d": "f", b"D": "d"}
_CONSTANTS = {b"T": True, b"F": False, b"Z": None}


def loads(content: bytes) -> dict[str, Any]:
    """The object. Raises ValueError if it is none."""
    value = _Reader(content).value()
    if not isinstance(value, dict):
        raise ValueError("not an object in UBJSON")
    return value


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._file = io.BytesIO(content)
        self._size = len(content)

    def value(self, depth: int = 0) -> Any:
        return self._of_type(self._exactly(1), depth)

    def _of_type(self, mark: bytes, depth: int) -> Any:
        if depth > DEEPEST:
            raise ValueError("UBJSON that is nested too deep")
        if mark in _NUMBERS:
            return self._numbers(mark, 1)[0]
        if mark in _CONSTANTS:
            return _CONSTANTS[mark]
        if mark in (b"S", b"C"):
            return self._exactly(self._length() if mark == b"S" else 1).decode()
        if mark == b"{":
            return self._object(depth)
        if mark == b"[":
            return self._array(depth)
        raise ValueError(f"{mark!r} begins no value of UBJSON")

    def _object(self, depth: int) -> dict[str, Any]:
        found = {}
        while self._next() != b"}":
            name = self._exactly(self._length()).decode()
            found[name] = self.value(depth + 1)
        self._exactly(1)
        return found

    def _array(self, depth: int) -> list[Any]:
        mark = None
        if self._next() == b"$":
            mark = self._exactly(2)[1:]
        if self._next() == b"#":
            self._exactly(1)
            count = self._length()
            if mark in _NUMBERS:
                return self._numbers(mark, count)
            return [self._of_type(mark or self._exactly(1), depth + 1) for _ in range(count)]
        if mark:
            raise ValueError("an array of UBJSON with a type and no length")
        found = []
        while self._next() != b"]":
            found.append(self.value(depth + 1))
        self._exactly(1)
        return found

    def _length(self) -> int:
        length = self.value(DEEPEST)
        if not isinstance(length, int) or not 0 <= length <= self._size:
            raise ValueError("UBJSON that ends too early")
        return length

    def _numbers(self, mark: bytes, count: int) -> list[Any]:
        form = f">{count}{_NUMBERS[mark]}"
        return list(struct.unpack(form, self._exactly(struct.calcsize(form))))

    def _next(self) -> bytes:
        """The byte that comes, which stays to be read."""
        place = self._file.tell()
        mark = self._exactly(1)
        self._file.seek(place)
        return mark

    def _exactly(self, size: int) -> bytes:
        piece = self._file.read(size) if size <= self._size else b""
        if len(piece) != size:
            raise ValueError("UBJSON that ends too early")
        return piece
