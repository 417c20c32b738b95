"""The conditions of a Condition step.

https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html#step-type-condition
"""

import operator
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from preflight.sagemaker.api.errors import guessed
from preflight.sagemaker.pipelines.expressions import Facts, Get, Unresolved, references, resolve
from preflight.sagemaker.pipelines.parsing import Parsed, Part

_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}


class Comparison(Part):
    type: Literal["Equals", "GreaterThan", "GreaterThanOrEqualTo", "LessThan", "LessThanOrEqualTo"]
    left_value: Parsed
    right_value: Parsed

    def holds(self, facts: Facts) -> bool:
        left, right = resolve(self.left_value, facts), resolve(self.right_value, facts)
        if self.type == "Equals":
            return _are_equal(left, right)
        if not all(map(_is_number, (left, right))) and not all(isinstance(side, str) for side in (left, right)):
            raise Unresolved(guessed(f"{left!r} and {right!r} cannot be compared by {self.type}."))
        return _ORDERS[self.type](left, right)

    def references(self) -> Iterator[Get]:
        yield from references([self.left_value, self.right_value])


class In(Part):
    type: Literal["In"]
    query_value: Parsed
    values: list[Parsed]

    def holds(self, facts: Facts) -> bool:
        query = resolve(self.query_value, facts)
        return any(_are_equal(query, value) for value in resolve(self.values, facts))

    def references(self) -> Iterator[Get]:
        yield from references([self.query_value, *self.values])


class Not(Part):
    type: Literal["Not"]
    expression: "Condition"

    def holds(self, facts: Facts) -> bool:
        return not self.expression.holds(facts)

    def references(self) -> Iterator[Get]:
        yield from self.expression.references()


class Or(Part):
    type: Literal["Or"]
    conditions: "list[Condition]"

    def holds(self, facts: Facts) -> bool:
        return any(condition.holds(facts) for condition in self.conditions)

    def references(self) -> Iterator[Get]:
        for condition in self.conditions:
            yield from condition.references()


Condition = Annotated[Comparison | In | Not | Or, Field(discriminator="type")]


def _are_equal(left: Any, right: Any) -> bool:
    """True is not 1."""
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
