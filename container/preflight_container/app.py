"""The HTTP face of a container: /ping, /invocations, /execution-parameters. It only translates.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

from __future__ import annotations

import asyncio
import json
import os
import traceback
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from preflight_container.errors import PayloadTooLarge, RequestError
from preflight_container.inference import Answer, Predictor
from preflight_container.log import log

MAX_READ_BYTES = 128 << 20  # above what any algorithm takes: who has sent a body reads how much may be sent
QUICK_BYTES = 16 << 10  # a longer body is scored in a thread, so that others are answered meanwhile
MAX_HEADER_BYTES = 256 << 10
THREADS = 4
TEXT = "text/plain; charset=utf-8"
METHODS = {"/ping": "GET", "/execution-parameters": "GET", "/invocations": "POST"}
PONG = Answer(b"", "text/html; charset=utf-8")
NOT_FOUND = (
    "The requested URL was not found on the server. If you entered the URL manually please check your spelling and try "
    "again."
)

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class ClientGone(Exception):
    """The connection has ended before the body."""


@dataclass(frozen=True)
class Headers:
    """Those of a request that say something here; None where it has none."""

    content_type: str | None = None
    accept: str | None = None
    content_length: int = 0

    @classmethod
    def of(cls, scope: Scope) -> Headers | None:
        """None if they are too long."""
        found: dict[bytes, bytes] = {}
        size = 0
        for name, value in scope["headers"]:
            size += len(name) + len(value)
            found[name] = found[name] + b"," + value if name in found else value
        if size > MAX_HEADER_BYTES:
            return None
        return cls(_text(found, b"content-type"), _text(found, b"accept"), int(found.get(b"content-length", b"0")))


class Application:
    """The ASGI application around a loaded model."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._threads = ThreadPoolExecutor(THREADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer, allowed = await self._answer(scope, receive)
        except ClientGone:
            return
        headers = [
            (b"Content-Type", answer.content_type.encode("latin-1")),
            (b"Content-Length", str(len(answer.body)).encode()),
            *([(b"Allow", allowed.encode())] if allowed else []),
        ]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[Answer, str]:
        """The answer, and what its Allow header says if it has one."""
        path, method = scope["path"], scope["method"]
        known = METHODS.get(path)
        if known is None:
            return Answer(NOT_FOUND.encode(), TEXT, 404), ""
        if method != known and (method, known) != ("HEAD", "GET"):
            allowed = "OPTIONS, POST" if known == "POST" else "GET, HEAD, OPTIONS"
            if method == "OPTIONS":
                return PONG, allowed
            return Answer(b"The method is not allowed for the requested URL.", TEXT, 405), allowed
        headers = Headers.of(scope)
        if headers is None:
            return Answer(f"The headers have more than {MAX_HEADER_BYTES} bytes.".encode(), TEXT, 431), ""
        if path == "/ping":
            return PONG, ""
        if path == "/execution-parameters":
            return self._parameters(), ""
        return await self._invocation(headers, receive), ""

    def _parameters(self) -> Answer:
        parameters = {
            "MaxConcurrentTransforms": os.cpu_count() or 1,
            "BatchStrategy": "MULTI_RECORD",
            "MaxPayloadInMB": self._predictor.max_payload_mb,
        }
        return Answer(json.dumps(parameters).encode(), "application/json")

    async def _invocation(self, headers: Headers, receive: Receive) -> Answer:
        body, length = b"", headers.content_length
        if length <= MAX_READ_BYTES:
            body = await _read(receive)
            length = len(body)
        if length <= QUICK_BYTES:
            return self._invoke(body, length, headers)
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._invoke, body, length, headers)

    def _invoke(self, body: bytes, length: int, headers: Headers) -> Answer:
        limit = self._predictor.max_body_bytes
        try:
            if length > limit:
                raise PayloadTooLarge(f"The body has {length} bytes; this container takes {limit}.")
            return self._predictor.invoke(body, headers.content_type, headers.accept)
        except RequestError as error:
            log(f"POST /invocations refused with {error.status}: {error}", level="WARNING")
            return Answer(str(error).encode(), TEXT, error.status)
        except Exception:
            traceback.print_exc()  # for the endpoint's log; the client gets a sentence
            return Answer(b"The container failed to answer; the cause is in the endpoint's log.", TEXT, 500)


async def _read(receive: Receive) -> bytes:
    """The whole body, or the beginning of one that is longer than any may be. Raises ClientGone."""
    pieces: list[bytes] = []
    size = 0
    while size <= MAX_READ_BYTES:
        event = await receive()
        if event["type"] != "http.request":
            raise ClientGone
        piece: bytes = event.get("body", b"")
        pieces.append(piece)
        size += len(piece)
        if not event.get("more_body"):
            break
    return b"".join(pieces)


def _text(headers: dict[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")
