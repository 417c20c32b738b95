"""The metrics eval_metric may name: the library's own, and those the built-in computes itself."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from preflight_container.errors import CustomerError

LIBRARY_METRICS = {
    "aft-nloglik",
    "auc",
    "aucpr",
    "cox-nloglik",
    "error",
    "gamma-deviance",
    "gamma-nloglik",
    "interval-regression-accuracy",
    "logloss",
    "map",
    "mape",
    "merror",
    "mlogloss",
    "mphe",
    "ndcg",
    "poisson-nloglik",
    "rmsle",
    "tweedie-nloglik",
}
WITH_THRESHOLD = {"error", "ndcg", "map"}

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


def is_metric(name: str) -> bool:
    """Whether eval_metric may name it; `error`, `ndcg` and `map` may carry `@number`.

    Raises:
        CustomerError: another metric carries it, or what it carries is no number; in AWS's words.
    """
    base, at, threshold = (part.strip() for part in name.partition("@"))
    if not at:
        return name in METRICS
    if base not in WITH_THRESHOLD:
        raise CustomerError(
            f"Metric '{name}' is not supported. Parameter 'eval_metric' with customized threshold should be one of "
            "these options: 'error', 'ndcg', 'map'."
        )
    try:
        float(threshold)
    except ValueError as error:
        raise CustomerError(f"Threshold value 't' in '{base}@t' expects float input.") from error
    return True


def is_maximized(name: str) -> bool:
    """Whether larger values of the metric are better."""
    return name.partition("@")[0] in {"auc", "aucpr", "map", "ndcg", "r2", *CLASS_METRICS}


def predicted_classes(predictions: Floats, *, margins: bool) -> Labels:
    """The class of each prediction: the likeliest, or by 0.5 (0 for margins) where there is one number per record."""
    if predictions.ndim == 2:
        return predictions.argmax(axis=1)
    return (predictions > (0.0 if margins else 0.5)).astype(np.int64)


@dataclass(frozen=True)
class Tally:
    """Per class: how often it was right, how often it was said, how often it was true; each of shape (classes,)."""

    correct: Floats
    predicted: Floats
    actual: Floats

    @classmethod
    def count(cls, labels: Labels, classes: Labels) -> "Tally":
        size = max(int(labels.max()), int(classes.max()), 1) + 1
        counts = (np.bincount(found, minlength=size) for found in (labels[labels == classes], classes, labels))
        return cls(*(np.asarray(found, np.float64) for found in counts))

    def accuracy(self) -> float:
        return float(self.correct.sum() / self.actual.sum())

    def balanced_accuracy(self) -> float:
        return float(_ratio(self.correct, self.actual)[self.actual > 0].mean())

    def precision(self) -> Floats:
        return _ratio(self.correct, self.predicted)

    def recall(self) -> Floats:
        return _ratio(self.correct, self.actual)

    def f1(self) -> Floats:
        return _ratio(2 * self.correct, self.predicted + self.actual)

    def macro(self, figures: Floats) -> float:
        """The mean over the classes that occur."""
        return float(figures[(self.actual > 0) | (self.predicted > 0)].mean())

    def of_one(self, figures: Floats) -> float:
        """The figure of class 1. Raises CustomerError where there are more than two classes."""
        if len(figures) > 2:
            raise CustomerError(
                "Target is multiclass but average='binary'. Please choose another average setting, one of "
                "[None, 'micro', 'macro', 'weighted']."
            )
        return float(figures[1])


CLASS_METRICS: dict[str, Callable[[Tally], float]] = {
    "accuracy": Tally.accuracy,
    "balanced_accuracy": Tally.balanced_accuracy,
    "f1": lambda tally: tally.macro(tally.f1()),
    "f1_binary": lambda tally: tally.of_one(tally.f1()),
    "f1_macro": lambda tally: tally.macro(tally.f1()),
    "precision": lambda tally: tally.of_one(tally.precision()),
    "precision_macro": lambda tally: tally.macro(tally.precision()),
    "precision_micro": Tally.accuracy,
    "recall": lambda tally: tally.of_one(tally.recall()),
    "recall_macro": lambda tally: tally.macro(tally.recall()),
    "recall_micro": Tally.accuracy,
}
NUMBER_METRICS: dict[str, Callable[[Floats, Floats], float]] = {
    "mae": lambda labels, predictions: float(np.mean(np.abs(predictions - labels))),
    "rmse": lambda labels, predictions: float(np.sqrt(np.mean((predictions - labels) ** 2))),
    "mse": lambda labels, predictions: float(np.mean((predictions - labels) ** 2)),
    "r2": lambda labels, predictions: float(1 - np.mean((predictions - labels) ** 2) / (labels.var() or 1.0)),
}
OWN_METRICS = {*CLASS_METRICS, *NUMBER_METRICS}
METRICS = LIBRARY_METRICS | OWN_METRICS


def evaluate(names: Iterable[str], labels: Floats, predictions: Floats, *, margins: bool) -> list[tuple[str, float]]:
    """(name, value) of some of OWN_METRICS; `margins` says that the predictions are not probabilities."""
    tally: Tally | None = None
    figures = []
    for name in names:
        if name in NUMBER_METRICS:
            figures.append((name, NUMBER_METRICS[name](labels, predictions)))
            continue
        if tally is None:
            tally = Tally.count(labels.astype(np.int64), predicted_classes(predictions, margins=margins))
        figures.append((name, CLASS_METRICS[name](tally)))
    return figures


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
