"""Random, Bayesian and Hyperband, by Optuna's ask and tell.

https://optuna.readthedocs.io/en/stable/reference/samplers/index.html
"""

from collections.abc import Sequence
from random import Random
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from preflight.sagemaker.tuning.gaussian_process import GaussianProcessSampler
from preflight.sagemaker.tuning.search_space import (
    LOGARITHMIC,
    REVERSE_LOGARITHMIC,
    CategoricalDimension,
    ContinuousDimension,
    Dimension,
    IntegerDimension,
    SearchSpace,
    Values,
)
from preflight.sagemaker.tuning.strategy import Observation, Search, Strategy, Suggestion

RANDOM_FIRST = 5  # trials of a Bayesian search before it has anything to go by
HYPERBAND_REDUCTION = 3
DRAWS = 100  # for a combination that was not tried yet, before all are looked through

optuna.logging.set_verbosity(optuna.logging.WARNING)


def make(name: str, search: Search) -> Strategy:
    """The strategy that AWS calls ``name``."""
    pruner: optuna.pruners.BasePruner = optuna.pruners.NopPruner()
    sampler: optuna.samplers.BaseSampler = optuna.samplers.RandomSampler(seed=search.seed)
    if name == "Bayesian":
        sampler = GaussianProcessSampler(distributions_of(search.space), RANDOM_FIRST, search.seed)
    elif name == "Hyperband":
        pruner = optuna.pruners.HyperbandPruner(search.min_resource, search.max_resource, HYPERBAND_REDUCTION)
    return Sampling(search, sampler, pruner)


class Sampling:
    """Suggests what ``sampler`` draws, never the same twice; gives up what ``pruner`` says."""

    def __init__(self, search: Search, sampler: optuna.samplers.BaseSampler, pruner: optuna.pruners.BasePruner) -> None:
        direction = "maximize" if search.maximizes else "minimize"
        self._space = search.space
        self._random = Random(search.seed)
        self._study = optuna.create_study(sampler=sampler, pruner=pruner, direction=direction)
        self._distributions = distributions_of(search.space)
        self._trials: list[optuna.trial.Trial] = []
        self._reported: list[int] = []
        self._tried: set[tuple[str, ...]] = set()
        for observation in search.prior:
            self._learn(observation)

    def suggest(self) -> Suggestion | None:
        trial = self._study.ask(self._distributions)
        values = self._write(trial.params)
        if self._is_tried(values):
            self._study.tell(trial, state=TrialState.FAIL)
            fresh = self._fresh()
            if fresh is None:
                return None
            values = fresh
            self._study.enqueue_trial(self._read(values) or {})
            trial = self._study.ask(self._distributions)
        self._tried.add(tuple(values.values()))
        self._trials.append(trial)
        self._reported.append(0)
        return Suggestion(len(self._trials) - 1, values)

    def report(self, number: int, objectives: Sequence[float]) -> bool:
        trial, known = self._trials[number], self._reported[number]
        for epoch, objective in enumerate(objectives[known:], start=known + 1):
            trial.report(objective, epoch)
        self._reported[number] = len(objectives)
        return len(objectives) > known and trial.should_prune()

    def tell(self, number: int, objective: float | None) -> None:
        state = TrialState.FAIL if objective is None else TrialState.COMPLETE
        self._study.tell(self._trials[number], objective, state=state)

    def _learn(self, observation: Observation) -> None:
        """Take what was observed elsewhere, if it is a combination of this search."""
        params = self._read(observation.values)
        if params is not None:
            self._study.add_trial(
                optuna.trial.create_trial(params=params, distributions=self._distributions, value=observation.objective)
            )

    def _fresh(self) -> Values | None:
        """Any combination that was not tried."""
        for _ in range(DRAWS):
            values = self._space.draw(self._random)
            if not self._is_tried(values):
                return values
        return next((values for values in self._space.every() if not self._is_tried(values)), None)

    def _is_tried(self, values: Values) -> bool:
        return tuple(values.values()) in self._tried

    def _write(self, params: dict[str, Any]) -> Values:
        return {each.name: _write(each, params[each.name]) for each in self._space.dimensions}

    def _read(self, values: Values) -> dict[str, Any] | None:
        """``values`` as Optuna has them; None if one is missing, or beyond its range."""
        params: dict[str, Any] = {}
        for each in self._space.dimensions:
            value = each.read(values.get(each.name, ""))
            if value is None:
                return None
            params[each.name] = 1 - float(value) if _is_reversed(each) else value
        return params


def distributions_of(space: SearchSpace) -> dict[str, BaseDistribution]:
    return {each.name: _distribution(each) for each in space.dimensions}


def _is_reversed(dimension: Dimension) -> bool:
    """Whether Optuna searches its distance from 1."""
    return not isinstance(dimension, CategoricalDimension) and dimension.scale == REVERSE_LOGARITHMIC


def _distribution(dimension: Dimension) -> BaseDistribution:
    if isinstance(dimension, CategoricalDimension):
        return CategoricalDistribution(dimension.values)
    if isinstance(dimension, IntegerDimension):
        return IntDistribution(dimension.low, dimension.high, log=dimension.scale == LOGARITHMIC)
    if _is_reversed(dimension):
        return FloatDistribution(1 - dimension.high, 1 - dimension.low, log=True)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.scale == LOGARITHMIC)


def _write(dimension: Dimension, value: Any) -> str:
    if isinstance(dimension, ContinuousDimension) and _is_reversed(dimension):
        return repr(min(max(1 - value, dimension.low), dimension.high))
    return repr(value) if isinstance(value, float) else str(value)
