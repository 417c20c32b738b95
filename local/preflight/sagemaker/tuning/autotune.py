"""Autotune: the ranges that a tuning job chooses where the request leaves them open.

AWS does not publish how it chooses; here an algorithm's recommended ranges are taken, else an order of magnitude on
either side of ValueHint.
https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-define-ranges.html
"""

from collections.abc import Iterable
from itertools import chain

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.tuning.builtin_algorithms import TUNABLE_ALGORITHMS
from preflight.sagemaker.tuning.request import (
    AutoParameter,
    CategoricalParameterRange,
    NumericParameterRange,
    ParameterRanges,
)

_MAGNITUDE = 10
_SWITCHES = (("true", "false"), ("True", "False"))


def choose_ranges(ranges: ParameterRanges, algorithm: str | None, static: Iterable[str]) -> ParameterRanges:
    """``ranges`` with those of AutoParameters chosen; if there are none at all, every one of the built-in's.

    ``static`` are the hyperparameters that have a value already.
    """
    recommended = TUNABLE_ALGORITHMS[algorithm].ranges if algorithm else ParameterRanges()
    if ranges.names():
        wanted = {parameter.name for parameter in ranges.auto_parameters}
    else:
        wanted = set(recommended.names()) - set(static)
    hints = [each for each in ranges.auto_parameters if each.name not in recommended.names()]
    return _merged([ranges, _only(recommended, wanted), *(_from_hint(each) for each in hints)])


def _only(ranges: ParameterRanges, names: set[str]) -> ParameterRanges:
    return ParameterRanges(
        integer_parameter_ranges=tuple(each for each in ranges.integer_parameter_ranges if each.name in names),
        continuous_parameter_ranges=tuple(each for each in ranges.continuous_parameter_ranges if each.name in names),
        categorical_parameter_ranges=tuple(each for each in ranges.categorical_parameter_ranges if each.name in names),
    )


def _merged(all_ranges: list[ParameterRanges]) -> ParameterRanges:
    return ParameterRanges(
        integer_parameter_ranges=tuple(chain.from_iterable(each.integer_parameter_ranges for each in all_ranges)),
        continuous_parameter_ranges=tuple(chain.from_iterable(each.continuous_parameter_ranges for each in all_ranges)),
        categorical_parameter_ranges=tuple(
            chain.from_iterable(each.categorical_parameter_ranges for each in all_ranges)
        ),
    )


def _from_hint(parameter: AutoParameter) -> ParameterRanges:
    """A range around a number, both values of a switch. Raises ValidationException for any other hint."""
    name, hint = parameter.name, parameter.value_hint.strip('"')
    for switch in _SWITCHES:
        if hint in switch:
            return ParameterRanges(categorical_parameter_ranges=(CategoricalParameterRange(name=name, values=switch),))
    try:
        number = float(hint)
    except ValueError:
        number = 0.0
    if number <= 0:
        raise ValidationException(
            guessed(f"No range can be chosen for the hyperparameter {name} from the ValueHint {parameter.value_hint}.")
        )
    if number == int(number) and "." not in hint:
        low, high = max(1, int(number) // _MAGNITUDE), int(number) * _MAGNITUDE
        integer = NumericParameterRange(name=name, min_value=str(low), max_value=str(high))
        return ParameterRanges(integer_parameter_ranges=(integer,))
    highest = number * _MAGNITUDE if number >= 1 else min(1.0, number * _MAGNITUDE)  # a share stays one
    continuous = NumericParameterRange(name=name, min_value=str(number / _MAGNITUDE), max_value=str(highest))
    return ParameterRanges(continuous_parameter_ranges=(continuous,))
