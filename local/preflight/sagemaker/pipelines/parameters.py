"""The parameters of one execution: what was given, checked, and the defaults of the rest.

https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-parameters.html
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.pipelines.definition import Parameter

_INTEGER = re.compile(r"[+-]?[0-9]+")


def parameter_values(parameters: Sequence[Parameter], given: Mapping[str, str]) -> dict[str, Any]:
    """Each parameter's value in its own type. Raises ValidationException."""
    known = {parameter.name for parameter in parameters}
    if unknown := [name for name in given if name not in known]:
        raise ValidationException(guessed(f"Unknown parameter(s): {', '.join(unknown)}"))
    missing = [each.name for each in parameters if each.default_value is None and each.name not in given]
    if missing:
        raise ValidationException(guessed(f"Parameter(s) without a default value must be given: {', '.join(missing)}"))
    return {
        each.name: _read(each, given[each.name]) if each.name in given else each.default_value for each in parameters
    }


def require_defaults(parameters: Sequence[Parameter]) -> None:
    """Raises ValidationException unless each default is of its parameter's type."""
    for each in parameters:
        default = each.default_value
        if default is None:
            continue
        fits = {
            "String": isinstance(default, str),
            "Boolean": isinstance(default, bool),
            "Integer": isinstance(default, int) and not isinstance(default, bool),
            "Float": isinstance(default, int | float) and not isinstance(default, bool),
        }
        if not fits[each.type]:
            raise ValidationException(guessed(f"DefaultValue of parameter {each.name} is no {each.type}: {default!r}"))
        _require_in_enum(each, default)


def read_integer(text: str) -> int:
    """Python reads more than that, 1_000 for example. Raises ValueError."""
    if not _INTEGER.fullmatch(text):
        raise ValueError(text)
    return int(text)


def read_float(text: str) -> float:
    """A number that JSON can hold: neither nan nor inf. Raises ValueError."""
    number = float(text)
    if not text.isascii() or "_" in text or not math.isfinite(number):
        raise ValueError(text)
    return number


def as_text(value: Any) -> str:
    """A value as ListPipelineParametersForExecution shows it."""
    return value if isinstance(value, str) else json.dumps(value)


def _read(parameter: Parameter, text: str) -> Any:
    value: Any = text
    try:
        match parameter.type:
            case "String" if not text:
                raise ValidationException('[string "" is too short (length: 0, required minimum: 1)]')
            case "Integer":
                value = read_integer(text)
            case "Float":
                value = read_float(text)
            case "Boolean":
                value = {"true": True, "false": False}[text.lower()]
    except (ValueError, KeyError):
        raise ValidationException(
            guessed(f"Value {text!r} of parameter {parameter.name} is no {parameter.type}")
        ) from None
    _require_in_enum(parameter, value)
    return value


def _require_in_enum(parameter: Parameter, value: Any) -> None:
    if parameter.enum_values is not None and value not in parameter.enum_values:
        allowed = ", ".join(parameter.enum_values)
        raise ValidationException(
            guessed(f"Value {value!r} of parameter {parameter.name} is none of its EnumValues: [{allowed}]")
        )
