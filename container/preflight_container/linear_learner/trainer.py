"""The training loop over epochs, with AWS's log lines and early stopping, and the choice of the best model."""

import json
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from preflight_container.dataset import Dataset
from preflight_container.errors import CustomerError
from preflight_container.linear_learner.calibration import MarginCounts, best_model_and_margin, criterion_values
from preflight_container.linear_learner.candidates import Candidate, make_candidates
from preflight_container.linear_learner.hyperparameters import BINARY, LOSS_CRITERIA, MULTICLASS, REGRESSOR
from preflight_container.linear_learner.losses import sigmoid
from preflight_container.linear_learner.metrics import OBJECTIVES
from preflight_container.linear_learner.model import LinearModel
from preflight_container.linear_learner.scaler import Scaler
from preflight_container.linear_learner.solver import Solver
from preflight_container.log import Progress, log

Array = NDArray[np.float32]
Losses = NDArray[np.float64]

SEED = 0
AUTO_CALIBRATION_SAMPLES = 10_000_000
STEPS_PER_EPOCH = 50  # with fewer rows than this many default mini-batches, the mini-batches get smaller


class Trainer:
    """One job's training.

    Args:
        values: the hyperparameters as `read_hyperparameters` returns them, feature_dim resolved.
        train: the rows to learn from.
        validation: the rows to choose by, or None to choose by the train rows.
    """

    def __init__(self, values: dict[str, Any], train: Dataset, validation: Dataset | None) -> None:
        self._values = values
        self._train = train
        self._judge = validation or train
        self._has_validation = validation is not None
        self._binary = values["predictor_type"] == BINARY
        self._objective = OBJECTIVES[values["loss"]]
        self._outputs = values["num_classes"] if values["predictor_type"] == MULTICLASS else 1
        self._rng = np.random.default_rng(SEED)
        self._batch_rows = self._mini_batch_size()
        self._class_counts = _class_counts(train, values)
        self._class_weights = self._balanced_class_weights()
        self._candidates = self._make_candidates()
        self._scaler = Scaler.fit(train, values, regression=values["predictor_type"] == REGRESSOR)
        self._solver = Solver(
            self._candidates,
            values,
            feature_dim=train.feature_dim,
            outputs=self._outputs,
            total_steps=values["epochs"] * -(-train.rows // self._batch_rows),
            rng=self._rng,
        )

    def train(self) -> LinearModel:
        """All epochs, or until early stopping, then the best model with its threshold."""
        epochs = self._values["epochs"]
        patience = _Patience(self._values["early_stopping_patience"], self._values["early_stopping_tolerance"])
        log(f"Training {len(self._candidates)} models on {self._train.rows} records.")
        for epoch in range(epochs):
            started = time.monotonic()
            with np.errstate(over="ignore", invalid="ignore"):  # models that diverge are left out of the choice
                losses = self._epoch(epoch)
            self._require_finite()
            self._log_losses(epoch, "train", losses, started)
            criterion, value, larger_is_better = self._judge_epoch(epoch, losses)
            log(f"#early_stopping_criteria_metric: host=algo-1, epoch={epoch}, criteria={criterion}, value={value!r}")
            log(f"#progress_metric: host=algo-1, completed {100 * (epoch + 1) / epochs:.2f} % of epochs")
            rate = self._train.rows / max(time.monotonic() - started, 1e-9)
            log(f"#throughput_metric: host=algo-1, train throughput={rate!r} records/second")
            if patience.is_over(-value if larger_is_better else value):
                log("Early stop condition met. Stopping training.")
                break
        return self._best_model()

    def _epoch(self, epoch: int) -> Losses:
        """One pass over the train rows; returns each model's mean loss."""
        total, rows = np.zeros(len(self._candidates)), 0
        progress = Progress()
        for labels, features in self._normalized(self._train, self._rng):
            weights = None if self._class_weights is None else self._class_weights[labels.astype(np.int64)]
            for start in range(0, len(labels), self._batch_rows):
                batch = slice(start, start + self._batch_rows)
                loss = self._solver.step(features[batch], labels[batch], None if weights is None else weights[batch])
                size = len(labels[batch])
                total, rows = total + size * loss, rows + size
            progress.report(f"Epoch {epoch}: {rows} of {self._train.rows} records, loss {_least(total / rows):.6f}")
        return total / rows

    def _normalized(self, data: Dataset, shuffle: np.random.Generator | None = None) -> Iterator[tuple[Array, Array]]:
        for labels, features in data.blocks(shuffle):
            yield self._scaler.labels(labels), self._scaler.features(features)

    def _judge_epoch(self, epoch: int, train_losses: Losses) -> tuple[str, float, bool]:
        """(name, value, larger is better) of what early stopping looks at: the selection criterion or the loss on the
        validation rows, or the loss on the train rows when there are none."""
        if not self._has_validation:
            return self._objective, _least(train_losses), False
        losses = self._losses_on(self._judge)
        self._log_losses(epoch, "validation", losses)
        if self._values["stops_by_loss"]:
            return self._objective, _least(losses), False
        criterion = self._values["binary_classifier_model_selection_criteria"]
        return f"sampled_{criterion}", float(criterion_values(self._count().confusion(), self._values).max()), True

    def _losses_on(self, data: Dataset) -> Losses:
        total, rows = np.zeros(len(self._candidates)), 0
        progress = Progress()
        for labels, features in self._normalized(data):
            for part in _slices(len(labels), self._chunk_rows()):
                total += len(labels[part]) * self._solver.mean_losses(features[part], labels[part])
                rows += len(labels[part])
            progress.report(f"Evaluating the models: {rows} of {data.rows} records")
        return total / rows

    def _count(self) -> MarginCounts:
        """The margins of all models on the rows that judge, at most num_calibration_samples of them."""
        weights, bias = self._scaler.unfold(self._solver.weights, self._solver.bias)
        counts = MarginCounts(len(self._candidates))
        left = self._values["num_calibration_samples"] or AUTO_CALIBRATION_SAMPLES
        progress = Progress()
        for labels, features in self._judge.blocks():
            for part in _slices(min(len(labels), left), self._chunk_rows()):
                counts.add(features[part] @ weights + bias, labels[part])
            left -= min(len(labels), left)
            progress.report(f"Calibrating the models: {left} records at most are left")
            if not left:
                break
        return counts

    def _best_model(self) -> LinearModel:
        margin = 0.0
        criterion = self._values["binary_classifier_model_selection_criteria"]
        if self._binary and criterion not in LOSS_CRITERIA:
            best, margin = best_model_and_margin(self._count(), self._values, self._finite_models())
        else:
            losses = self._losses_on(self._judge)
            best = int(np.where(self._finite_models() & np.isfinite(losses), losses, np.inf).argmin())
        log(f"Best model found for hyperparameters: {json.dumps(self._candidates[best].as_json())}")
        weights, bias = self._scaler.unfold(self._solver.weights, self._solver.bias)
        mine = slice(best * self._outputs, (best + 1) * self._outputs)
        names = ("quantile", "loss_insensitivity", "huber_delta", "accuracy_top_k", "f_beta", "margin")
        threshold = None
        if self._binary:
            threshold = float(sigmoid(np.array(margin, np.float32))) if self._values["loss"] == "logistic" else margin
        return LinearModel(
            weights=np.ascontiguousarray(weights[:, mine]),
            bias=bias[mine],
            predictor_type=self._values["predictor_type"],
            loss=self._values["loss"],
            threshold=threshold,
            metrics_params={
                "eps_insensitive_loss_type": None,
                "class_weights": None if self._class_weights is None else self._class_weights.tolist(),
                "positive_example_weight_mult": self._candidates[best].positive_example_weight_mult,
                **{name: self._values[name] for name in names},
            },
        )

    def _finite_models(self) -> NDArray[np.bool_]:
        """Which models have weights that are numbers still, shape (models,)."""
        finite = np.isfinite(self._solver.weights).all(axis=0) & np.isfinite(self._solver.bias)
        return np.asarray(finite.reshape(len(self._candidates), self._outputs).all(axis=1))

    def _require_finite(self) -> None:
        if not self._finite_models().any():
            raise CustomerError(
                "Training diverged: no model's weights are finite any more. Use a smaller learning_rate, or "
                "normalize_data true."
            )

    def _make_candidates(self) -> list[Candidate]:
        negatives, positives = (self._class_counts if self._binary else (1.0, 1.0))[:2]
        ratio = negatives / positives if negatives and positives else 1.0
        return make_candidates(self._values, outputs=self._outputs, negatives_per_positive=float(ratio))

    def _balanced_class_weights(self) -> Array | None:
        if self._values["predictor_type"] != MULTICLASS or not self._values["balance_multiclass_weights"]:
            return None
        counts = np.maximum(self._class_counts, 1)
        weights: Array = (counts.sum() / (len(counts) * counts)).astype(np.float32)
        return weights

    def _mini_batch_size(self) -> int:
        size: int = self._values["mini_batch_size"]
        if self._values["mini_batch_size_given"]:
            return size
        return max(1, min(size, self._train.rows // STEPS_PER_EPOCH))

    def _chunk_rows(self) -> int:
        """Rows whose margins of all models fit into 32 MB."""
        return max(1, (8 << 20) // (len(self._candidates) * self._outputs))

    def _log_losses(self, epoch: int, channel: str, losses: Losses, started: float | None = None) -> None:
        """The best model's loss as the epoch's figure, and one #metrics line per model."""
        now = time.time()
        begin = now if started is None else now - (time.monotonic() - started)
        for model, loss in enumerate(losses):
            name = f"{channel}_{self._objective}"
            metrics = {name: {key: float(loss) for key in ("sum", "min", "max")} | {"count": 1}}
            dimensions = {
                "Algorithm": "Linear Learner",
                "Host": "algo-1",
                "Operation": "training" if channel == "train" else "validation",
                "epoch": epoch,
                "model": model,
            }
            line = {"StartTime": begin, "EndTime": now, "Dimensions": dimensions, "Metrics": metrics}
            print(f"#metrics {json.dumps(line)}")
        log(f"#quality_metric: host=algo-1, epoch={epoch}, {channel} {self._objective} <loss>={_least(losses)!r}")


class _Patience:
    """Counts the epochs that brought no improvement worth the name. Smaller values are better."""

    def __init__(self, epochs: int, tolerance: float) -> None:
        self._epochs = epochs
        self._tolerance = tolerance
        self._best = float("inf")
        self._waited = 0

    def is_over(self, value: float) -> bool:
        """Whether `epochs` epochs in a row brought nothing."""
        if self._best == float("inf") or self._best - value > self._tolerance * abs(self._best):
            self._best, self._waited = min(self._best, value), 0
        else:
            self._waited += 1
        return self._waited >= self._epochs


def _least(losses: Losses) -> float:
    """The smallest loss; infinity when none is a number."""
    return float(np.where(np.isnan(losses), np.inf, losses).min())


def _class_counts(train: Dataset, values: dict[str, Any]) -> NDArray[np.float64]:
    classes = 2 if values["predictor_type"] == BINARY else values["num_classes"]
    counts = np.zeros(classes)
    if values["predictor_type"] != REGRESSOR:
        for labels, _ in train.blocks():
            counts += np.bincount(labels.astype(np.int64), minlength=classes)
    return counts


def _slices(rows: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, rows)) for start in range(0, rows, size))
