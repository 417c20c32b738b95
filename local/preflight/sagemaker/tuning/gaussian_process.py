"""Bayesian search: a Gaussian process over what is known says which combination promises the most.

AWS describes its own search so, and does not publish it.

https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-how-it-works.html
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

MOST_OBSERVED = 120  # the time that a process takes grows with their cube: of more, the best and the newest
CANDIDATES, NEIGHBOURS = 1000, 300  # anywhere, and around the best
_LENGTHS, _NOISES = (0.1, 0.2, 0.4, 0.8, 1.6), (1e-6, 1e-3, 1e-1)  # of a unit cube, and of a variance of 1
_STEPS = (0.2, 0.05, 0.01)

Array = np.ndarray[Any, np.dtype[np.float64]]


class GaussianProcessSampler(optuna.samplers.BaseSampler):  # type: ignore[misc]
    """Random until ``random_first`` trials have ended. Those that run are taken to come out as expected."""

    def __init__(self, distributions: dict[str, BaseDistribution], random_first: int, seed: int) -> None:
        self._distributions = distributions
        self._random_first = random_first
        self._random = np.random.default_rng(seed)
        self._independent = optuna.samplers.RandomSampler(seed)

    def infer_relative_search_space(self, study: optuna.study.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return self._distributions

    def sample_relative(
        self, study: optuna.study.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        trials = [each for each in ended if each.value is not None and np.isfinite(each.value)]
        if len(trials) < self._random_first:
            return {}
        sign = -1 if study.direction == StudyDirection.MAXIMIZE else 1
        values = np.array([sign * (each.value or 0.0) for each in trials])
        if len(trials) > MOST_OBSERVED:
            kept = np.union1d(np.argsort(values)[: MOST_OBSERVED // 2], np.arange(len(values))[-MOST_OBSERVED // 2 :])
            trials, values = [trials[place] for place in kept], values[kept]
        running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        pending = [each for each in running if each.params.keys() >= search_space.keys()]
        process = _Process(self._points(trials), _standard(values))
        if pending:
            process.believe(self._points(pending))
        return self._read(self._best(process))

    def sample_independent(
        self,
        study: optuna.study.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        return self._independent.sample_independent(study, trial, param_name, param_distribution)

    def _best(self, process: "_Process") -> Array:
        """The candidate that promises most; the last step looks around what was found."""
        size = process.points.shape[1]
        candidates = self._random.random((CANDIDATES, size))
        found: Array = candidates[np.argmax(process.improvements(candidates))]
        for step in _STEPS:
            around = np.vstack([found, process.points[np.argmin(process.values)]])
            places = around[self._random.integers(len(around), size=NEIGHBOURS)]
            moved = np.clip(places + self._random.normal(0, step, places.shape), 0, 1)
            candidates = np.vstack([found, moved])
            found = candidates[np.argmax(process.improvements(candidates))]
        return found

    def _points(self, trials: Sequence[FrozenTrial]) -> Array:
        rows = [
            [x for name, each in self._distributions.items() for x in _place(each, trial.params[name])]
            for trial in trials
        ]
        return np.array(rows, dtype=float)

    def _read(self, point: Array) -> dict[str, Any]:
        left, params = list(point), {}
        for name, each in self._distributions.items():
            width = len(each.choices) if isinstance(each, CategoricalDistribution) else 1
            params[name] = _value(each, left[:width])
            left = left[width:]
        return params


class _Process:
    """A Gaussian process with a Matern kernel, whose lengths and noise make ``values`` the most likely."""

    def __init__(self, points: Array, values: Array) -> None:
        self.points, self.values = points, values
        ones = np.ones(points.shape[1])
        self._lengths, self._noise = max(
            ((length * ones, noise) for length in _LENGTHS for noise in _NOISES), key=lambda one: self._likelihood(*one)
        )
        for place in range(points.shape[1]):
            scales = (np.where(np.arange(len(ones)) == place, factor, 1.0) for factor in (1.0, 0.4, 3.0))
            self._lengths = max(
                (self._lengths * scale for scale in scales), key=lambda lengths: self._likelihood(lengths, self._noise)
            )
        self._solve()

    def believe(self, points: Array) -> None:
        """Take what is expected of ``points`` for observed."""
        means, _ = self._predict(points)
        self.points, self.values = np.vstack([self.points, points]), np.concatenate([self.values, means])
        self._solve()

    def improvements(self, candidates: Array) -> Array:
        """The expected improvement on the best value, of each."""
        means, deviations = self._predict(candidates)
        gains = self.values.min() - means
        ratios = gains / deviations
        density = np.exp(-(ratios**2) / 2) / np.sqrt(2 * np.pi)
        chances = np.array([(1 + math.erf(ratio / math.sqrt(2))) / 2 for ratio in ratios])
        improvements: Array = gains * chances + deviations * density
        return improvements

    def _predict(self, candidates: Array) -> tuple[Array, Array]:
        shared = _matern(candidates, self.points, self._lengths)
        variances = 1 - ((shared @ self._inverse) * shared).sum(1)
        return shared @ self._weights, np.sqrt(np.maximum(variances, 1e-12))

    def _solve(self) -> None:
        self._inverse = np.linalg.inv(self._covariance(self._lengths, self._noise))
        self._weights = self._inverse @ self.values

    def _covariance(self, lengths: Array, noise: float) -> Array:
        return _matern(self.points, self.points, lengths) + noise * np.eye(len(self.points))

    def _likelihood(self, lengths: Array, noise: float) -> float:
        """Its logarithm, less what odd lengths cost."""
        try:
            factor = np.linalg.cholesky(self._covariance(lengths, noise))
        except np.linalg.LinAlgError:
            return -math.inf
        fit = (np.linalg.solve(factor, self.values) ** 2).sum() / 2 + np.log(np.diag(factor)).sum()
        return float(-fit - (np.log(lengths / 0.5) ** 2).sum() / 8)


def _matern(one: Array, other: Array, lengths: Array) -> Array:
    """The covariance of points by their distance, smooth to the second degree."""
    a, b = one / lengths, other / lengths
    squares = np.maximum((a**2).sum(1)[:, None] + (b**2).sum(1)[None, :] - 2 * a @ b.T, 0)
    distances = np.sqrt(5 * squares)
    kernel: Array = (1 + distances + 5 * squares / 3) * np.exp(-distances)
    return kernel


def _standard(values: Array) -> Array:
    """With mean 0 and variance 1. By how much a bad one is worse than others, counts by its logarithm."""
    scaled = values / (np.abs(values).max() or 1.0)  # whose squares are finite
    scaled = (scaled - np.median(scaled)) / (scaled.std() or 1.0)
    flat = np.where(scaled > 0, np.log1p(np.maximum(scaled, 0)), scaled)
    standard: Array = (flat - flat.mean()) / (flat.std() or 1.0)
    return standard


def _place(distribution: BaseDistribution, value: Any) -> list[float]:
    """Where in the unit cube a value is; of a choice, one edge for each."""
    if isinstance(distribution, CategoricalDistribution):
        return [float(choice == value) for choice in distribution.choices]
    low, high = _ends(distribution)
    number = np.log(value) if distribution.log else value
    return [float((number - low) / (high - low)) if high > low else 0.5]


def _value(distribution: BaseDistribution, place: Sequence[float]) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[int(np.argmax(place))]
    low, high = _ends(distribution)
    number = low + place[0] * (high - low)
    if distribution.log:
        number = np.exp(number)
    if isinstance(distribution, IntDistribution):
        number = round(number)
    kind = int if isinstance(distribution, IntDistribution) else float
    return kind(min(max(number, distribution.low), distribution.high))


def _ends(distribution: BaseDistribution) -> tuple[float, float]:
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    if distribution.log:
        return float(np.log(distribution.low)), float(np.log(distribution.high))
    return float(distribution.low), float(distribution.high)
