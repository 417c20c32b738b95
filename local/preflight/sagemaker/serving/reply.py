"""What comes of one request to a container: a reply, or one of the ways of not getting one."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass


class NoReply(Exception):
    """A request that a container did not answer; which of the following says how."""


class NotReached(NoReply):
    """Nothing was sent: no container listens."""


class NoAnswer(NoReply):
    """The connection ended before an answer began: the container died, with this request or before it."""


class TimedOut(NoReply):
    """The answer was not complete at the deadline."""


class BrokenReply(NoReply):
    """The answer ended before it was complete, or is more than one may be."""


@dataclass(frozen=True)
class Reply:
    """What a container answered. ``headers`` are found whatever the case of their names."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class OpenReply:
    """An answer that has begun. ``chunks`` raises TimedOut or BrokenReply if it does not end well; read or close it."""

    status: int
    headers: Mapping[str, str]
    chunks: Generator[bytes]

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    def read(self, max_bytes: int) -> Reply:
        """The whole of it. Raises BrokenReply if that is more than ``max_bytes``."""
        body = bytearray()
        for chunk in self.chunks:
            body += chunk
            if len(body) > max_bytes:
                self.chunks.close()
                raise BrokenReply
        return Reply(self.status, self.headers, bytes(body))
