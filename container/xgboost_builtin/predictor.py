"""XGBoost's answers, with the statuses of the built-in's container."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray

from container import content_types
from container.content_types import ContentType, accepted
from container.errors import BadRequest, DataError, ModelError, NotAcceptable, UnsupportedMediaType
from container.formats.csv_rows import parse_csv
from container.inference import Answer, json_lines, json_objects

Array = NDArray[np.float32]

MAX_CONTENT_LENGTH = 6 << 20


def load_predictor(folder: Path, environ: Mapping[str, str]) -> "XGBoostPredictor":
    """The models in the folder (every file that is not hidden), ready to answer. Raises ModelError."""
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
        self._boosters = boosters if ensemble else boosters[:1]
        self._features = boosters[0].num_features()
        self._default_accept = environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or content_types.CSV
        self.max_body_bytes = int(environ.get("MAX_CONTENT_LENGTH") or MAX_CONTENT_LENGTH)

    def invoke(self, body: bytes, content_type: str | None, accept: str | None) -> Answer:
        if not body:
            return Answer(b"", "text/plain", status=204)
        features = self._read(body, content_type)
        write_type = self._answer_type(accept)
        return Answer(WRITERS[write_type](self._predict(features)), write_type)

    def _read(self, body: bytes, header: str | None) -> Array:
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
        if features.shape[1] != self._features:
            raise BadRequest(
                f"Unable to evaluate payload provided: Feature size of {declared.name} inference data "
                f"{features.shape[1]} is not consistent with feature size of trained model {self._features}."
            )
        return features

    def _predict(self, features: Array) -> Array:
        predictions = [_predict(booster, features) for booster in self._boosters]
        return predictions[0] if len(predictions) == 1 else np.mean(predictions, axis=0, dtype=np.float32)

    def _answer_type(self, accept: str | None) -> str:
        for name in accepted(accept) or [self._default_accept]:
            if name in WRITERS:
                return name
            if name in ("*/*", "text/*"):
                return self._default_accept
        raise NotAcceptable(f"Accept type {accept} is not supported. Supported types are {', '.join(WRITERS)}.")


def _predict(booster: xgboost.Booster, features: Array) -> Array:
    predictions: Array = booster.inplace_predict(features, validate_features=False)
    return predictions


READERS: dict[str, Callable[[bytes], Array]] = {content_types.CSV: lambda body: parse_csv(body, missing=True)}


def _json_objects(predictions: Array) -> Iterable[str]:
    return (f'{{"score": {score!r}}}' for score in predictions.tolist())


def _csv(predictions: Array) -> bytes:
    return "".join(f"{_csv_line(value)}\n" for value in predictions.tolist()).encode()


def _csv_line(value: Any) -> str:
    return ",".join(map(repr, value)) if isinstance(value, list) else repr(value)


WRITERS: dict[str, Callable[[Array], bytes]] = {
    content_types.CSV: _csv,
    content_types.JSON: lambda predictions: json_objects(_json_objects(predictions)),
    content_types.JSON_LINES: lambda predictions: json_lines(_json_objects(predictions)),
}
