"""SAGEMAKER_INFERENCE_OUTPUT: answers that hold what the request names, such as `predicted_label,probability`.

https://docs.aws.amazon.com/sagemaker/latest/dg/autopilot-automate-model-development-container-output.html
"""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preflight_container import content_types
from preflight_container.errors import CannotAnswer
from preflight_container.inference import json_lines

Array = NDArray[np.float32]
Record = dict[str, Any]

NOT_THERE = math.nan  # what AWS answers for a key that does not go with the objective

_LABELS = ("predicted_label", "labels")
_SCORES = ("raw_score", "raw_scores")
_PROBABILITIES = ("probability", "probabilities")
KEYS_OF_OBJECTIVE = {
    "reg:squarederror": ("predicted_score",),
    "reg:logistic": ("predicted_score",),
    "reg:gamma": ("predicted_score",),
    "reg:absoluteerror": ("predicted_score",),
    "reg:tweedie": ("predicted_score",),
    "binary:logistic": _LABELS + _PROBABILITIES + _SCORES,
    "binary:logitraw": _LABELS + _SCORES,
    "binary:hinge": _LABELS + _SCORES,
    "multi:softmax": _LABELS + _SCORES,
    "multi:softprob": _LABELS + _PROBABILITIES + _SCORES,
}


def selected_keys(setting: str) -> list[str]:
    """The names in SAGEMAKER_INFERENCE_OUTPUT, in order."""
    return setting.replace(" ", "").lower().split(",")


def select(predictions: Array, keys: list[str], objective: str, classes: int) -> list[Record]:
    """A record per prediction with a value for each key, NaN where the objective has no such value.

    Args:
        predictions: shape (n,), or (n, classes) for multi:softprob.

    Raises:
        CannotAnswer: AWS's container selects nothing for this objective.
    """
    if objective not in KEYS_OF_OBJECTIVE:
        raise CannotAnswer(f"Objective `{objective}` unsupported for selectable inference predictions.")
    valid = KEYS_OF_OBJECTIVE[objective]
    return [
        {key: _value(key, prediction, objective, classes) if key in valid else NOT_THERE for key in keys}
        for prediction in predictions.tolist()
    ]


def _value(key: str, prediction: Any, objective: str, classes: int) -> Any:
    match key:
        case "predicted_score":
            return prediction
        case "labels":
            return list(range(classes)) if objective.startswith("multi:") else [0, 1]
        case "predicted_label":
            return _label(prediction, objective)
        case "probability" | "raw_score":
            return max(prediction) if isinstance(prediction, list) else prediction
        case _:
            return prediction if isinstance(prediction, list) else [1.0 - prediction, prediction]


def _label(prediction: Any, objective: str) -> float | int:
    match objective:
        case "binary:logistic":
            return int(prediction > 0.5)
        case "binary:logitraw":
            return int(prediction > 0)
        case "multi:softprob":
            return int(np.argmax(prediction))
        case _:
            return float(prediction)


def _csv(records: list[Record]) -> bytes:
    """A line per record, lists in quotes; without a line end after the last, as AWS writes it."""
    cells = ((f'"{value}"' if isinstance(value, list) else str(value) for value in each.values()) for each in records)
    return "\n".join(map(",".join, cells)).encode()


def _recordio(records: list[Record]) -> bytes:
    from preflight_container.formats.recordio_protobuf import write_recordio

    return write_recordio(
        {key: np.atleast_1d(np.asarray(value, np.float32)) for key, value in record.items()} for record in records
    )


WRITERS: Mapping[str, Callable[[list[Record]], bytes]] = {
    content_types.CSV: _csv,
    content_types.JSON: lambda records: json.dumps({"predictions": records}).encode(),
    content_types.JSON_LINES: lambda records: json_lines(map(json.dumps, records)),
    content_types.RECORDIO_PROTOBUF: _recordio,
}
