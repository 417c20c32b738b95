"""Checks a request against botocore's own model of the service, in AWS's words.

AWS collects every violation and answers once::

    2 validation errors detected: Value '...' at 'trainingJobName' failed to satisfy constraint: Member must ...;
    Value ...

Paths are lower camel case, list places count from 1 and read ``productionVariants.1.member.modelName``.
"""

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import regex
from botocore.model import ListShape, MapShape, OperationModel, Shape, StringShape, StructureShape

from local.sagemaker.errors import SerializationException, ValidationException

_NUMBERS = ("integer", "long", "float", "double")
_LARGEST = {"integer": 2**31 - 1, "long": 2**63 - 1, "float": 3.4028235e38, "double": 1.7976931348623157e308}
_SCALARS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
}


def validate(operation: OperationModel, request: Mapping[str, Any]) -> None:
    """Return if the model allows ``request``.

    Raises:
        ValidationException: with every violation, in the model's order.
        SerializationException: a value is of another type than the model's.
    """
    if operation.input_shape is None:
        return
    violations = list(_structure(operation.input_shape, request, ""))
    if violations:
        count = f"{len(violations)} validation error{'s' if len(violations) > 1 else ''} detected: "
        raise ValidationException(count + "; ".join(violations))


def _check(shape: Shape, value: Any, path: str) -> Iterator[str]:
    match shape.type_name:
        case "structure":
            yield from _structure(shape, value, path)
        case "list":
            yield from _list(shape, value, path)
        case "map":
            yield from _map(shape, value, path)
        case _:
            yield from _scalar(shape, value, path)


def _structure(shape: StructureShape, value: Any, path: str) -> Iterator[str]:
    _require_type(value, (dict,), path)
    for name, member in shape.members.items():
        member_path = f"{path}.{_camel(name)}" if path else _camel(name)
        if value.get(name) is not None:
            yield from _check(member, value[name], member_path)
        elif name in shape.required_members:
            yield f"Value null at '{member_path}' failed to satisfy constraint: Member must not be null"


def _list(shape: ListShape, value: Any, path: str) -> Iterator[str]:
    _require_type(value, (list, tuple), path)
    yield from _length(shape, value, path)
    for place, item in enumerate(value, start=1):
        yield from _check(shape.member, item, f"{path}.{place}.member")


def _map(shape: MapShape, value: Any, path: str) -> Iterator[str]:
    """AWS names the constraint of a map's keys or values, not the key: the map is what it points at."""
    _require_type(value, (dict,), path)
    yield from _length(shape, value, path)
    for part, items in ((shape.key, value.keys()), (shape.value, value.values())):
        for item in items:
            broken = [violation.split(" constraint: ", 1)[1] for violation in _check(part, item, path)]
            if broken:
                which = "keys" if part is shape.key else "values"
                constraints = ", ".join(broken)
                yield (
                    f"Value '{_print(value)}' at '{path}' failed to satisfy constraint: "
                    f"Map {which[:-1]} must satisfy constraint: [{constraints}]"
                )
                break


def _scalar(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if shape.type_name in _SCALARS:
        _require_type(value, _SCALARS[shape.type_name], path)
        _require_representable(shape, value, path)
    if isinstance(shape, StringShape):
        yield from _string(shape, value, path)
    elif shape.type_name in _NUMBERS:
        yield from _range(shape, value, path)


def _require_representable(shape: Shape, value: Any, path: str) -> None:
    """The service keeps numbers in 32 or 64 bits; what does not fit is not a number to it."""
    limit = _LARGEST.get(shape.type_name)
    if limit is not None and not -limit <= value <= limit:  # also NaN
        raise SerializationException(f"The value at '{path}' does not fit in a {shape.type_name}.")
    if shape.type_name == "string" and "\0" in value:
        raise SerializationException(f"The value at '{path}' holds a null character.")


def _string(shape: StringShape, value: str, path: str) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        yield _violation(value, path, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]")
    yield from _length(shape, value, path)
    pattern = shape.metadata.get("pattern")
    if pattern and not _compiled(pattern).fullmatch(value):
        yield _violation(value, path, f"Member must satisfy regular expression pattern: {pattern}")


def _length(shape: Shape, value: Any, path: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and len(value) < low:
        yield _violation(value, path, f"Member must have length greater than or equal to {low}")
    if high is not None and len(value) > high:
        yield _violation(value, path, f"Member must have length less than or equal to {high}")


def _range(shape: Shape, value: float, path: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and value < low:
        yield _violation(value, path, f"Member must have value greater than or equal to {low}")
    if high is not None and value > high:
        yield _violation(value, path, f"Member must have value less than or equal to {high}")


def _require_type(value: Any, types: tuple[type, ...], path: str) -> None:
    is_bool = isinstance(value, bool)
    if not isinstance(value, types) or (is_bool and bool not in types):
        expected = {dict: "a structure", list: "a list", str: "a string", bool: "true or false"}
        raise SerializationException(
            f"The value at '{path or 'the request'}' must be {expected.get(types[0], 'a number')}."
        )


def _violation(value: Any, path: str, constraint: str) -> str:
    return f"Value '{_print(value)}' at '{path}' failed to satisfy constraint: {constraint}"


def _print(value: Any) -> str:
    """A value the way Java prints it: ``{a=1, b=2}``, ``[1, 2]``."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}={_print(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_print, value)) + "]"
    return str(value)


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]


@functools.cache
def _compiled(pattern: str) -> "regex.Pattern[str]":
    """The model's patterns are Java's; ``regex`` reads those that ``re`` does not (``\\p{L}``)."""
    return regex.compile(pattern)
