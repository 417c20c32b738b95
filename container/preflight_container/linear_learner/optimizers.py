"""Optimizers that move all candidate models' weights in one step."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

AUTO_MOMENTUM = 0.9
AUTO_BETA_1 = 0.9
AUTO_BETA_2 = 0.999
RMSPROP_DECAY = 0.9
EPSILON = np.float32(1e-8)


class Optimizer(Protocol):
    """Keeps its own averages for one array of weights."""

    def update(self, gradient: Array, learning_rate: Array) -> Array:
        """What to subtract from the weights; the learning rate broadcasts over them."""
        ...


class Adam:
    """https://arxiv.org/abs/1412.6980"""

    def __init__(self, shape: tuple[int, ...], beta_1: float, beta_2: float) -> None:
        self._mean = np.zeros(shape, np.float32)
        self._square = np.zeros(shape, np.float32)
        self._beta_1, self._beta_2 = np.float32(beta_1), np.float32(beta_2)
        self._steps = 0

    def update(self, gradient: Array, learning_rate: Array) -> Array:
        self._steps += 1
        self._mean += (1 - self._beta_1) * (gradient - self._mean)
        self._square += (1 - self._beta_2) * (gradient * gradient - self._square)
        mean = self._mean / np.float32(1 - float(self._beta_1) ** self._steps)
        square = self._square / np.float32(1 - float(self._beta_2) ** self._steps)
        step = learning_rate * mean / (np.sqrt(square) + EPSILON)
        return np.asarray(step, np.float32)


class Sgd:
    """Stochastic gradient descent with momentum."""

    def __init__(self, shape: tuple[int, ...], momentum: float) -> None:
        self._velocity = np.zeros(shape, np.float32)
        self._momentum = np.float32(momentum)

    def update(self, gradient: Array, learning_rate: Array) -> Array:
        self._velocity *= self._momentum
        self._velocity += learning_rate * gradient
        return self._velocity


class RmsProp:
    """Each weight's step divided by the running size of its gradient."""

    def __init__(self, shape: tuple[int, ...], momentum: float) -> None:
        self._square = np.zeros(shape, np.float32)
        self._velocity = np.zeros(shape, np.float32)
        self._momentum = np.float32(momentum)

    def update(self, gradient: Array, learning_rate: Array) -> Array:
        self._square += np.float32(1 - RMSPROP_DECAY) * (gradient * gradient - self._square)
        self._velocity *= self._momentum
        self._velocity += learning_rate * gradient / (np.sqrt(self._square) + EPSILON)
        return self._velocity


def make_optimizer(shape: tuple[int, ...], hyperparameters: Mapping[str, Any]) -> Optimizer:
    """The optimizer that the hyperparameters name ("auto" is adam)."""
    momentum = hyperparameters["momentum"]
    match hyperparameters["optimizer"] or "adam":
        case "sgd":
            return Sgd(shape, AUTO_MOMENTUM if momentum is None else momentum)
        case "rmsprop":
            return RmsProp(shape, momentum or 0.0)
        case _:
            beta_1, beta_2 = hyperparameters["beta_1"], hyperparameters["beta_2"]
            return Adam(
                shape,
                AUTO_BETA_1 if beta_1 is None else beta_1,
                AUTO_BETA_2 if beta_2 is None else beta_2,
            )
