"""What came back for a row whose label is known."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from aws.schema import Row, Schema

THRESHOLD = 0.5  # of a score for two classes


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


def said_by_model(schema: Schema, text: str) -> dict[str, Any]:
    """What the URL would say of a row, of what the model itself wrote: Linear Learner's JSON, or XGBoost's numbers.

    Raises KeyError, TypeError or ValueError if it is no prediction.
    """
    if text.lstrip().startswith("{"):
        [prediction] = json.loads(text)["predictions"]
        label, score = prediction.get("predicted_label"), prediction["score"]
        scores = [float(each) for each in (score if isinstance(score, list) else [score])]
    else:
        label, scores = None, [float(each) for each in text.split(",")]
    if schema.kind == "regression":
        return {schema.result: scores[0]}
    if schema.kind == "binary":
        return {schema.result: int(scores[0] >= THRESHOLD if label is None else label), "score": scores[0]}
    if label is None and len(scores) == 1:  # multi:softmax tells the class alone
        return {schema.result: schema.classes[int(scores[0])]}
    named = dict(zip(schema.classes, scores, strict=True))
    return {schema.result: schema.classes[scores.index(max(scores)) if label is None else int(label)], "scores": named}
