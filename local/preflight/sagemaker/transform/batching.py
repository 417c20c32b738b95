"""Mini-batches: what one request to the model holds of an object. BatchStrategy and MaxPayloadInMB.

https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html
"""

from collections.abc import Iterable, Iterator

from preflight.sagemaker.api.errors import guessed
from preflight.sagemaker.transform.splitting import SPLITTERS, Splitter

MIB = 1 << 20


class PayloadTooLarge(Exception):
    """A record, or an object that is not split, is larger than a request may be; the text is for the job's log."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(guessed(f"Record exceeds the maximum payload size of {max_bytes // MIB} MB (MaxPayloadInMB)"))


def batches(chunks: Iterable[bytes], split_type: str, strategy: str, max_bytes: int | None) -> Iterator[bytes]:
    """The payloads of an object, in its order; no payload is over ``max_bytes``.

    ``strategy`` is MULTI_RECORD or SINGLE_RECORD. An object that is not split is one payload, also if it is empty;
    one that is split and has no record has none. Holds a payload and a chunk at a time.

    Raises:
        PayloadTooLarge, SplitError: after the payloads that come before.
    """
    splitter = SPLITTERS.get(split_type)
    if splitter is None:
        yield _whole(chunks, max_bytes)
    elif strategy == "SINGLE_RECORD":
        yield from _single_records(chunks, splitter, max_bytes)
    else:
        yield from _multi_records(chunks, splitter, max_bytes)


def _whole(chunks: Iterable[bytes], max_bytes: int | None) -> bytes:
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        if max_bytes is not None and len(buffer) > max_bytes:
            raise PayloadTooLarge(max_bytes)
    return bytes(buffer)


def _single_records(chunks: Iterable[bytes], splitter: Splitter, max_bytes: int | None) -> Iterator[bytes]:
    for buffer, is_all in _filled(chunks):
        start = 0
        while start < len(buffer) and (end := splitter.first_end(buffer, start, is_all)):
            payload = splitter.payload(bytes(memoryview(buffer)[start:end]))
            if max_bytes is not None and len(payload) > max_bytes:
                raise PayloadTooLarge(max_bytes)
            yield payload
            start = end
        del buffer[:start]
        if max_bytes is not None and len(buffer) > max_bytes + MIB:  # what wraps a record takes less
            raise PayloadTooLarge(max_bytes)


def _multi_records(chunks: Iterable[bytes], splitter: Splitter, max_bytes: int | None) -> Iterator[bytes]:
    for buffer, is_all in _filled(chunks):
        limit = len(buffer) if max_bytes is None else max_bytes
        while len(buffer) > limit or (is_all and buffer):
            end = splitter.last_end(buffer, limit, is_all)
            if end is None:
                raise PayloadTooLarge(limit)
            yield bytes(memoryview(buffer)[:end])
            del buffer[:end]


def _filled(chunks: Iterable[bytes]) -> Iterator[tuple[bytearray, bool]]:
    """A buffer, each time with one more chunk, and whether that was the last; who takes from it removes it."""
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        yield buffer, False
    yield buffer, True
