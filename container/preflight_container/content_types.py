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

# Names that AWS's containers take for the same type.
ALIASES = {
    "csv": CSV,
    "libsvm": LIBSVM,
    "text/x-libsvm": LIBSVM,
    "parquet": PARQUET,
    "recordio-protobuf": RECORDIO_PROTOBUF,
    "application/x-jsonlines": JSON_LINES,
}


@dataclass(frozen=True)
class ContentType:
    """A media type in lower case, aliases resolved, with its parameters."""

    name: str
    parameters: dict[str, str] = field(default_factory=dict)

    @staticmethod
    @lru_cache(REMEMBERED)
    def parse(header: str) -> "ContentType":
        name, *rest = (part.strip().lower() for part in header.split(";"))
        pairs = (part.partition("=") for part in rest if part)
        return ContentType(ALIASES.get(name, name), {key.strip(): value.strip() for key, _, value in pairs})

    def bad_label_size(self) -> str:
        """What AWS's XGBoost says of a CSV type whose label is not its first column."""
        return (
            f"{self.name};label_size={self.parameters['label_size']} is not an accepted csv ContentType. "
            "Optional parameter label_size must be equal to 1"
        )


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
