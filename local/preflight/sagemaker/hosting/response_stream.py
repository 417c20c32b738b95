"""The event stream of InvokeEndpointWithResponseStream: a container's answer, part by part, while it comes.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointWithResponseStream.html
https://smithy.io/2.0/aws/amazon-eventstream.html has the encoding of an event.
"""

import contextlib
import json
import struct
import zlib
from collections.abc import Generator, Iterable

from preflight.sagemaker.serving.serving_container import NoReply, TimedOut

EVENT_STREAM = "application/vnd.amazon.eventstream"

_PART_OF_ANSWER = {":message-type": "event", ":event-type": "PayloadPart"}
_ERROR = {":message-type": "exception", ":exception-type": "ModelStreamError"}
_STRING = 7  # the type of a header's value
_OVERHEAD_BYTES = 16  # two lengths and two checksums


def events(chunks: Iterable[bytes], until_the_end: contextlib.ExitStack) -> Generator[bytes]:
    """A PayloadPart of every chunk, and a ModelStreamError if they do not end well; then ``until_the_end`` ends."""
    with until_the_end:
        try:
            for chunk in chunks:
                yield _event(_PART_OF_ANSWER, chunk, "application/octet-stream")
        except NoReply as error:
            yield _stream_error(error)


def _stream_error(error: NoReply) -> bytes:
    if isinstance(error, TimedOut):
        code, message = "ModelInvocationTimeExceeded", "The model did not complete its answer in time."
    else:
        code, message = "StreamBroken", "The connection to the model broke off before its answer was complete."
    return _event(_ERROR, json.dumps({"Message": message, "ErrorCode": code}).encode(), "application/json")


def _event(headers: dict[str, str], payload: bytes, content_type: str) -> bytes:
    block = b"".join(map(_header, [*headers, ":content-type"], [*headers.values(), content_type]))
    prelude = struct.pack(">II", len(block) + len(payload) + _OVERHEAD_BYTES, len(block))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + block + payload
    return message + struct.pack(">I", zlib.crc32(message))


def _header(name: str, value: str) -> bytes:
    return (
        struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", _STRING, len(value.encode())) + value.encode()
    )
