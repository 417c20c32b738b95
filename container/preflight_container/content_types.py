"""Content types by name, and how a header such as `text/csv; label_size=1` is read."""

from dataclasses import dataclass, field
from functools import lru_cache

CSV = "text/csv"
JSON = "application/json"
JSON_LINES = "application/jsonlines"
RECORDIO_PROTOBUF = "application/x-recordio-protobuf"
LIBSVM = "text/libsvm"
PARQUET = "application/x-parquet"

REMEMBERED = 256  # headers: clients send the same ones again and again


@dataclass(frozen=True)
class ContentType:
    """A media type in lower case with its parameters."""

    name: str
    parameters: dict[str, str] = field(default_factory=dict)

    @staticmethod
    @lru_cache(REMEMBERED)
    def parse(header: str) -> "ContentType":
        name, *rest = (part.strip().lower() for part in header.split(";"))
        pairs = (part.partition("=") for part in rest if part)
        return ContentType(name, {key.strip(): value.strip(' "') for key, _, value in pairs})


@lru_cache(REMEMBERED)
def accepted(header: str | None) -> tuple[str, ...]:
    """The media types of an Accept header in the client's order of preference; empty when any will do."""
    ranked = []
    for part in (header or "").split(","):
        accept = ContentType.parse(part)
        if accept.name:
            try:
                quality = float(accept.parameters.get("q", "1"))
            except ValueError:
                quality = 0.0
            ranked.append((quality, accept.name))
    ranked.sort(key=lambda item: -item[0])
    return tuple(name for quality, name in ranked if quality > 0)
