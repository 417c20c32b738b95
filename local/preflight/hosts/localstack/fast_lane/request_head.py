"""The head of an HTTP request, as far as it is a plain one."""

from dataclasses import dataclass
from typing import Self

import httptools

MAX_BODY_BYTES = 10 * 1024 * 1024  # what is larger takes its time on any way

_NOT_PLAIN = frozenset({"transfer-encoding", "expect", "upgrade"})


@dataclass(frozen=True, slots=True)
class RequestHead:
    """``fields`` are the headers as they are spelled; ``headers`` the last of each name, which is in lower case."""

    method: str
    uri: str
    fields: list[tuple[str, str]]
    headers: dict[str, str]
    body_bytes: int
    is_last: bool  # the client closes the connection, or wants it closed

    @classmethod
    def read(cls, raw: bytes) -> Self | None:
        """``raw`` ends with the empty line. None for what is no plain HTTP/1.1, or has a body of unknown length."""
        found = _Found()
        parser = httptools.HttpRequestParser(found)
        try:
            parser.feed_data(raw)
        except httptools.HttpParserError:
            return None
        headers = {name.lower(): value for name, value in found.fields}
        length = headers.get("content-length", "0")
        is_plain = raw.isascii() and parser.get_http_version() == "1.1" and found.uri.startswith(b"/")
        if not is_plain or not length.isdigit() or int(length) > MAX_BODY_BYTES or not _NOT_PLAIN.isdisjoint(headers):
            return None
        method, uri = parser.get_method().decode("ascii"), found.uri.decode("ascii")
        return cls(method, uri, found.fields, headers, int(length), not parser.should_keep_alive())


class _Found:
    """What the parser calls."""

    def __init__(self) -> None:
        self.uri = b""
        self.fields: list[tuple[str, str]] = []

    def on_url(self, piece: bytes) -> None:
        self.uri += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.decode("latin-1"), value.decode("latin-1").strip(" \t")))
