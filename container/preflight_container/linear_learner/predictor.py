"""Linear Learner's answers.

https://docs.aws.amazon.com/sagemaker/latest/dg/LL-in-formats.html
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from preflight_container import content_types
from preflight_container.content_types import ContentType, accepted
from preflight_container.errors import BadRequest, DataError, UnsupportedMediaType
from preflight_container.formats.csv_rows import parse_csv
from preflight_container.formats.json_rows import Features, parse_json, parse_json_lines
from preflight_container.formats.number_texts import write_numbers
from preflight_container.formats.sparse_rows import SparseRows
from preflight_container.inference import Answer, json_predictions
from preflight_container.linear_learner.artifact import load_model
from preflight_container.linear_learner.model import LinearModel

Array = NDArray[np.float32]

MAX_BODY_BYTES = 100 << 20  # the most that batch transform sends
MAX_LABEL_SIZE_DIGITS = 6


def load_predictor(folder: Path) -> "LinearLearnerPredictor":
    """The model in the folder, ready to answer. Raises ModelError."""
    return LinearLearnerPredictor(load_model(folder))


class LinearLearnerPredictor:
    """Answers invocations for one linear model."""

    max_body_bytes = MAX_BODY_BYTES
    max_payload_mb = 6

    def __init__(self, model: LinearModel) -> None:
        self._model = model

    def invoke(self, body: bytes, content_type: str | None, accept: str | None) -> Answer:
        write_type = _answer_type(accept)
        scores = self._scores(self._read(body, content_type))
        labels = self._model.predicted_labels(scores)
        return Answer(WRITERS[write_type](scores, labels), write_type)

    def _scores(self, features: Features) -> Array:
        if isinstance(features, SparseRows):
            blocks = features.dense_blocks(self._model.feature_dim)
            return np.concatenate([self._model.scores(block) for block in blocks])
        return self._model.scores(features)

    def _read(self, body: bytes, header: str | None) -> Features:
        declared = ContentType.parse(header or "")
        if declared.name not in READERS:
            raise UnsupportedMediaType(
                f"Content type {declared.name or '(none)'} is not supported; Linear Learner reads {', '.join(READERS)}."
            )
        try:
            features = READERS[declared.name](body, declared, self._model.feature_dim)
        except DataError as error:
            raise BadRequest(f"unable to evaluate payload provided: {error}") from error
        if not len(features):
            raise BadRequest("unable to evaluate payload provided: the body holds no record.")
        width = _width(features, self._model.feature_dim)
        if width != self._model.feature_dim:
            raise BadRequest(
                f"unable to evaluate payload provided: the records have {width} features, the model was trained on "
                f"{self._model.feature_dim}."
            )
        return features


def _width(features: Features, expected: int) -> int:
    """How many features the records have; sparse ones that do not say fit if they need no more than expected."""
    if not isinstance(features, SparseRows):
        return int(features.shape[1])
    if features.width is None:
        return max(expected, features.needed_width)
    return features.needed_width


def _read_csv(body: bytes, declared: ContentType, width: int) -> Array:
    size = declared.parameters.get("label_size", "0")
    if not size.isdecimal() or len(size) > MAX_LABEL_SIZE_DIGITS:
        raise DataError(f"label_size is '{size[:40]}', it must be a number of columns.")
    text = body.strip(b" \r\n")
    columns = text.count(b",", 0, text.find(b"\n") if b"\n" in text else len(text)) + 1
    if text and columns != int(size) + width:  # known before a large body is read value by value
        raise DataError(f"the records have {columns - int(size)} features, the model was trained on {width}.")
    return parse_csv(body)[:, int(size) :]


def _read_recordio(body: bytes) -> Features:
    from preflight_container.formats.recordio_protobuf import parse_recordio  # costs start-up time, and few need it

    return parse_recordio(body)


READERS: dict[str, Callable[[bytes, ContentType, int], Features]] = {
    content_types.CSV: _read_csv,
    content_types.JSON: lambda body, declared, width: parse_json(body, width),
    content_types.JSON_LINES: lambda body, declared, width: parse_json_lines(body, width),
    content_types.RECORDIO_PROTOBUF: lambda body, declared, width: _read_recordio(body),
}


def _answer_type(accept: str | None) -> str:
    """The first type that Accept names and the algorithm writes, else JSON.

    On AWS `Accept: text/csv` is answered in JSON (sagemaker-python-sdk issue 993); that other types are too is a guess.
    """
    return next((name for name in accepted(accept) if name in WRITERS), content_types.JSON)


def _json_objects(scores: Array, labels: NDArray[np.int64] | None, end: bytes) -> bytes:
    """An object for each record, with ``end`` after it."""
    if labels is None:
        return write_numbers(scores, b'{"score": ', [b"}" + end])
    known = range(scores.shape[1] if scores.ndim > 1 else 2)
    ends = [b', "predicted_label": %d}%s' % (label, end) for label in known]
    return write_numbers(scores, b'{"score": ', ends, labels)


def _write_recordio(scores: Array, labels: NDArray[np.int64] | None) -> bytes:
    from preflight_container.formats.recordio_protobuf import write_recordio

    rows = scores.reshape(len(scores), -1)
    if labels is None:
        return write_recordio({"score": row} for row in rows)
    answers = zip(rows, labels.reshape(-1, 1).astype(np.float32), strict=True)
    return write_recordio({"score": row, "predicted_label": label} for row, label in answers)


WRITERS: dict[str, Callable[[Array, NDArray[np.int64] | None], bytes]] = {
    content_types.JSON: lambda scores, labels: json_predictions(_json_objects(scores, labels, b", ")),
    content_types.JSON_LINES: lambda scores, labels: _json_objects(scores, labels, b"\n"),
    content_types.RECORDIO_PROTOBUF: _write_recordio,
}
