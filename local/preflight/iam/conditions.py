"""The Condition element: operators, keys and values.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import ipaddress
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from preflight.iam.errors import MalformedPolicy
from preflight.iam.patterns import Context, pattern

Test = Callable[[str, Context], bool]  # a value of the request against one of the policy

_OPERATOR = re.compile(r"(?:(?P<quantifier>ForAllValues|ForAnyValue):)?(?P<name>\w+?)(?P<if_exists>IfExists)?")
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One key under one operator. ``tests`` are of the policy's values, of which one is enough."""

    key: str
    tests: tuple[Test, ...]
    is_negated: bool
    quantifier: str
    if_exists: bool

    def holds(self, context: Context) -> bool:
        values = context(self.key)
        if not values:
            return self._holds_without_key()
        passed = (self._passes(value, context) for value in values)
        needs_all = self.quantifier == "ForAllValues" or (self.is_negated and not self.quantifier)
        return all(passed) if needs_all else any(passed)

    def _holds_without_key(self) -> bool:
        if self.quantifier:
            return self.quantifier == "ForAllValues" or self.if_exists
        return self.is_negated or self.if_exists

    def _passes(self, value: str, context: Context) -> bool:
        return any(test(value, context) for test in self.tests) != self.is_negated


@dataclass(frozen=True, slots=True)
class NullCondition:
    """``Null``: whether the request lacks the key (true) or has it (false)."""

    key: str
    is_absent: tuple[bool, ...]

    def holds(self, context: Context) -> bool:
        return (not context(self.key)) in self.is_absent


def parse_conditions(element: object, has_variables: bool) -> Iterator[Condition | NullCondition]:
    """All conditions of a Condition element, which must hold together. Raises MalformedPolicy."""
    if not isinstance(element, Mapping):
        raise MalformedPolicy("Condition must be an object.")
    for name, keys in element.items():
        found = _OPERATOR.fullmatch(name)
        if found is None or not isinstance(keys, Mapping):
            raise MalformedPolicy(f"The condition {name!r} is not one of IAM's.")
        for key, values in keys.items():
            texts = [_text(value) for value in (values if isinstance(values, list) else [values])]
            if found["name"] == "Null":
                yield NullCondition(key.lower(), tuple(text.lower() == "true" for text in texts))
                continue
            positive = found["name"].replace("Not", "", 1)
            yield Condition(
                key.lower(),
                tuple(_test(positive, text, has_variables) for text in texts),
                positive != found["name"],
                found["quantifier"] or "",
                bool(found["if_exists"]),
            )


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise MalformedPolicy(f"The condition value {value!r} is neither text nor number.")


def _test(name: str, text: str, has_variables: bool) -> Test:
    """The test of the operator ``name``, without its Not, for the policy's value ``text``."""
    match name:
        case "StringEquals" | "BinaryEquals":
            return pattern(text, has_variables=has_variables, wildcards=False).matches
        case "StringEqualsIgnoreCase":
            return pattern(text, has_variables=has_variables, wildcards=False, ignores_case=True).matches
        case "StringLike":
            return pattern(text, has_variables=has_variables).matches
        case "ArnEquals" | "ArnLike":
            return pattern(text, has_variables=has_variables, is_arn=True).matches
        case "Bool":
            return lambda value, context: value.lower() == text.lower()
        case "IpAddress":
            return _ip_test(text)
    kind, comparison = name[: len("Numeric")], _COMPARISONS.get(name.removeprefix("Numeric").removeprefix("Date"))
    if comparison and kind == "Numeric":
        return _comparison(comparison, text, _number)
    if comparison and name.startswith("Date"):
        return _comparison(comparison, text, _seconds)
    raise MalformedPolicy(f"The condition operator {name!r} is not one of IAM's.")


def _comparison(compare: Callable[[float, float], bool], text: str, read: Callable[[str], float]) -> Test:
    try:
        limit = read(text)
    except ValueError:
        raise MalformedPolicy(f"The condition value {text!r} cannot be compared.") from None

    def test(value: str, context: Context) -> bool:
        try:
            return compare(read(value), limit)
        except ValueError:
            return False

    return test


def _number(text: str) -> float:
    return float(text)


def _seconds(text: str) -> float:
    """A date of ISO 8601, or seconds since 1970."""
    try:
        return float(text)
    except ValueError:
        date = datetime.fromisoformat(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


def _ip_test(text: str) -> Test:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise MalformedPolicy(f"The condition value {text!r} is no range of addresses.") from None

    def test(value: str, context: Context) -> bool:
        try:
            address: Any = ipaddress.ip_address(value)
        except ValueError:
            return False
        return address in network

    return test


def values_of(keys: Mapping[str, str | Sequence[str]]) -> Context:
    """A context of known ``keys``, in any case."""
    known = {name.lower(): (value,) if isinstance(value, str) else tuple(value) for name, value in keys.items()}
    return lambda key: known.get(key, ())
