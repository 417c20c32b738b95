"""A loaded XGBoost model that answers, with the statuses of the built-in's container."""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import xgboost
from numpy.typing import NDArray

from preflight_container import content_types
from preflight_container.errors import BadRequest, CannotAnswer, ModelError
from preflight_container.inference import Answer
from preflight_container.multi_model import WORKER
from preflight_container.xgboost_builtin import answers, model_file, selectable_output
from preflight_container.xgboost_builtin.bodies import Features, read_body
from preflight_container.xgboost_builtin.dense_prediction import predict_dense
from preflight_container.xgboost_builtin.library import library_words
from preflight_container.xgboost_builtin.trial import survives

Array = NDArray[np.float32]

DEFAULT_BODY_BYTES = 6 << 20
TRIAL_SECONDS = 60  # many times what the largest model takes to load

VOTING = ("multi:softmax", "binary:hinge")  # the objectives whose models answer with a class


def load_predictor(folder: Path, environ: Mapping[str, str]) -> "XGBoostPredictor":
    """The models in the folder (every file that is not hidden), ready to answer. Raises ModelError."""
    if environ.get("SAGEMAKER_PROGRAM"):
        raise ModelError(
            "XGBoost's script mode (SAGEMAKER_PROGRAM) is not supported by Preflight yet; the built-in algorithm is."
        )
    files = sorted(path for path in folder.glob("*") if path.is_file() and not path.name.startswith("."))
    if not files:
        raise ModelError("There is no model file in the model directory.")
    settings = Settings.from_env(environ)
    used = files if settings.ensemble else files[:1]
    for path in used:
        if not survives(partial(_try_out, path), seconds=TRIAL_SECONDS):
            raise ModelError(f"{path.name} is damaged: xgboost {xgboost.__version__} crashes or hangs on it.")
    return XGBoostPredictor([Model.load(path) for path in used], settings)


def _try_out(path: Path) -> None:
    Model.load(path).walk()


@dataclass(frozen=True)
class Settings:
    """What the model's environment says about answers."""

    default_accept: str
    max_body_bytes: int
    selected_keys: Sequence[str]
    ensemble: bool
    batch: bool
    multi_model: bool

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Raises ModelError where a variable does not hold what it must."""
        accept = environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or content_types.CSV
        if accept not in answers.ACCEPTS:
            known = ", ".join(answers.ACCEPTS)
            raise ModelError(f"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT is {accept!r}; it must be one of {known}.")
        limit = environ.get("MAX_CONTENT_LENGTH") or str(DEFAULT_BODY_BYTES)
        if not limit.isdecimal():
            raise ModelError(f"MAX_CONTENT_LENGTH is {limit!r}; it must be a number of bytes.")
        selected = environ.get("SAGEMAKER_INFERENCE_OUTPUT")
        return cls(
            default_accept=accept,
            max_body_bytes=int(limit),
            selected_keys=selectable_output.selected_keys(selected) if selected else (),
            ensemble=environ.get("SAGEMAKER_INFERENCE_ENSEMBLE", "true") == "true",
            batch=bool(environ.get("SAGEMAKER_BATCH")),
            multi_model=bool(environ.get(WORKER)),
        )


class Model:
    """One booster, safe to use from several threads."""

    def __init__(self, booster: xgboost.Booster) -> None:
        learner: dict[str, Any] = json.loads(booster.save_config())["learner"]
        self._booster = booster
        self._is_linear = learner["gradient_booster"]["name"] == "gblinear"
        self._lock = threading.Lock()
        self.features = booster.num_features()
        self.objective: str = learner["objective"]["name"]
        self.classes = int(learner["learner_model_param"].get("num_class", "0"))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises ModelError when the file holds no model of the library's own format."""
        try:
            booster = model_file.read(path.read_bytes())
            booster.set_param({"nthread": 1})  # requests run beside each other already
            return cls(booster)
        except model_file.ForeignPickle as error:
            raise ModelError(
                f"{path.name} is pickled, and not as XGBoost containers before 1.3 pickle a Booster. Preflight does "
                "not unpickle; save it with Booster.save_model."
            ) from error
        except Exception as error:  # the library raises anything where a file is damaged
            raise ModelError(f"{path.name} is not a model that xgboost {xgboost.__version__} can load.") from error

    def walk(self) -> None:
        """Visits every node, and predicts: a damaged file can load and crash the library then."""
        if not self._is_linear:
            self._booster.get_dump()
        self.predict(np.zeros((1, self.features), np.float32))

    def predict(self, features: Features) -> Array:
        """Shape (n,), or (n, classes) where there are several numbers per record. Absent columns are missing.

        Raises:
            BadRequest: there are more columns than the model has features.
        """
        if self._is_linear or features.shape[1] != self.features:  # the library takes neither in place
            try:
                matrix = xgboost.DMatrix(features, nthread=1)
                with self._lock:
                    return np.asarray(self._booster.predict(matrix, validate_features=False))
            except xgboost.core.XGBoostError as error:
                raise BadRequest(f"Unable to evaluate payload provided: {library_words(error)}") from error
        if isinstance(features, np.ndarray):
            return predict_dense(self._booster, features)
        return np.asarray(self._booster.inplace_predict(features, validate_features=False))


class XGBoostPredictor:
    """Answers invocations for one model, or for the mean of several (an ensemble)."""

    def __init__(self, models: Sequence[Model], settings: Settings) -> None:
        self._models = models
        self._settings = settings
        self._features = models[0].features
        self.max_body_bytes = settings.max_body_bytes
        self.max_payload_mb = settings.max_body_bytes >> 20
        if {model.features for model in models} != {self._features} or not self._features:
            raise ModelError("The models in the model directory do not take the same features.")
        row = np.zeros((1, self._features), np.float32)
        if len({model.predict(row).shape for model in models}) > 1:
            raise ModelError("The models in the model directory do not give answers of the same shape.")

    def invoke(self, body: bytes, content_type: str | None, accept: str | None) -> Answer:
        if not body:
            return Answer(b"", "text/plain", status=204)
        predictions = self._predict(read_body(body, content_type))
        write_type = answers.answer_type(accept, self._settings.default_accept)
        if self._settings.selected_keys:
            return self._selected(predictions, write_type)
        if self._settings.batch:
            return Answer(answers.batch_lines(predictions), write_type)
        if self._settings.multi_model and write_type == content_types.CSV:
            return Answer(answers.one_line(predictions), write_type)
        return Answer(answers.write(predictions, write_type), write_type)

    def _predict(self, features: Features) -> Array:
        predictions = [model.predict(features) for model in self._models]
        if len(predictions) == 1:
            return predictions[0]
        if self._models[0].objective in VOTING:
            raise CannotAnswer(
                f"Internal Server Error: as on AWS, several models of the objective {self._models[0].objective} do not "
                "answer together. Deploy one of them, or set SAGEMAKER_INFERENCE_ENSEMBLE to false."
            )
        return np.mean(predictions, axis=0, dtype=np.float32)

    def _selected(self, predictions: Array, write_type: str) -> Answer:
        model = self._models[0]
        records = selectable_output.select(
            predictions, list(self._settings.selected_keys), model.objective, model.classes
        )
        body = selectable_output.WRITERS[write_type](records)
        ends_line = self._settings.batch and write_type == content_types.CSV
        return Answer(body + b"\n" if ends_line else body, write_type)
