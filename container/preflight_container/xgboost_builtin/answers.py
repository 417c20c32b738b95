"""The forms of an answer, and which of them Accept asks for."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from preflight_container import content_types
from preflight_container.errors import CannotAnswer, NotAcceptable
from preflight_container.formats.number_texts import write_numbers
from preflight_container.inference import json_predictions

Array = NDArray[np.float32]

ACCEPTS = (content_types.JSON, content_types.JSON_LINES, content_types.RECORDIO_PROTOBUF, content_types.CSV)


def answer_type(accept: str | None, default: str) -> str:
    """The media type to answer in. As on AWS, Accept names one type; a list of them is not understood.

    Raises:
        NotAcceptable: it names one that is not written.
    """
    name = (accept or "").partition(";")[0].strip()
    if name in ("", "*/*"):
        return default
    if name.lower() not in ACCEPTS:
        raise NotAcceptable(f"Accept type {name} is not supported. Please use supported accept types: {list(ACCEPTS)}.")
    return name.lower()


def write(predictions: Array, write_type: str) -> bytes:
    """The answer in one of ACCEPTS.

    Raises:
        CannotAnswer: AWS's container takes the type, and has no encoder for plain predictions in it.
    """
    if write_type not in WRITERS:
        raise CannotAnswer(
            f"Internal Server Error: as on AWS, XGBoost writes {write_type} only with SAGEMAKER_INFERENCE_OUTPUT in "
            "the model's environment; without it, Accept must be text/csv or application/json."
        )
    return WRITERS[write_type](predictions)


def batch_lines(predictions: Array) -> bytes:
    """One prediction a line, a list where it has several numbers: what batch transform gets whatever it accepts."""
    return write_numbers(predictions, b"", [b"\n"])


def one_line(predictions: Array) -> bytes:
    """All predictions in a line, as AWS's multi-model server writes text/csv."""
    return ",".join(map(str, predictions.tolist())).encode()


def _json(predictions: Array) -> bytes:
    return json_predictions(write_numbers(predictions, b'{"score": ', [b"}, "]))


def _csv(predictions: Array) -> bytes:
    if predictions.ndim == 1:
        return batch_lines(predictions)
    return "".join(f"{','.join(map(repr, values))}\n" for values in predictions.tolist()).encode()


WRITERS: dict[str, Callable[[Array], bytes]] = {
    content_types.JSON: _json,
    content_types.CSV: _csv,
}
