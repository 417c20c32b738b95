"""XGBoost's training job: channels to DMatrix, boosting with the built-in's log lines, the model file."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import xgboost
from xgboost import collective

from preflight_container.channels import Channel
from preflight_container.errors import AlgorithmError, CustomerError
from preflight_container.hosts import Hosts
from preflight_container.log import log
from preflight_container.paths import Paths
from preflight_container.script_mode.xgboost_cluster import NoData, rabit_run, wait_hostname_resolution
from preflight_container.threads import thread_count
from preflight_container.xgboost_builtin import model_file
from preflight_container.xgboost_builtin.channel_files import check_channels, has_data
from preflight_container.xgboost_builtin.checkpoints import SaveCheckpoints, load_checkpoint
from preflight_container.xgboost_builtin.hyperparameters import library_parameters, read_hyperparameters
from preflight_container.xgboost_builtin.image_tag import TAG_VARIABLE, library_numbers, warn_of_version
from preflight_container.xgboost_builtin.library import library_words
from preflight_container.xgboost_builtin.matrices import read_matrix
from preflight_container.xgboost_builtin.metrics import OWN_METRICS, evaluate, is_maximized
from preflight_container.xgboost_builtin.model_file import MODEL_FILE

# Complaints that AWS's container calls the customer's. The words of several are those of an older library, so that
# its own of today, such as "label must be in (0, 1) for logistic regression", are the algorithm's there.
CUSTOMER_ERRORS = (
    "label must be in [0,1] for logistic regression",
    "label must be in [0, num_class)",
    "Target is multiclass but average='binary'",
    "feature_names mismatch",
    "Check failed: preds.size() == info.labels_.size()",
    "Check failed: !auc_error AUC: the dataset only contains pos or neg samples",
    "Check failed: base_score > 0.0f && base_score < 1.0f base_score must be in (0,1) for logistic loss",
    "Check failed: label_correct PoissonRegression: label must be nonnegative",
    "Check failed: label_correct TweedieRegression: label must be nonnegative",
    "Parameter reg_lambda should be greater equal to 0",
)


def run(paths: Paths, hyperparameters: dict[str, str], channels: dict[str, Channel], hosts: Hosts) -> None:
    """Trains, with the other hosts if there are any, and writes `xgboost-model` into one host's model folder.

    Raises:
        CustomerError: a hyperparameter, a channel or its data is wrong.
        AlgorithmError: the library failed for another reason.
    """
    tag = os.environ.get(TAG_VARIABLE)
    warn_of_version(tag)
    version = library_numbers(tag)
    values = read_hyperparameters(hyperparameters, tag)
    values = {**model_file.intercept(version, values["objective"]), **values}
    check_channels(channels)

    def train(is_master: bool = True) -> None:
        try:
            booster = _train(values, channels, paths)
        except (xgboost.core.XGBoostError, ValueError) as error:
            text = library_words(error)
            if any(known in text for known in CUSTOMER_ERRORS):
                raise CustomerError(text) from error
            raise AlgorithmError(f"XGB train call failed with exception:\n {text}") from error
        if is_master:
            (paths.model / MODEL_FILE).write_bytes(model_file.write(booster, version))

    if len(hosts.names) == 1:
        train()
    else:
        log(f"Distributed node training with {len(hosts.names)} hosts: {hosts.names}")
        wait_hostname_resolution(hosts.names)
        try:
            rabit_run(train, {}, has_data(channels["train"]), hosts.names, hosts.current, update_rabit_args=True)
        except NoData as error:
            raise AlgorithmError(str(error)) from error


def _train(values: dict[str, Any], channels: dict[str, Channel], paths: Paths) -> xgboost.Booster:
    train = read_matrix(channels["train"], values, paths.scratch)
    evals = [(train, "train")]
    log(f"Train matrix has {train.num_row()} rows and {train.num_col()} columns")
    if "validation" in channels and _all_validate(channels["validation"]):
        validation = read_matrix(channels["validation"], values, paths.scratch, reference=train)
        evals.append((validation, "validation"))
        log(f"Validation matrix has {validation.num_row()} rows")
    return _boost(values, train, evals, _checkpoint_folder(paths))


def _all_validate(channel: Channel) -> bool:
    """False if no host of several has rows to validate on. Raises CustomerError if some have and some have not."""
    if not collective.is_distributed():
        return True
    flag = np.array([has_data(channel)], dtype=np.int32)
    every = bool(collective.allreduce(flag, collective.Op.MIN)[0])
    if not every and collective.allreduce(flag, collective.Op.MAX)[0]:
        raise CustomerError("Some hosts have rows in the validation channel and some have none; give each its share.")
    return every


def _checkpoint_folder(paths: Paths) -> Path | None:
    """Where checkpoints go; None when the job asked for none."""
    if not paths.checkpoint_config.exists():
        return None
    local_path = paths.read_object(paths.checkpoint_config).get("LocalPath")
    return paths.of_container(local_path) if local_path else None


def _boost(
    values: dict[str, Any],
    train: xgboost.DMatrix,
    evals: list[tuple[xgboost.DMatrix, str]],
    checkpoints: Path | None,
) -> xgboost.Booster:
    model, first_round = load_checkpoint(checkpoints) if checkpoints else (None, 0)
    termination = _Termination()
    callbacks: list[xgboost.callback.TrainingCallback] = [_EvaluationLog(first_round)]
    if checkpoints and _is_first():
        callbacks.append(SaveCheckpoints(checkpoints, first_round))
    if stopping := _early_stopping(values, evals):
        callbacks.append(stopping)
    callbacks.append(termination)  # last, as the ones after a callback that ends training are not called
    if values.get("save_model_on_termination") == "true":
        signal.signal(signal.SIGTERM, termination.request)
    metrics = _metrics(values)
    parameters = {"nthread": thread_count(), **library_parameters(values)}
    parameters["eval_metric"] = [name for name in metrics if name not in OWN_METRICS]
    if not parameters["eval_metric"]:
        del parameters["eval_metric"]  # the objective's own metric then, also beside those of the built-in: as on AWS
    log(f"Final configuration: {json.dumps(parameters, sort_keys=True)}")
    return xgboost.train(
        parameters,
        train,
        num_boost_round=values["num_round"] - first_round,
        evals=evals,
        custom_metric=_own_metrics(metrics, values["objective"]),
        callbacks=callbacks,
        xgb_model=model,
        verbose_eval=False,
    )


def _early_stopping(
    values: dict[str, Any], evals: list[tuple[xgboost.DMatrix, str]]
) -> xgboost.callback.EarlyStopping | None:
    """What ends training early: as on AWS only by the validation channel and a metric that was named."""
    rounds, metric = values.get("early_stopping_rounds"), _tuned_metric(values) or values.get("eval_metric", [None])[-1]
    if not rounds:
        return None
    if metric is None or evals[-1][1] != "validation":
        log("early_stopping_rounds needs a validation channel and eval_metric; it is ignored.", level="WARNING")
        return None
    return xgboost.callback.EarlyStopping(
        rounds=rounds,
        data_name="validation",
        metric_name=metric,
        maximize=is_maximized(metric),
        save_best=values.get("booster") != "gblinear",
    )


def _metrics(values: dict[str, Any]) -> list[str]:
    """What is evaluated: eval_metric and the metric a tuning job looks at; the built-in's own come last."""
    names = [*values.get("eval_metric", [])]
    if tuned := _tuned_metric(values):
        names.append(tuned)
    return sorted(dict.fromkeys(names), key=lambda name: name in OWN_METRICS)


def _tuned_metric(values: dict[str, Any]) -> str | None:
    """`auc` of `validation:auc`, the form in which a tuning job names it."""
    tuned: str | None = values.get("_tuning_objective_metric")
    if tuned is None:
        return None
    return tuned.removeprefix("validation:")


def _own_metrics(names: list[str], objective: str) -> Callable[..., list[tuple[str, float]]] | None:
    own = [name for name in names if name in OWN_METRICS]
    if not own:
        return None

    def evaluate_own(predictions: Any, matrix: xgboost.DMatrix) -> list[tuple[str, float]]:
        if objective == "multi:softmax":  # the library hands over the classes themselves
            predictions = np.eye(int(predictions.max()) + 1)[predictions.astype(int)]
        return evaluate(own, matrix.get_label(), predictions, margins=objective == "binary:logitraw")

    return evaluate_own


class _EvaluationLog(xgboost.callback.TrainingCallback):
    """Prints `[round]<tab>train-error:0.09712<tab>validation-error:0.10334`, which the metric regexes read."""

    def __init__(self, first_round: int) -> None:
        super().__init__()
        self._first_round = first_round

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        figures = (
            f"{data}-{metric}:{values[-1]:.5f}" for data, log in evals_log.items() for metric, values in log.items()
        )
        if _is_first():  # the figures are those of all hosts
            print("\t".join([f"[{self._first_round + epoch}]", *figures]), flush=True)
        return False


class _Termination(xgboost.callback.TrainingCallback):
    """Ends training after the running round once SIGTERM came, so that the model so far is kept."""

    def __init__(self) -> None:
        super().__init__()
        self._requested = False

    def request(self, signal_number: int, frame: FrameType | None) -> None:
        self._requested = True

    def after_iteration(self, model: Any, epoch: int, evals_log: dict[str, Any]) -> bool:
        # Several hosts end after the same round.
        return bool(collective.allreduce(np.array([self._requested], dtype=np.int32), collective.Op.MAX)[0])


def _is_first() -> bool:
    """Whether this host speaks for all."""
    return collective.get_rank() == 0
