"""Answer: what goes back to a client."""

from collections.abc import Generator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answer:
    """What goes back to the client over HTTP; ``chunks``, if there are any, follow the body as they come."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    chunks: Generator[bytes] | None = None
