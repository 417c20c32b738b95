"""Linear Learner's answers.

https://docs.aws.amazon.com/sagemaker/latest/dg/LL-in-formats.html
"""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from container import content_types
from container.content_types import ContentType, accepted
from container.errors import BadRequest, DataError, NotAcceptable, UnsupportedMediaType
from container.formats.csv_rows import parse_csv
from container.formats.json_rows import parse_json, parse_json_lines
from container.formats.sparse_rows import SparseRows
from container.inference import Answer, json_lines, json_objects
from container.linear_learner.artifact import load_model
from container.linear_learner.model import LinearModel

Array = NDArray[np.float32]

MAX_BODY_BYTES = 100 << 20  # the most that batch transform sends


def load_predictor(folder: Path) -> "LinearLearnerPredictor":
    """The model in the folder, ready to answer. Raises ModelError."""
    return LinearLearnerPredictor(load_model(folder))


class LinearLearnerPredictor:
    """Answers invocations for one linear model."""

    max_body_bytes = MAX_BODY_BYTES

    def __init__(self, model: LinearModel) -> None:
        self._model = model

    def invoke(self, body: bytes, content_type: str | None, accept: str | None) -> Answer:
        write_type = _answer_type(accept)
        features = self._read(body, content_type)
        scores = self._model.scores(features)
        labels = self._model.predicted_labels(scores)
        return Answer(WRITERS[write_type](scores, labels), write_type)

    def _read(self, body: bytes, header: str | None) -> Array:
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
        if features.shape[1] != self._model.feature_dim:
            raise BadRequest(
                f"unable to evaluate payload provided: the records have {features.shape[1]} features, the model "
                f"was trained on {self._model.feature_dim}."
            )
        return features


def _read_csv(body: bytes, declared: ContentType, width: int) -> Array:
    rows = parse_csv(body)
    label_size = declared.parameters.get("label_size", "0")
    if not label_size.isdecimal() or int(label_size) > rows.shape[1]:
        raise DataError(f"label_size is {label_size}, the rows have {rows.shape[1]} columns.")
    return rows[:, int(label_size) :]


def _read_recordio(body: bytes, width: int) -> Array:
    from container.formats.recordio_protobuf import read_recordio  # costs start-up time, and few need it

    blocks = [features for _, features in read_recordio(io.BytesIO(body))]
    dense = [block.dense(width) if isinstance(block, SparseRows) else block for block in blocks]
    if len({block.shape[1] for block in dense}) > 1:
        raise DataError("the records have different numbers of features.")
    return np.concatenate(dense) if dense else np.empty((0, 0), np.float32)


READERS: dict[str, Callable[[bytes, ContentType, int], Array]] = {
    content_types.CSV: _read_csv,
    content_types.JSON: lambda body, declared, width: parse_json(body),
    content_types.JSON_LINES: lambda body, declared, width: parse_json_lines(body),
    content_types.RECORDIO_PROTOBUF: lambda body, declared, width: _read_recordio(body, width),
}


def _answer_type(accept: str | None) -> str:
    wanted = accepted(accept)
    if not wanted:
        return content_types.JSON
    for name in wanted:
        if name in WRITERS:
            return name
        if name in ("*/*", "application/*"):
            return content_types.JSON
    raise NotAcceptable(
        f"Accept type {', '.join(wanted)} is not supported; Linear Learner answers in {', '.join(WRITERS)}."
    )


def _json_objects(scores: Array, labels: NDArray[np.int64] | None) -> Iterator[str]:
    if labels is None:
        return (f'{{"score": {score!r}}}' for score in scores.tolist())
    return (
        f'{{"score": {score!r}, "predicted_label": {label}}}'
        for score, label in zip(scores.tolist(), labels.tolist(), strict=True)
    )


def _write_recordio(scores: Array, labels: NDArray[np.int64] | None) -> bytes:
    from container.formats.recordio_protobuf import write_recordio

    rows = scores.reshape(len(scores), -1)
    if labels is None:
        return write_recordio({"score": row} for row in rows)
    answers = zip(rows, labels.reshape(-1, 1).astype(np.float32), strict=True)
    return write_recordio({"score": row, "predicted_label": label} for row, label in answers)


WRITERS: dict[str, Callable[[Array, NDArray[np.int64] | None], bytes]] = {
    content_types.JSON: lambda scores, labels: json_objects(_json_objects(scores, labels)),
    content_types.JSON_LINES: lambda scores, labels: json_lines(_json_objects(scores, labels)),
    content_types.RECORDIO_PROTOBUF: _write_recordio,
}
