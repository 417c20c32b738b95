"""What serving asks of an algorithm: read a body, score it, write the answer."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Answer:
    """A successful reply to an invocation."""

    body: bytes
    content_type: str
    status: int = 200


class Predictor(Protocol):
    """A loaded model.

    Attributes:
        max_body_bytes: a longer body is refused.
        max_payload_mb: how much batch transform should send at once.
    """

    max_body_bytes: int
    max_payload_mb: int

    def invoke(self, body: bytes, content_type: str | None, accept: str | None) -> Answer:
        """Scores the records in `body`; `content_type` and `accept` are the headers as they came.

        Raises:
            RequestError: the request is refused; the error knows the status.
        """
        ...


def json_predictions(objects: bytes) -> bytes:
    """`{"predictions": [...]}` around objects that are JSON already, each with a comma and a blank after it."""
    return b'{"predictions": [' + objects.removesuffix(b", ") + b"]}"


def json_lines(objects: Iterable[str]) -> bytes:
    """One object per line."""
    return "".join(f"{text}\n" for text in objects).encode()
