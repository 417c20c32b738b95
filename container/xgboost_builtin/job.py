"""XGBoost's training job: channels to DMatrix, boosting with the built-in's log lines, the model file."""

import json
import signal
from types import FrameType
from typing import Any

import xgboost

from container.channels import Channel
from container.errors import AlgorithmError, CustomerError
from container.log import log
from container.paths import Paths
from container.threads import thread_count
from container.xgboost_builtin.hyperparameters import library_parameters, read_hyperparameters
from container.xgboost_builtin.matrices import read_matrix

MODEL_FILE = "xgboost-model"
CHANNELS = ("train", "validation")

# Complaints of the library that the person who made the request has to act on.
CUSTOMER_ERRORS = (
    "label must be in [0,1] for logistic regression",
    "label must be in [0, num_class)",
    "must be nonnegative",
    "base_score must be in (0,1)",
    "only contains pos or neg samples",
    "Check failed: preds.size() == info.labels.size()",
    "contains `inf`",
    "Invalid classes",
    "must be positive",
)


def run(paths: Paths, hyperparameters: dict[str, str], channels: dict[str, Channel]) -> None:
    """Trains and writes `xgboost-model` (UBJSON) into the model folder.

    Raises:
        CustomerError: a hyperparameter, a channel or its data is wrong.
        AlgorithmError: the library failed for another reason.
    """
    values = read_hyperparameters(hyperparameters)
    _check_channels(channels)
    train = read_matrix(channels["train"], values, paths.scratch)
    evals = [(train, "train")]
    log(f"Train matrix has {train.num_row()} rows and {train.num_col()} columns")
    if "validation" in channels:
        validation = read_matrix(channels["validation"], values, paths.scratch, reference=train)
        evals.append((validation, "validation"))
        log(f"Validation matrix has {validation.num_row()} rows")
    booster = _boost(values, train, evals)
    (paths.model / MODEL_FILE).write_bytes(booster.save_raw("ubj"))


def _check_channels(channels: dict[str, Channel]) -> None:
    if "train" not in channels:
        raise CustomerError("Missing required channel: train")
    for name in channels:
        if name not in CHANNELS:
            raise CustomerError(f"Extraneous channel found: {name}; XGBoost takes {' and '.join(CHANNELS)}.")


def _boost(values: dict[str, Any], train: xgboost.DMatrix, evals: list[tuple[xgboost.DMatrix, str]]) -> xgboost.Booster:
    termination = _Termination()
    callbacks: list[xgboost.callback.TrainingCallback] = [_EvaluationLog(), termination]
    rounds = values.get("early_stopping_rounds")
    if rounds:
        callbacks.append(xgboost.callback.EarlyStopping(rounds, save_best=values.get("booster") != "gblinear"))
    if values.get("save_model_on_termination") == "true":
        signal.signal(signal.SIGTERM, termination.request)
    parameters = {"nthread": thread_count(), **library_parameters(values)}
    log(f"Final configuration: {json.dumps(parameters, sort_keys=True)}")
    try:
        return xgboost.train(
            parameters,
            train,
            num_boost_round=values["num_round"],
            evals=evals,
            callbacks=callbacks,
            verbose_eval=False,
        )
    except (xgboost.core.XGBoostError, ValueError) as error:
        text = _first_line(str(error))
        if any(known in str(error) for known in CUSTOMER_ERRORS):
            raise CustomerError(text) from error
        raise AlgorithmError(f"XGB train call failed with exception: {text}") from error


def _first_line(message: str) -> str:
    """The library's sentence without its source position and C++ stack."""
    lines = [line for line in message.splitlines() if line.strip() and "Stack trace" not in line]
    text = lines[0] if lines else message
    return text.rpartition(": ")[2] if text.startswith("[") else text


class _EvaluationLog(xgboost.callback.TrainingCallback):
    """Prints `[round]<tab>train-error:0.09712<tab>validation-error:0.10334`, which the metric regexes read."""

    def after_iteration(self, model: Any, epoch: int, evals_log: dict[str, dict[str, list[float]]]) -> bool:
        figures = (
            f"{data}-{metric}:{values[-1]:.5f}" for data, log in evals_log.items() for metric, values in log.items()
        )
        print("\t".join([f"[{epoch}]", *figures]), flush=True)
        return False


class _Termination(xgboost.callback.TrainingCallback):
    """Ends training after the running round once SIGTERM came, so that the model so far is kept."""

    def __init__(self) -> None:
        super().__init__()
        self._requested = False

    def request(self, signal_number: int, frame: FrameType | None) -> None:
        self._requested = True

    def after_iteration(self, model: Any, epoch: int, evals_log: dict[str, Any]) -> bool:
        return self._requested
