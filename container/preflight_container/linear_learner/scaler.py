"""Normalisation by the first rows of the train channel, and its undoing in the weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from preflight_container.dataset import Dataset

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Scaler:
    """(x - shift) / scale for features (arrays of shape (feature_dim,)) and the label (numbers)."""

    shift: Array
    scale: Array
    label_shift: float
    label_scale: float

    @classmethod
    def fit(cls, data: Dataset, hyperparameters: Mapping[str, Any], *, regression: bool) -> Self:
        """From the first num_point_for_scaler rows. Features that never change there get scale 1.

        What is shifted needs a bias to be shifted back, so without use_bias nothing is.
        """
        points = hyperparameters["num_point_for_scaler"]
        normalize_data = _resolve(hyperparameters["normalize_data"], True)
        use_bias = hyperparameters["use_bias"]
        unbias_data = use_bias and _resolve(hyperparameters["unbias_data"], True)
        normalize_label = regression and _resolve(hyperparameters["normalize_label"], True)
        unbias_label = regression and use_bias and _resolve(hyperparameters["unbias_label"], True)
        labels, features = _first_rows(data, points)
        mean, deviation = features.mean(axis=0), features.std(axis=0)
        deviation[deviation <= 1e-12 * np.maximum(np.abs(mean), 1)] = 1
        return cls(
            shift=(mean if unbias_data else np.zeros_like(mean)).astype(np.float32),
            scale=(deviation if normalize_data else np.ones_like(mean)).astype(np.float32),
            label_shift=float(labels.mean()) if unbias_label else 0.0,
            label_scale=(float(labels.std()) or 1.0) if normalize_label else 1.0,
        )

    def features(self, raw: Array) -> Array:
        return (raw - self.shift) / self.scale

    def labels(self, raw: Array) -> Array:
        return (raw - np.float32(self.label_shift)) / np.float32(self.label_scale)

    def unfold(self, weights: Array, bias: Array) -> tuple[Array, Array]:
        """Weights (feature_dim, n) and bias (n,) that give the same answers on raw features and labels."""
        raw = weights.astype(np.float64) / self.scale[:, None] * self.label_scale
        raw_bias = bias.astype(np.float64) * self.label_scale + self.label_shift - self.shift.astype(np.float64) @ raw
        return raw.astype(np.float32), raw_bias.astype(np.float32)


def _first_rows(data: Dataset, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    labels, features, rows = [], [], 0
    for block_labels, block_features in data.blocks():
        labels.append(block_labels[: count - rows].astype(np.float64))
        features.append(block_features[: count - rows].astype(np.float64))
        rows += len(labels[-1])
        if rows >= count:
            break
    return np.concatenate(labels), np.concatenate(features)


def _resolve(value: bool | None, auto: bool) -> bool:
    return auto if value is None else value
