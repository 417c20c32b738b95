"""InputFilter and OutputFilter: AWS's own part of JSONPath.

``$`` first; then ``.name``, ``['name','name']``, ``[0]``, ``[0,-1]``, ``[1:4]`` (with the fifth, as AWS's page has
it), ``[1:]``, ``[:4]`` and ``*``. What else its letters allow passes CreateTransformJob and fails in the run.
https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from preflight.sagemaker.api.errors import ValidationException, guessed

_OPERATORS = "['$', '[', ']', '*', '.', ' ', ',', ':', '-', ''']"
_FOREIGN = re.compile(r"[^a-zA-Z0-9$\[\]*. ,:'-]")
_STEP = re.compile(r"\s*(?:\.\s*(?P<name>[a-zA-Z0-9-]+|\*)|\[(?P<bracket>[^\[\]]*)\])\s*")
_NAMES = re.compile(r"\s*'[^']*'\s*(,\s*'[^']*'\s*)*")
_INDEXES = re.compile(r"\s*-?\d+\s*(,\s*-?\d+\s*)*")
_RANGE = re.compile(r"\s*(-?\d+)?\s*:\s*(-?\d+)?\s*")


class FilterError(Exception):
    """A filter selects nothing of a record, or is one that AWS's engine does not know; the text is for the log."""


class Step(Protocol):
    """One part of a path."""

    def select(self, value: Any, rest: "Sequence[Step]") -> Any:
        """What it and ``rest`` select of ``value``. Raises FilterError."""


@dataclass(frozen=True)
class Path:
    """A filter; ``text`` is as it was asked for."""

    text: str
    steps: tuple[Step, ...]

    @property
    def is_root(self) -> bool:
        """Whether it selects everything."""
        return not self.steps

    @property
    def has_names(self) -> bool:
        return any(isinstance(step, Names) for step in self.steps)

    def select(self, value: Any) -> Any:
        """Raises FilterError."""
        return _select(value, self.steps)


@dataclass(frozen=True)
class Names:
    """One member of an object, or an object of several."""

    names: tuple[str, ...]

    def select(self, value: Any, rest: Sequence[Step]) -> Any:
        if not isinstance(value, dict):
            raise FilterError(guessed(f"key '{self.names[0]}' cannot be selected: the value is not an object"))
        if missing := [name for name in self.names if name not in value]:
            raise FilterError(guessed(f"key '{missing[0]}' not found in object"))
        selected = {name: _select(value[name], rest) for name in self.names}
        return selected if len(self.names) > 1 else selected[self.names[0]]


@dataclass(frozen=True)
class Indexes:
    """One item of an array, or an array of several."""

    places: tuple[int, ...]

    def select(self, value: Any, rest: Sequence[Step]) -> Any:
        items = _array(value)
        selected = [_select(items[_within(place, items)], rest) for place in self.places]
        return selected if len(self.places) > 1 else selected[0]


@dataclass(frozen=True)
class Range:
    """The items of an array from ``first`` to ``last``, that one included."""

    first: int | None
    last: int | None

    def select(self, value: Any, rest: Sequence[Step]) -> Any:
        items = _array(value)
        first = 0 if self.first is None else _within(self.first, items)
        last = len(items) - 1 if self.last is None else _within(self.last, items)
        return [_select(item, rest) for item in items[first : last + 1]]


@dataclass(frozen=True)
class Everything:
    """All items of an array, or all values of an object."""

    def select(self, value: Any, rest: Sequence[Step]) -> Any:
        items = list(value.values()) if isinstance(value, dict) else _array(value)
        return [_select(item, rest) for item in items]


@dataclass(frozen=True)
class Unknown:
    """What CreateTransformJob lets through and the engine does not know."""

    path: str
    bracket: str

    def select(self, value: Any, rest: Sequence[Step]) -> Any:
        raise FilterError(
            f"Invalid JsonPath: {self.path}: only single range filters of format (eg: [1:5]) are supported. "
            f"Format [{self.bracket}] is not supported"
        )


def parse(member: str, text: str, content_type: str) -> Path:
    """The filter ``text`` of ``member`` (InputFilter or OutputFilter).

    Raises:
        ValidationException: as CreateTransformJob refuses it.
    """
    if foreign := _FOREIGN.search(text):
        raise ValidationException(
            f'Invalid {member}: "{text}". Unexpected "{foreign.group()}" in JsonPath. Supported operators for '
            f'"{content_type}" are {_OPERATORS}'
        )
    root = text.strip()
    if not root.startswith("$"):
        raise _invalid(member, text, "A JsonPath must begin with $")
    steps: list[Step] = []
    place = 1
    while place < len(root):
        found = _STEP.match(root, place)
        if found is None:
            raise _invalid(member, text, f'Unexpected "{root[place]}" in JsonPath')
        steps.append(_step(member, text, found))
        place = found.end()
    return Path(text, tuple(steps))


def _step(member: str, text: str, found: re.Match[str]) -> Step:
    name, bracket = found["name"], found["bracket"]
    if name is not None:
        return Everything() if name == "*" else Names((name,))
    if bracket.strip() == "*":
        return Everything()
    if _NAMES.fullmatch(bracket):
        return Names(tuple(re.findall(r"'([^']*)'", bracket)))
    if _INDEXES.fullmatch(bracket):
        return Indexes(tuple(int(place) for place in bracket.split(",")))
    if range_ := _RANGE.fullmatch(bracket):
        first, last = range_.groups()
        return Range(None if first is None else int(first), None if last is None else int(last))
    if ":" in bracket and "'" not in bracket:
        return Unknown(text, bracket)
    raise _invalid(member, text, f'Unexpected "[{bracket}]" in JsonPath')


def _invalid(member: str, text: str, why: str) -> ValidationException:
    return ValidationException(guessed(f'Invalid {member}: "{text}". {why}'))


def _select(value: Any, steps: Sequence[Step]) -> Any:
    return steps[0].select(value, steps[1:]) if steps else value


def _array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise FilterError(guessed("an index cannot be selected: the value is not an array"))
    return value


def _within(place: int, items: list[Any]) -> int:
    """The place from the start. Raises FilterError if there is none such."""
    if not -len(items) <= place < len(items):
        raise FilterError(guessed(f"index out of range: {place} of {len(items)} elements"))
    return place % len(items)
