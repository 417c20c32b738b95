"""Mini-batch descent on all candidate models at once: one matrix of weights, a column (or more) per model."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preflight_container.linear_learner.candidates import Candidate
from preflight_container.linear_learner.losses import make_loss
from preflight_container.linear_learner.optimizers import make_optimizer

Array = NDArray[np.float32]

AUTO_LR_FACTOR = 0.99
AUTO_LR_DECAYS = 400  # so that the last steps are at 2 % of the first, however long the training
AUTO_MINIMUM_LR = 1e-5
AUTO_BIAS_LR_MULT = 1.0
AUTO_BIAS_WD_MULT = 0.0


class Solver:
    """The weights of all candidates while they train, on normalised features and labels.

    `weights` has shape (feature_dim, models * outputs), `bias` (models * outputs,); the outputs of one model are
    neighbours.
    """

    def __init__(
        self,
        candidates: Sequence[Candidate],
        hyperparameters: Mapping[str, Any],
        *,
        feature_dim: int,
        outputs: int,
        total_steps: int,
        rng: np.random.Generator,
    ) -> None:
        self.models = len(candidates)
        self.outputs = outputs
        columns = self.models * outputs
        self._softmax = hyperparameters["loss"] == "softmax_loss"
        self._loss = make_loss(hyperparameters["loss"], hyperparameters)
        self._use_bias: bool = hyperparameters["use_bias"]
        self.weights = _initial(hyperparameters, (feature_dim, columns), rng)
        self.bias = np.full(columns, hyperparameters["init_bias"] if self._use_bias else 0, np.float32)
        self._optimize_weights = make_optimizer(self.weights.shape, hyperparameters)
        self._optimize_bias = make_optimizer(self.bias.shape, hyperparameters)
        self._learning_rate = self._per_column([c.learning_rate for c in candidates])
        self._wd = self._per_column([c.wd for c in candidates])
        self._l1 = self._per_column([c.l1 for c in candidates])
        self._positive_weight = np.array([c.positive_example_weight_mult for c in candidates], np.float32)
        self._weighs_positives = bool((self._positive_weight != 1).any())
        self._bias_lr_mult = np.float32(_auto(hyperparameters["bias_lr_mult"], AUTO_BIAS_LR_MULT))
        self._bias_wd_mult = np.float32(_auto(hyperparameters["bias_wd_mult"], AUTO_BIAS_WD_MULT))
        self._schedule = _Schedule(hyperparameters, total_steps)

    def step(self, features: Array, labels: Array, record_weights: Array | None = None) -> Array:
        """One step on a mini-batch; returns each model's mean loss before it, shape (models,).

        Args:
            features: shape (n, feature_dim).
            labels: shape (n,).
            record_weights: shape (n,), how much each record counts, or None for all the same.
        """
        losses, slopes = self._losses(features, labels, record_weights)
        slopes = slopes.reshape(len(labels), -1) / np.float32(len(labels))
        rate = self._schedule.next(self._learning_rate)
        gradient = features.T @ slopes
        gradient += self._wd * self.weights
        self.weights -= self._optimize_weights.update(gradient, rate)
        if self._l1.any():
            shrunk = np.maximum(np.abs(self.weights) - rate * self._l1, 0)
            self.weights = np.copysign(shrunk, self.weights)
        if self._use_bias:
            bias_gradient = slopes.sum(axis=0) + self._bias_wd_mult * self._wd * self.bias
            self.bias -= self._optimize_bias.update(bias_gradient, self._bias_lr_mult * rate)
        return losses

    def mean_losses(self, features: Array, labels: Array, record_weights: Array | None = None) -> Array:
        """Each model's mean loss on some rows, shape (models,)."""
        return self._losses(features, labels, record_weights)[0]

    def _losses(self, features: Array, labels: Array, record_weights: Array | None) -> tuple[Array, Array]:
        margins = features @ self.weights + self.bias
        if self._softmax:
            losses, slopes = self._loss(margins.reshape(-1, self.models, self.outputs), labels)
        else:
            losses, slopes = self._loss(margins, labels[:, None])
        if self._weighs_positives:
            weights = np.where(labels[:, None] == 1, self._positive_weight, np.float32(1))
            losses, slopes = losses * weights, slopes * weights
        if record_weights is not None:
            losses = losses * record_weights[:, None]
            slopes = slopes * record_weights.reshape(-1, *[1] * (slopes.ndim - 1))
        return losses.mean(axis=0), slopes

    def _per_column(self, values: list[float]) -> Array:
        return np.repeat(np.array(values, np.float32), self.outputs)


class _Schedule:
    """The learning rates fall by a factor every so many steps, down to a minimum."""

    def __init__(self, hyperparameters: Mapping[str, Any], total_steps: int) -> None:
        self._on: bool = hyperparameters["use_lr_scheduler"]
        self._every = hyperparameters["lr_scheduler_step"] or max(1, total_steps // AUTO_LR_DECAYS)
        self._factor = hyperparameters["lr_scheduler_factor"] or AUTO_LR_FACTOR
        self._minimum = np.float32(hyperparameters["lr_scheduler_minimum_lr"] or AUTO_MINIMUM_LR)
        self._steps = 0

    def next(self, learning_rates: Array) -> Array:
        if not self._on:
            return learning_rates
        factor = np.float32(self._factor ** (self._steps // self._every))
        self._steps += 1
        slower: Array = np.maximum(learning_rates * factor, np.minimum(self._minimum, learning_rates))
        return slower


def _initial(hyperparameters: Mapping[str, Any], shape: tuple[int, int], rng: np.random.Generator) -> Array:
    if hyperparameters["init_method"] == "normal":
        return rng.normal(0, hyperparameters["init_sigma"], shape).astype(np.float32)
    scale = hyperparameters["init_scale"]
    return rng.uniform(-scale, scale, shape).astype(np.float32)


def _auto(value: float | None, auto: float) -> float:
    return auto if value is None else value
