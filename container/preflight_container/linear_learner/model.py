"""A trained linear model: what the artifact holds and what serving needs."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preflight_container.linear_learner.hyperparameters import BINARY, MULTICLASS
from preflight_container.linear_learner.losses import sigmoid, softmax_scores

Array = NDArray[np.float32]


@dataclass(frozen=True)
class LinearModel:
    """Weights on raw features.

    Attributes:
        weights: shape (feature_dim, outputs); one output, or one per class.
        bias: shape (outputs,).
        threshold: the score from which on a binary model says 1; None for the other types.
        metrics_params: the loss's parameters, kept in the artifact as AWS keeps them.
    """

    weights: Array
    bias: Array
    predictor_type: str
    loss: str
    threshold: float | None = None
    metrics_params: dict[str, Any] = field(default_factory=dict)

    @property
    def feature_dim(self) -> int:
        return len(self.weights)

    def scores(self, features: Array) -> Array:
        """Scores of features of shape (n, feature_dim).

        Shape (n,): the probability of 1 (the margin for hinge_loss), or the predicted number. For a multiclass
        model shape (n, classes): the probabilities.
        """
        return self.scores_of_margins(features @ self.weights + self.bias)

    def scores_of_margins(self, margins: Array) -> Array:
        """The scores that margins of shape (n, outputs) stand for, shaped as `scores` returns them."""
        if self.predictor_type == MULTICLASS:
            return softmax_scores(margins)
        return sigmoid(margins[:, 0]) if self.loss == "logistic" else margins[:, 0]

    def predicted_labels(self, scores: Array) -> NDArray[np.int64] | None:
        """The class each score stands for; None for a regressor."""
        if self.predictor_type == BINARY:
            return (scores >= np.float32(self.threshold or 0)).astype(np.int64)
        if self.predictor_type == MULTICLASS:
            return scores.argmax(axis=1)
        return None
