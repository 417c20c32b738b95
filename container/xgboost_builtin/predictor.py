"""XGBoost's answers, with the statuses of the built-in's container."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from container import content_types
from container.content_types import ContentType, accepted
from container.errors import BadRequest, DataError, ModelError, NotAcceptable, UnsupportedMediaType
from container.formats.csv_rows import parse_csv
from container.formats.sparse_rows import SparseRows
from container.inference import Answer, json_lines, json_objects
from container.xgboost_builtin.matrices import to_csr

Array = NDArray[np.float32]
Features = Any  # an Array or a scipy csr_matrix

MAX_CONTENT_LENGTH = 6 << 20


def load_predictor(folder: Path, environ: Mapping[str, str]) -> "XGBoostPredictor":
    """The models in the folder (every file that is not hidden), ready to answer. Raises ModelError."""
    if environ.get("SAGEMAKER_INFERENCE_OUTPUT"):
        raise ModelError("SAGEMAKER_INFERENCE_OUTPUT is not supported by Preflight yet.")
    files = sorted(path for path in folder.glob("*") if path.is_file() and not path.name.startswith("."))
    if not files:
        raise ModelError("There is no model file in the model directory.")
    return XGBoostPredictor([_load(path) for path in files], environ)


def _load(path: Path) -> xgboost.Booster:
    # Read as bytes: the library tells the format by the file's name, which here says nothing.
    try:
        booster = xgboost.Booster()
        booster.load_model(bytearray(path.read_bytes()))
    except (xgboost.core.XGBoostError, OSError, ValueError) as error:
        raise ModelError(f"{path.name} is not a model that xgboost {xgboost.__version__} can load.") from error
    booster.set_param({"nthread": 1})  # requests run beside each other already
    return booster


class XGBoostPredictor:
    """Answers invocations for one model, or for the mean of several (an ensemble)."""

    def __init__(self, boosters: list[xgboost.Booster], environ: Mapping[str, str]) -> None:
        ensemble = environ.get("SAGEMAKER_INFERENCE_ENSEMBLE", "true").lower() == "true"
        used = boosters if ensemble else boosters[:1]
        self._boosters = [(booster, _is_linear(booster)) for booster in used]
        self._features = boosters[0].num_features()
        self._default_accept = environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or content_types.CSV
        self.max_body_bytes = int(environ.get("MAX_CONTENT_LENGTH") or MAX_CONTENT_LENGTH)

    def invoke(self, body: bytes, content_type: str | None, accept: str | None) -> Answer:
        if not body:
            return Answer(b"", "text/plain", status=204)
        features = self._read(body, content_type)
        write_type = self._answer_type(accept)
        return Answer(WRITERS[write_type](self._predict(features)), write_type)

    def _read(self, body: bytes, header: str | None) -> Features:
        declared = ContentType.parse(header or content_types.CSV)
        if declared.name not in READERS:
            raise UnsupportedMediaType(
                f"Content-type {declared.name} not supported. Supported content-type is {', '.join(READERS)}"
            )
        try:
            features = READERS[declared.name](body)
        except DataError as error:
            raise UnsupportedMediaType(
                f"Loading {declared.name} data failed, please ensure the data is in that format: {error}"
            ) from error
        if not features.shape[0]:
            raise BadRequest("Unable to evaluate payload provided: the body holds no record.")
        if isinstance(features, csr_matrix) and features.shape[1] < self._features:
            features.resize(features.shape[0], self._features)
        if features.shape[1] != self._features:
            raise BadRequest(
                f"Unable to evaluate payload provided: Feature size of {declared.name} inference data "
                f"{features.shape[1]} is not consistent with feature size of trained model {self._features}."
            )
        return features

    def _predict(self, features: Features) -> Array:
        predictions = [_predict(booster, features, linear=linear) for booster, linear in self._boosters]
        return predictions[0] if len(predictions) == 1 else np.mean(predictions, axis=0, dtype=np.float32)

    def _answer_type(self, accept: str | None) -> str:
        for name in accepted(accept) or [self._default_accept]:
            if name in WRITERS:
                return name
            if name in ("*/*", "text/*"):
                return self._default_accept
        raise NotAcceptable(f"Accept type {accept} is not supported. Supported types are {', '.join(WRITERS)}.")


def _predict(booster: xgboost.Booster, features: Features, *, linear: bool) -> Array:
    if linear:  # the library predicts in place with trees only
        return np.asarray(booster.predict(xgboost.DMatrix(features), validate_features=False))
    return np.asarray(booster.inplace_predict(features, validate_features=False))


def _is_linear(booster: xgboost.Booster) -> bool:
    name: str = json.loads(booster.save_config())["learner"]["gradient_booster"]["name"]
    return name == "gblinear"


def _read_libsvm(body: bytes) -> Features:
    from container.formats.libsvm import parse_libsvm

    _, rows = parse_libsvm(body, label_required=False)
    return to_csr(rows)


def _read_recordio(body: bytes) -> Features:
    from container.formats.recordio_protobuf import ANY_TENSOR, parse_recordio

    features = parse_recordio(body, tensors=ANY_TENSOR)
    return to_csr(features) if isinstance(features, SparseRows) else features


READERS: dict[str, Callable[[bytes], Features]] = {
    content_types.CSV: lambda body: parse_csv(body, missing=True),
    content_types.LIBSVM: _read_libsvm,
    content_types.RECORDIO_PROTOBUF: _read_recordio,
}


def _json_objects(predictions: Array) -> Iterable[str]:
    return (f'{{"score": {score!r}}}' for score in predictions.tolist())


def _csv(predictions: Array) -> bytes:
    return "".join(f"{_csv_line(value)}\n" for value in predictions.tolist()).encode()


def _csv_line(value: Any) -> str:
    return ",".join(map(repr, value)) if isinstance(value, list) else repr(value)


def _recordio(predictions: Array) -> bytes:
    from container.formats.recordio_protobuf import write_recordio

    return write_recordio({"score": row} for row in predictions.reshape(len(predictions), -1))


WRITERS: dict[str, Callable[[Array], bytes]] = {
    content_types.CSV: _csv,
    content_types.JSON: lambda predictions: json_objects(_json_objects(predictions)),
    content_types.JSON_LINES: lambda predictions: json_lines(_json_objects(predictions)),
    content_types.RECORDIO_PROTOBUF: _recordio,
}
