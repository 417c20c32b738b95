"""Streams of text cut into pieces of whole lines."""

from collections.abc import Iterator
from typing import BinaryIO

from preflight_container.errors import DataError

CHUNK_BYTES = 1 << 20
MAX_LINE_BYTES = 64 << 20


def whole_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """(number of the piece's first line, bytes up to where a line ends), a megabyte or so at a time."""
    line, rest = 1, b""
    while chunk := stream.read(CHUNK_BYTES):
        head, newline, tail = chunk.rpartition(b"\n")
        if not newline:
            rest += chunk
            if len(rest) > MAX_LINE_BYTES:
                raise DataError(f"the line is longer than {MAX_LINE_BYTES} bytes.", line=line)
            continue
        whole, rest = rest + head + newline, tail
        yield line, whole
        line += whole.count(b"\n")
    if rest:
        yield line, rest
