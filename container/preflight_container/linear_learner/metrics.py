"""How good a model is on a channel: the metrics AWS prints at the end of a job, added up block by block."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from preflight_container.linear_learner.calibration import MarginCounts, f_beta
from preflight_container.linear_learner.hyperparameters import BINARY, MULTICLASS, REGRESSOR
from preflight_container.linear_learner.losses import make_loss
from preflight_container.linear_learner.model import LinearModel

Array = NDArray[np.float32]

OBJECTIVES = {
    "logistic": "binary_classification_cross_entropy_objective",
    "hinge_loss": "hinge_loss_objective",
    "softmax_loss": "multiclass_cross_entropy_objective",
    "squared_loss": "mse_objective",
    "absolute_loss": "absolute_loss_objective",
    "eps_insensitive_squared_loss": "eps_insensitive_squared_loss_objective",
    "eps_insensitive_absolute_loss": "eps_insensitive_absolute_loss_objective",
    "quantile_loss": "quantile_loss_objective",
    "huber_loss": "huber_loss_objective",
}
LOSS_METRICS = {"mse", "rmse", "absolute_loss", "binary_log_loss", *OBJECTIVES.values()}


def metric_kind(name: str) -> str:
    """`loss` or `score`, the word in angle brackets of AWS's #quality_metric lines."""
    return "loss" if name in LOSS_METRICS else "score"


def evaluate(
    model: LinearModel, blocks: Iterable[tuple[Array, Array]], hyperparameters: Mapping[str, Any]
) -> dict[str, float]:
    """The metrics of `model` on (labels, features) blocks, by AWS's names, the objective first."""
    tally = _TALLIES[model.predictor_type](model, hyperparameters)
    loss = make_loss(model.loss, hyperparameters)
    total, rows = 0.0, 0
    for labels, features in blocks:
        margins = features @ model.weights + model.bias
        if model.predictor_type == MULTICLASS:
            losses, _ = loss(margins[:, None, :], labels)
        else:
            losses, _ = loss(margins, labels[:, None])
        total += float(losses.sum(dtype=np.float64))
        rows += len(labels)
        tally.add(labels, margins)
    return {OBJECTIVES[model.loss]: total / rows, **tally.metrics()}


class _Tally(Protocol):
    def add(self, labels: Array, margins: Array) -> None: ...

    def metrics(self) -> dict[str, float]: ...


class _BinaryTally:
    def __init__(self, model: LinearModel, hyperparameters: Mapping[str, Any]) -> None:
        self._model = model
        self._beta: float = hyperparameters["f_beta"]
        self._counts = MarginCounts(1)
        self._confusion = np.zeros((2, 2))  # [label, predicted]
        self._log_loss = 0.0

    def add(self, labels: Array, margins: Array) -> None:
        self._counts.add(margins, labels)
        positive = labels == 1
        scores = self._model.scores_of_margins(margins)
        predicted = self._model.predicted_labels(scores) == 1
        for label in (0, 1):
            for answer in (0, 1):
                self._confusion[label, answer] += ((positive == label) & (predicted == answer)).sum()
        if self._model.loss == "logistic":
            likelihood = np.where(positive, scores, 1 - scores)
            self._log_loss -= float(np.log(np.maximum(likelihood, 1e-15), dtype=np.float64).sum())

    def metrics(self) -> dict[str, float]:
        (tn, fp), (fn, tp) = self._confusion
        rows = self._confusion.sum()
        metrics = {
            "binary_classification_accuracy": (tp + tn) / rows,
            f"binary_f_{self._beta:.3f}": float(f_beta(tp, fp, fn, self._beta)),
            "precision": _ratio(tp, tp + fp),
            "recall": _ratio(tp, tp + fn),
            "roc_auc_score": float(self._counts.roc_auc()[0]),
            "binary_balanced_accuracy": (_ratio(tp, tp + fn) + _ratio(tn, tn + fp)) / 2,
        }
        if self._model.loss == "logistic":
            metrics["binary_log_loss"] = self._log_loss / rows
        return metrics


class _MulticlassTally:
    def __init__(self, model: LinearModel, hyperparameters: Mapping[str, Any]) -> None:
        classes = model.weights.shape[1]
        self._top_k: int = min(hyperparameters["accuracy_top_k"], classes)
        self._beta: float = hyperparameters["f_beta"]
        self._correct, self._predicted, self._actual = (np.zeros(classes) for _ in range(3))
        self._in_top_k = 0
        self._dcg = 0.0

    def add(self, labels: Array, margins: Array) -> None:
        actual = labels.astype(np.int64)
        predicted = margins.argmax(axis=1)
        classes = margins.shape[1]
        self._actual += np.bincount(actual, minlength=classes)
        self._predicted += np.bincount(predicted, minlength=classes)
        self._correct += np.bincount(actual[actual == predicted], minlength=classes)
        rank = (margins > margins[np.arange(len(actual)), actual][:, None]).sum(axis=1)
        self._in_top_k += int((rank < self._top_k).sum())
        self._dcg += float((1 / np.log2(rank + 2)).sum())

    def metrics(self) -> dict[str, float]:
        rows = self._actual.sum()
        wrong = self._predicted - self._correct
        missed = self._actual - self._correct
        present = self._actual > 0
        precision = _ratios(self._correct, self._predicted)[present]
        recall = _ratios(self._correct, self._actual)[present]
        return {
            "multiclass_accuracy": self._correct.sum() / rows,
            f"multiclass_top_k_accuracy_{self._top_k}": self._in_top_k / rows,
            "dcg": self._dcg / rows,
            "macro_recall": float(recall.mean()),
            "macro_precision": float(precision.mean()),
            f"macro_f_{self._beta:.3f}": float(f_beta(self._correct, wrong, missed, self._beta)[present].mean()),
        }


class _RegressionTally:
    def __init__(self, model: LinearModel, hyperparameters: Mapping[str, Any]) -> None:
        self._squares = self._sizes = 0.0
        self._rows = 0

    def add(self, labels: Array, margins: Array) -> None:
        error = margins[:, 0].astype(np.float64) - labels
        self._squares += float((error * error).sum())
        self._sizes += float(np.abs(error).sum())
        self._rows += len(labels)

    def metrics(self) -> dict[str, float]:
        mse = self._squares / self._rows
        return {"mse": mse, "rmse": mse**0.5, "absolute_loss": self._sizes / self._rows}


_TALLIES: dict[str, Callable[[LinearModel, Mapping[str, Any]], _Tally]] = {
    BINARY: _BinaryTally,
    MULTICLASS: _MulticlassTally,
    REGRESSOR: _RegressionTally,
}


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0


def _ratios(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
