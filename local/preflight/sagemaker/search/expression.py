"""A SearchExpression made a test of what is known of a resource.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Filter.html
"""

import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.model import StructureShape

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.search.properties import Property, find_property, list_items, unknown_property
from preflight.sagemaker.search.request import Filter, NestedFilters, SearchExpression

Test = Callable[[Mapping[str, Any]], bool]

MAX_PARTS = 50
# In these Contains may stand more than once.
_MANY_CONTAINS: Mapping[str, tuple[str, ...]] = {
    "Experiment": ("DisplayName", "ExperimentName", "Tags"),
    "ExperimentTrial": ("DisplayName", "TrialName", "Tags"),
    "ExperimentTrialComponent": ("DisplayName", "TrialComponentName", "Tags", "InputArtifacts", "OutputArtifacts"),
}
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "NotEquals": operator.ne,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}
_EQUALITY = ("Equals", "NotEquals")


def make_test(resource: str, shape: StructureShape, expression: SearchExpression) -> Test:
    """Whether resources of ``shape`` satisfy ``expression``.

    Raises:
        ValidationException: it names an unknown property, compares what cannot be compared, or is too large.
    """
    _require_within_limits(resource, expression)
    return _expression(shape, expression)


def _require_within_limits(resource: str, expression: SearchExpression) -> None:
    levels = expression.all_levels()
    nested = [each for level in levels for each in level.nested_filters]
    filters = [each for level in levels for each in level.filters] + [one for each in nested for one in each.filters]
    if len(filters) + len(nested) + len(levels) - 1 > MAX_PARTS:
        raise ValidationException(
            guessed(f"A SearchExpression can have {MAX_PARTS} filters, nested filters and subexpressions in all.")
        )
    many = _MANY_CONTAINS.get(resource, ())
    contains = [each for each in filters if each.operator == "Contains" and each.name.partition(".")[0] not in many]
    if len(contains) > 1:
        raise ValidationException("'CONTAINS' operator usage limit of 1 exceeded.")


def _expression(shape: StructureShape, expression: SearchExpression) -> Test:
    tests = [
        *(_filter(shape, each) for each in expression.filters),
        *(_nested(shape, each) for each in expression.nested_filters),
        *(_expression(shape, each) for each in expression.below),
    ]
    if not tests:
        raise ValidationException(
            guessed("A SearchExpression must have at least one subexpression, filter, or nested filter.")
        )
    combine = all if expression.operator == "And" else any
    return lambda facts: combine(test(facts) for test in tests)


def _nested(shape: StructureShape, nested: NestedFilters) -> Test:
    """One item must satisfy all filters, which name its members from the resource on."""
    prefix = f"{nested.nested_property_name}."
    items = list_items(shape, nested.nested_property_name)
    path = tuple(nested.nested_property_name.split("."))
    tests = []
    for each in nested.filters:
        if not each.name.startswith(prefix):
            raise unknown_property(each.name)
        tests.append(_filter(items, each.model_copy(update={"name": each.name.removeprefix(prefix)})))
    listed = Property(path, "other")
    return lambda facts: any(all(test(item) for test in tests) for item in listed.values(facts))


def _filter(shape: StructureShape, asked: Filter) -> Test:
    found, name = find_property(shape, asked.name), asked.operator
    if name == "Exists":
        return lambda facts: bool(found.values(facts))
    if name == "NotExists":
        return lambda facts: not found.values(facts)
    if asked.value is None:
        raise ValidationException(guessed(f"The filter of {asked.name} needs a Value."))
    if name in ("Contains", "In"):
        return _text_test(found, asked, asked.value)
    if found.sort == "text" and name not in _EQUALITY:
        raise ValidationException(guessed(f"The operator {name} is not supported for the text property {asked.name}."))
    test = _comparison(found, asked, asked.value)
    if name == "NotEquals":
        return lambda facts: all(test(value) for value in found.values(facts))
    return lambda facts: any(test(value) for value in found.values(facts))


def _text_test(found: Property, asked: Filter, wanted: str) -> Test:
    if found.sort in ("number", "moment"):
        raise ValidationException(
            guessed(f"The operator {asked.operator} is only supported for text properties: {asked.name} is none.")
        )
    if asked.operator == "Contains":
        return lambda facts: any(wanted in str(value) for value in found.values(facts))
    choices = [choice.strip() for choice in wanted.split(",")]
    return lambda facts: any(str(value) in choices for value in found.values(facts))


def _comparison(found: Property, asked: Filter, wanted: str) -> Callable[[Any], bool]:
    """The test of one value."""
    compare = _COMPARISONS[asked.operator]
    if found.sort == "moment":
        moment = _moment(asked.name, wanted)
        return lambda value: compare(value.replace(microsecond=0), moment)
    number = _number(wanted)
    if found.sort == "number":
        if number is None:
            raise ValidationException(guessed(f"The value of {asked.name} must be a number, not {wanted}."))
        return lambda value: compare(value, number)
    if found.sort == "other" and number is not None:
        return lambda value: _compare_as_numbers(compare, value, number)
    if asked.operator in _EQUALITY:
        return lambda value: compare(_text(value), wanted)
    return lambda value: False  # text is neither less nor greater


def _compare_as_numbers(compare: Callable[[Any, Any], bool], value: Any, wanted: float | int) -> bool:
    """A decimal value counts as an integer where an integer is wanted, as AWS has it for hyperparameters."""
    number = _number(str(value))
    if number is None:
        return compare is operator.ne
    return compare(int(number) if isinstance(wanted, int) else number, wanted)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(text: str) -> float | int | None:
    for read in (int, float):
        try:
            return read(text)
        except (ValueError, OverflowError):
            continue
    return None


def _moment(name: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValidationException(
            guessed(f"The value of {name} must be a date-time of the form YYYY-mm-dd'T'HH:MM:SS, not {text}.")
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
