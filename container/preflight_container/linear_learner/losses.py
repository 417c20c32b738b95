"""The loss functions: value and derivative of each margin, for all candidate models at once.

A margin is x·w + b. For the binary and regression losses `margins` has shape (n, models) and `labels` (n, 1); for
softmax_loss `margins` has shape (n, models, classes) and `labels` (n,).
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Loss = Callable[[Array, Array], tuple[Array, Array]]


def sigmoid(margins: Array) -> Array:
    """1 / (1 + exp(-margin)), without overflow."""
    return np.float32(0.5) * (np.tanh(np.float32(0.5) * margins) + np.float32(1))


def make_loss(name: str, hyperparameters: Mapping[str, Any]) -> Loss:
    """The loss of that name with its parameters: (margins, labels) -> (loss, derivative), shaped as the margins
    (the loss without the class axis)."""
    margin = np.float32(hyperparameters["margin"])
    quantile = np.float32(hyperparameters["quantile"])
    insensitivity = np.float32(hyperparameters["loss_insensitivity"])
    delta = np.float32(hyperparameters["huber_delta"])

    def logistic(margins: Array, labels: Array) -> tuple[Array, Array]:
        loss = np.maximum(margins, 0) - margins * labels + np.log1p(np.exp(-np.abs(margins)))
        return loss, sigmoid(margins) - labels

    def hinge(margins: Array, labels: Array) -> tuple[Array, Array]:
        sign = 2 * labels - 1
        slack = np.maximum(margin - sign * margins, 0)
        return slack, np.where(slack > 0, -sign, 0).astype(np.float32)

    def squared(margins: Array, labels: Array) -> tuple[Array, Array]:
        error = margins - labels
        return error * error, 2 * error

    def absolute(margins: Array, labels: Array) -> tuple[Array, Array]:
        error = margins - labels
        return np.abs(error), np.sign(error)

    def eps_insensitive_squared(margins: Array, labels: Array) -> tuple[Array, Array]:
        error = margins - labels
        excess = np.maximum(np.abs(error) - insensitivity, 0)
        return excess * excess, 2 * excess * np.sign(error)

    def eps_insensitive_absolute(margins: Array, labels: Array) -> tuple[Array, Array]:
        error = margins - labels
        excess = np.maximum(np.abs(error) - insensitivity, 0)
        return excess, np.where(excess > 0, np.sign(error), 0).astype(np.float32)

    def quantile_loss(margins: Array, labels: Array) -> tuple[Array, Array]:
        missing = labels - margins
        slope = np.where(missing > 0, quantile, quantile - 1).astype(np.float32)
        return slope * missing, -slope

    def huber(margins: Array, labels: Array) -> tuple[Array, Array]:
        error = margins - labels
        size = np.abs(error)
        loss = np.where(size <= delta, error * error / 2, delta * (size - delta / 2))
        return loss.astype(np.float32), np.clip(error, -delta, delta).astype(np.float32)

    def softmax(margins: Array, labels: Array) -> tuple[Array, Array]:
        probabilities = softmax_scores(margins)
        rows = np.arange(len(labels))
        classes = labels.astype(np.int64)
        loss = -np.log(np.maximum(probabilities[rows, :, classes], np.float32(1e-30)))
        probabilities[rows, :, classes] -= 1
        return loss, probabilities

    return {
        "logistic": logistic,
        "hinge_loss": hinge,
        "squared_loss": squared,
        "absolute_loss": absolute,
        "eps_insensitive_squared_loss": eps_insensitive_squared,
        "eps_insensitive_absolute_loss": eps_insensitive_absolute,
        "quantile_loss": quantile_loss,
        "huber_loss": huber,
        "softmax_loss": softmax,
    }[name]


def softmax_scores(margins: Array) -> Array:
    """Probabilities over the last axis."""
    exponentials = np.exp(margins - margins.max(axis=-1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True), np.float32)
