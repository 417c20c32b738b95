"""The hyperparameters that a tuning job searches, each with its values, read from ParameterRanges.

https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-define-ranges.html
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.tuning.request import CategoricalParameterRange, NumericParameterRange, ParameterRanges

LINEAR, LOGARITHMIC, REVERSE_LOGARITHMIC = "Linear", "Logarithmic", "ReverseLogarithmic"
AUTO_LOGARITHMIC_RATIO = 100  # Auto leaves the choice to AWS, which does not say how: here, by the ends' ratio

Values = dict[str, str]  # hyperparameters as a training job gets them


@dataclass(frozen=True)
class IntegerDimension:
    name: str
    low: int
    high: int
    scale: str

    @property
    def count(self) -> float:
        return self.high - self.low + 1

    def read(self, text: str) -> int | None:
        """The value that ``text`` is; None if it is none of these."""
        try:
            value = int(text)
        except ValueError:
            return None
        return value if self.low <= value <= self.high else None

    def draw(self, random: Random) -> str:
        return str(random.randint(self.low, self.high))

    def every(self) -> Iterator[str]:
        return map(str, range(self.low, self.high + 1))


@dataclass(frozen=True)
class ContinuousDimension:
    name: str
    low: float
    high: float
    scale: str

    @property
    def count(self) -> float:
        return math.inf

    def read(self, text: str) -> float | None:
        """The value that ``text`` is; None if it is none of these."""
        try:
            value = float(text)
        except ValueError:
            return None
        return value if self.low <= value <= self.high else None

    def draw(self, random: Random) -> str:
        return repr(random.uniform(self.low, self.high))

    def every(self) -> Iterator[str]:
        return iter(())


@dataclass(frozen=True)
class CategoricalDimension:
    name: str
    values: tuple[str, ...]

    @property
    def count(self) -> float:
        return len(self.values)

    def read(self, text: str) -> str | None:
        """``text``; None if it is none of these."""
        return text if text in self.values else None

    def draw(self, random: Random) -> str:
        return random.choice(self.values)

    def every(self) -> Iterator[str]:
        return iter(self.values)


Dimension = IntegerDimension | ContinuousDimension | CategoricalDimension


@dataclass(frozen=True)
class SearchSpace:
    dimensions: tuple[Dimension, ...]

    @classmethod
    def read(cls, ranges: ParameterRanges) -> "SearchSpace":
        """Raises ValidationException for a range that is none."""
        return cls(
            (
                *(_integer(each) for each in ranges.integer_parameter_ranges),
                *(_continuous(each) for each in ranges.continuous_parameter_ranges),
                *(_categorical(each) for each in ranges.categorical_parameter_ranges),
            )
        )

    @property
    def combinations(self) -> float:
        """How many there are: infinitely many with a continuous range."""
        return math.prod(dimension.count for dimension in self.dimensions)

    def draw(self, random: Random) -> Values:
        return {dimension.name: dimension.draw(random) for dimension in self.dimensions}

    def every(self) -> Iterator[Values]:
        """Every combination, the last hyperparameter's values fastest; none with a continuous range."""
        for values in itertools.product(*(dimension.every() for dimension in self.dimensions)):
            yield dict(zip((dimension.name for dimension in self.dimensions), values, strict=True))


def _integer(asked: NumericParameterRange) -> IntegerDimension:
    try:
        low, high = int(asked.min_value), int(asked.max_value)
    except ValueError:
        raise _no_range(asked, "its ends must be integers") from None
    _require_ends(asked, low, high)
    if asked.scaling_type == REVERSE_LOGARITHMIC:
        raise _no_range(asked, "ReverseLogarithmic is for continuous hyperparameters only")
    return IntegerDimension(asked.name, low, high, _scale(asked, low, high))


def _continuous(asked: NumericParameterRange) -> ContinuousDimension:
    try:
        low, high = float(asked.min_value), float(asked.max_value)
    except ValueError:
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high)):
        raise _no_range(asked, "its ends must be numbers")
    _require_ends(asked, low, high)
    if asked.scaling_type == REVERSE_LOGARITHMIC and not 0 <= low < high < 1:
        raise _no_range(asked, "ReverseLogarithmic needs values from 0 to below 1")
    return ContinuousDimension(asked.name, low, high, _scale(asked, low, high))


def _categorical(asked: CategoricalParameterRange) -> CategoricalDimension:
    if len(set(asked.values)) < len(asked.values):
        raise ValidationException(guessed(f"The values of the hyperparameter {asked.name} must be unique."))
    return CategoricalDimension(asked.name, asked.values)


def _require_ends(asked: NumericParameterRange, low: float, high: float) -> None:
    if low >= high:
        raise _no_range(asked, "MinValue must be less than MaxValue")
    if asked.scaling_type == LOGARITHMIC and low <= 0:
        raise _no_range(asked, "Logarithmic needs values above 0")


def _scale(asked: NumericParameterRange, low: float, high: float) -> str:
    if asked.scaling_type != "Auto":
        return asked.scaling_type
    return LOGARITHMIC if low > 0 and high / low >= AUTO_LOGARITHMIC_RATIO else LINEAR


def _no_range(asked: NumericParameterRange, why: str) -> ValidationException:
    return ValidationException(
        guessed(
            f"The range [{asked.min_value}, {asked.max_value}] of the hyperparameter {asked.name} is invalid: {why}."
        )
    )
