"""Objects that are gzip, read as they come."""

import zlib
from collections.abc import Iterable, Iterator

CHUNK_BYTES = 1 << 20


def decompressed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The content of one gzip file, which may have several members; in pieces of a bounded size.

    Raises:
        zlib.error: it is not gzip, or ends too soon.
    """
    member = None
    for chunk in chunks:
        while chunk:
            member = member or zlib.decompressobj(wbits=31)
            piece = member.decompress(chunk, CHUNK_BYTES)
            if piece:
                yield piece
            chunk = member.unused_data if member.eof else member.unconsumed_tail
            if member.eof:
                member = None
    if member is not None:
        raise zlib.error("the file ends too soon")
