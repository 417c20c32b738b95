"""Which model is best and from which score on it says 1, for every choice of
binary_classifier_model_selection_criteria.

The margins of all models are counted in fine bins, in one pass and in bounded memory, so that every threshold of
every model can be compared at once.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Counts = NDArray[np.float64]

BINS = 1 << 15


class MarginCounts:
    """Positives and negatives per bin of the margin, for several models.

    The bins are even in margin / (1 + |margin|), which keeps the order and is fine around 0.
    """

    def __init__(self, models: int) -> None:
        self._positives = np.zeros((models, BINS))
        self._negatives = np.zeros((models, BINS))

    def add(self, margins: Array, labels: Array) -> None:
        """Counts rows: margins of shape (n, models), labels of 0 and 1 of shape (n,)."""
        with np.errstate(invalid="ignore"):
            position = np.nan_to_num(margins / (1 + np.abs(margins)), nan=-1.0)  # of models that diverged
        bins = np.clip((position + 1) * (BINS / 2), 0, BINS - 1).astype(np.int64)
        positive = labels == 1
        for model in range(margins.shape[1]):
            self._positives[model] += np.bincount(bins[positive, model], minlength=BINS)
            self._negatives[model] += np.bincount(bins[~positive, model], minlength=BINS)

    def confusion(self) -> tuple[Counts, Counts, Counts, Counts]:
        """(tp, fp, fn, tn) of saying 1 from the lower edge of each bin on; each of shape (models, bins)."""
        tp = _from_above(self._positives)
        fp = _from_above(self._negatives)
        fn = self._positives.sum(axis=1, keepdims=True) - tp
        tn = self._negatives.sum(axis=1, keepdims=True) - fp
        return tp, fp, fn, tn

    def roc_auc(self) -> Counts:
        """The area under each model's ROC curve, shape (models,); 0.5 with one class only."""
        below = np.cumsum(self._negatives, axis=1) - self._negatives
        wins = (self._positives * (below + self._negatives / 2)).sum(axis=1)
        pairs = self._positives.sum(axis=1) * self._negatives.sum(axis=1)
        return np.where(pairs > 0, wins / np.maximum(pairs, 1), 0.5)


def best_model_and_margin(
    counts: MarginCounts, hyperparameters: Mapping[str, Any], eligible: NDArray[np.bool_]
) -> tuple[int, float]:
    """The index of the best of the eligible models and the margin from which on it should say 1.

    Where several thresholds are as good, the one nearest to margin 0.
    """
    values = criterion_values(counts.confusion(), hyperparameters)
    best = np.where(eligible, values.max(axis=1), -np.inf)
    model = int(best.argmax())
    margins = bin_margins()
    tied = np.flatnonzero(values[model] >= best[model] - 1e-12)
    return model, float(margins[tied[np.abs(margins[tied]).argmin()]])


def criterion_values(confusion: tuple[Counts, Counts, Counts, Counts], hyperparameters: Mapping[str, Any]) -> Counts:
    """How good each threshold is by the selection criterion; larger is better.

    With a target, thresholds that miss it come after all that reach it, the nearest first.
    """
    tp, fp, fn, tn = confusion
    precision, recall = _ratio(tp, tp + fp), _ratio(tp, tp + fn)
    match hyperparameters["binary_classifier_model_selection_criteria"]:
        case "f_beta" | "f1" as name:
            beta = 1.0 if name == "f1" else hyperparameters["f_beta"]
            return f_beta(tp, fp, fn, beta)
        case "precision_at_target_recall":
            target = hyperparameters["target_recall"]
            return np.where(recall >= target, precision, recall - target - 1)
        case "recall_at_target_precision":
            target = hyperparameters["target_precision"]
            return np.where(precision >= target, recall, precision - target - 1)
        case _:
            return _ratio(tp + tn, tp + fp + fn + tn)


def f_beta(tp: Counts, fp: Counts, fn: Counts, beta: float) -> Counts:
    """The F score with recall weighing `beta` times as much as precision; counts are numbers or arrays."""
    square = beta * beta
    return _ratio((1 + square) * tp, (1 + square) * tp + square * fn + fp)


def bin_margins() -> Counts:
    """The lower edge of each bin as a margin, shape (bins,); the first is minus infinity's stand-in."""
    position: Counts = np.arange(BINS, dtype=float) * (2 / BINS) - 1
    position[0] = position[1] - 1 / BINS
    margins: Counts = position / (1 - np.abs(position))
    return margins


def _from_above(counts: Counts) -> Counts:
    return np.cumsum(counts[:, ::-1], axis=1)[:, ::-1]


def _ratio(part: Counts, whole: Counts) -> Counts:
    return np.divide(part, whole, out=np.zeros_like(part, dtype=np.float64), where=np.asarray(whole) > 0)
