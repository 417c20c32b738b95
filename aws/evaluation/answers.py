"""What came back for a row whose label is known."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from aws.schema import Row, Schema


@dataclass(frozen=True)
class Answer:
    """Labels are numbers: of classes their places. ``scores`` are one for two classes, one a class for more, else none.

    ``seconds`` is the whole request's time.
    """

    actual: float
    predicted: float
    scores: tuple[float, ...]
    seconds: float

    @classmethod
    def of(cls, schema: Schema, row: Row, said: Mapping[str, Any], seconds: float) -> Self:
        """Of the URL's JSON for a raw row. Raises KeyError, TypeError or ValueError if it is no prediction."""
        actual, result = schema.number_of(row[schema.column]), said[schema.result]
        if schema.kind == "multiclass":
            named = said.get("scores") or {}
            scores = tuple(float(named[value]) for value in schema.classes) if named else ()
            return cls(actual, schema.number_of(result), scores, seconds)
        scores = (float(said["score"]),) if schema.kind == "binary" else ()
        return cls(actual, float(result), scores, seconds)
