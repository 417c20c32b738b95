"""Strategy: which combination of hyperparameters a tuning job tries next.

https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-how-it-works.html
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from preflight.sagemaker.tuning.search_space import SearchSpace, Values


class Suggestion(NamedTuple):
    """``number`` counts a strategy's suggestions from 0."""

    number: int
    values: Values


class Observation(NamedTuple):
    """What came of a combination, in this tuning job or another."""

    values: Values
    objective: float


class Strategy(Protocol):
    def suggest(self) -> Suggestion | None:
        """The next combination to try, one that was not tried before; None if there is none."""

    def report(self, number: int, objectives: Sequence[float]) -> bool:
        """Take the values of the objective so far, one an epoch; whether it is to be given up."""

    def tell(self, number: int, objective: float | None) -> None:
        """Take what came of it: None if nothing did."""


@dataclass(frozen=True)
class Search:
    """What a strategy is made for. ``max_resource``: how many epochs a training job runs at most, for Hyperband."""

    space: SearchSpace
    maximizes: bool
    seed: int
    prior: Sequence[Observation] = ()
    min_resource: int = 1
    max_resource: int = 1


def make_strategy(name: str, search: Search) -> Strategy:
    """The strategy that AWS calls ``name``; the same seed and the same results give the same suggestions."""
    if name == "Grid":
        return Grid(search.space)
    from preflight.sagemaker.tuning import sampling  # Optuna takes a second to import: not before it is needed

    return sampling.make(name, search)


class Grid:
    """Every combination once, in order."""

    def __init__(self, space: SearchSpace) -> None:
        self._left = enumerate(space.every())

    def suggest(self) -> Suggestion | None:
        found = next(self._left, None)
        return Suggestion(*found) if found else None

    def report(self, number: int, objectives: Sequence[float]) -> bool:
        return False

    def tell(self, number: int, objective: float | None) -> None:
        """Nothing is learnt."""
