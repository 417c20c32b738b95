"""Tables of hyperparameters: what SageMaker's strings may hold, and how they become values.

Each algorithm declares one table. A name that AWS documents but Preflight does not implement stays in the table
with the reason in `refused`, so that it is refused by name and the documentation can list it. So does one that AWS
takes and ignores, with the reason in `ignored`, and one that only some versions take, with those in `versions`.
"""

import ast
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from preflight_container.errors import CustomerError
from preflight_container.log import log


class OutOfRange(ValueError):
    """A value of the right kind that is not among those allowed; the text says which are."""


@dataclass(frozen=True)
class Interval:
    """The numbers from `low` to `high`; an open end leaves the bound itself out."""

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False

    def __contains__(self, value: float) -> bool:
        above = value > self.low if self.low_open else value >= self.low
        below = value < self.high if self.high_open else value <= self.high
        return above and below

    def __str__(self) -> str:
        if math.isinf(self.low) and math.isinf(self.high):
            return "any number"
        if math.isinf(self.high):
            return f"{'>' if self.low_open else '>='} {_plain(self.low)}"
        return self.as_aws()

    def as_aws(self) -> str:
        """In the notation of AWS's messages, such as `(0, 1]` or `[1, +inf)`."""
        low = "(-inf" if math.isinf(self.low) else f"{'(' if self.low_open else '['}{_plain(self.low)}"
        high = "+inf)" if math.isinf(self.high) else f"{_plain(self.high)}{')' if self.high_open else ']'}"
        return f"{low}, {high}"


@dataclass(frozen=True)
class Hyperparameter:
    """One row of a table. `default` is the string AWS would send; None when there is none."""

    name: str
    kind: str
    parse: Callable[[str], Any]
    values: str
    default: str | None = None
    required: bool = False
    refused: str | None = None
    alias_of: str | None = None
    ignored: str | None = None
    versions: tuple[str, ...] = ()

    def read(self, text: str) -> Any:
        """The value that `text` stands for.

        Raises:
            CustomerError: it stands for none; in the words of AWS's XGBoost, which name the hyperparameter.
        """
        try:
            return self.parse(text.strip())
        except OutOfRange as error:
            raise CustomerError(f"Hyperparameter {self.name}: {error}") from error
        except (ValueError, TypeError, SyntaxError, OverflowError, RecursionError, MemoryError) as error:
            raise CustomerError(
                f"Hyperparameter {self.name}: could not parse value (caused by {type(error).__name__})\n\n"
                f"Caused by: {error}; it takes {self.values}."
            ) from error


class HyperparameterTable:
    """All hyperparameters of one algorithm."""

    def __init__(self, rows: Iterable[Hyperparameter], *, missing: str, internal: bool = False) -> None:
        """`missing` is what AWS says of a required one that is not given, with {} for its name.

        `internal` says that names with an underscore first are AWS's own: taken, and ignored unless in the table.
        """
        self._rows = {row.name: row for row in rows}
        self._missing = missing
        self._internal = internal

    def __iter__(self) -> Iterator[Hyperparameter]:
        return iter(self._rows.values())

    def read(self, given: Mapping[str, str], version: str | None = None) -> dict[str, Any]:
        """Every value by name, defaults included; absent ones without a default, and ignored ones, are left out.

        Args:
            version: the algorithm's, where it has several.

        Raises:
            CustomerError: one is unknown, missing, outside its range or refused.
        """
        for name in given:
            row = self._rows.get(name)
            if row and not row.versions:
                continue
            if row is None and self._internal and name.startswith("_"):
                continue
            if row is None or version not in row.versions:
                raise CustomerError(f"Extraneous hyperparameter found: {name}")
        for row in self:
            if row.refused and row.name in given and given[row.name] != row.default:
                raise CustomerError(f"Hyperparameter {row.name} is not supported by Preflight yet: {row.refused}")
            if row.required and row.name not in given:
                raise CustomerError(self._missing.format(row.name))
        values = {row.name: row.read(row.default) for row in self if row.default is not None}
        for name, text in given.items():
            if known := self._rows.get(name):
                value = known.read(text)
                if known.ignored:
                    log(f"Hyperparameter {name} is ignored, as on AWS: {known.ignored}", level="WARNING")
                else:
                    values[known.alias_of or name] = value
        return values


def integer(name: str, within: Interval, *, auto: bool = False, **rest: Any) -> Hyperparameter:
    """A whole number, or "auto" (None as a value)."""
    return _number(name, "Integer", int, within, auto, **rest)


def real(name: str, within: Interval, *, auto: bool = False, **rest: Any) -> Hyperparameter:
    """A number, or "auto" (None as a value)."""
    return _number(name, "Continuous", float, within, auto, **rest)


def boolean(name: str, *, auto: bool = False, **rest: Any) -> Hyperparameter:
    """true or false in any case, 1 or 0, or "auto" (None as a value)."""
    values = {"true": True, "1": True, "false": False, "0": False}

    def parse(text: str) -> bool | None:
        if auto and text == "auto":
            return None
        if text.lower() not in values:
            raise OutOfRange(f"{text} is not in {['auto'] * auto + ['true', 'false']}")
        return values[text.lower()]

    return Hyperparameter(name, "Boolean", parse, "auto, true or false" if auto else "true or false", **rest)


def choice(name: str, choices: Iterable[str], *, auto: bool = False, **rest: Any) -> Hyperparameter:
    """One of some words, or "auto" (None as a value)."""
    known = list(choices)

    def parse(text: str) -> str | None:
        if auto and text == "auto":
            return None
        if text not in known:
            raise OutOfRange(f"{text} is not in {['auto'] * auto + known}")
        return text

    return Hyperparameter(name, "Categorical", parse, ", ".join(["auto"] * auto + known), **rest)


def word_list(
    name: str, known: Collection[str], values: str, *, is_word: Callable[[str], bool] | None = None, **rest: Any
) -> Hyperparameter:
    """Words with commas between them, as a list; `is_word` takes words beside the known ones."""

    def parse(text: str) -> list[str]:
        words = text.split(",")
        if not all(word in known or (is_word and is_word(word)) for word in words):
            raise OutOfRange(f"value {words} not in range {sorted(known)}")
        return words

    return Hyperparameter(name, "Categorical list", parse, values, **rest)


def literal(name: str, is_valid: Callable[[Any], bool], values: str, **rest: Any) -> Hyperparameter:
    """A tuple or nested list in Python's notation; the value is the text, as xgboost wants it."""

    def parse(text: str) -> str:
        if not is_valid(ast.literal_eval(text)):
            raise OutOfRange(f"value {text} not in range: it takes {values}.")
        return text

    return Hyperparameter(name, "List", parse, values, **rest)


def _number(
    name: str, kind: str, convert: Callable[[str], float], within: Interval, auto: bool, **rest: Any
) -> Hyperparameter:
    def parse(text: str) -> float | None:
        if auto and text == "auto":
            return None
        value = convert(text)
        if not math.isfinite(value) or value not in within:
            raise OutOfRange(f"{value} is not in {within.as_aws()}")
        return value

    words = f"an integer {within}" if kind == "Integer" else f"a number {within}"
    if within == Interval():
        words = "any integer" if kind == "Integer" else "any number"
    return Hyperparameter(name, kind, parse, f"auto or {words}" if auto else words, **rest)


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)
