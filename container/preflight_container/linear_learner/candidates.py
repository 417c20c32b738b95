"""The models trained beside each other: a grid over what the request left on "auto"."""

import itertools
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

LEARNING_RATES = (0.1, 0.02, 0.3, 0.005)
WEIGHT_DECAYS = (1e-4, 0.0, 1e-3, 1e-2)
L1S = (0.0, 1e-4)
AUTO_MODELS = 32
AUTO_MODEL_OUTPUTS = 4096  # weights per feature that "auto" allows over all models of a multiclass job


@dataclass(frozen=True)
class Candidate:
    """What one model of the grid does differently."""

    learning_rate: float
    wd: float
    l1: float
    positive_example_weight_mult: float

    def as_json(self) -> dict[str, float]:
        return asdict(self)


def make_candidates(
    hyperparameters: Mapping[str, Any], *, outputs: int, negatives_per_positive: float
) -> list[Candidate]:
    """The grid: num_models of them, most promising first; given values are kept fixed.

    Args:
        outputs: margins per model, 1 or the number of classes.
        negatives_per_positive: what positive_example_weight_mult "balanced" stands for.
    """
    rates = _choices(hyperparameters["learning_rate"], LEARNING_RATES)
    decays = _choices(hyperparameters["wd"], WEIGHT_DECAYS)
    l1s = _choices(hyperparameters["l1"], L1S)
    mults = _positive_weights(hyperparameters["positive_example_weight_mult"], negatives_per_positive)
    grid = [Candidate(rate, wd, l1, mult) for l1, wd, mult, rate in itertools.product(l1s, decays, mults, rates)]
    count = hyperparameters["num_models"] or max(1, min(AUTO_MODELS, AUTO_MODEL_OUTPUTS // outputs))
    return list(itertools.islice(itertools.cycle(grid), count))


def _choices(given: float | None, auto: tuple[float, ...]) -> tuple[float, ...]:
    return auto if given is None else (given,)


def _positive_weights(given: float | str, negatives_per_positive: float) -> tuple[float, ...]:
    if given == "balanced":
        return (negatives_per_positive,)
    if given == "auto":
        return (1.0, negatives_per_positive, math.sqrt(negatives_per_positive))
    return (float(given),)
