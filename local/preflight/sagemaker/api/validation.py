"""Checks a request against botocore's own model of the service, in AWS's words.

AWS collects every violation and answers once::

    2 validation errors detected: Value '...' at 'trainingJobName' failed to satisfy constraint: Member must ...;
    Value ...

Paths are lower camel case, list places count from 1 and read ``productionVariants.1.member.modelName``. A list or a
map of plain values is one value: it is printed whole, with every constraint of its members.

The order is the model's, and a value's pattern before its length: seen so in a capture of 2023 (one of 2019 has them
the other way round). The values of an enum stand in the model's order; AWS's is that of a Java set.
"""

import functools
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import regex
from botocore.model import ListShape, MapShape, OperationModel, Shape, StringShape, StructureShape

from preflight.sagemaker.api.errors import ValidationException

_NUMBERS = ("integer", "long", "float", "double")
_NOT_NULL = "Member must not be null"
_TOKEN = regex.compile(r"\\p\{\w+\}|\\?.")
_ABOVE_16_BITS = r"\uD800\uDC00-\uDBFF\uDFFF"  # as pairs of Java's characters
_ASCII_CLASSES = {r"\d": "0-9", r"\w": "a-zA-Z_0-9", r"\p{Alnum}": "a-zA-Z0-9"}


def validate(operation: OperationModel, request: Mapping[str, Any]) -> None:
    """Return if the model allows ``request``, whose values have the model's types.

    Raises:
        ValidationException: with every violation, in the model's order.
    """
    if words := violations(operation, request):
        raise ValidationException(words)


def violations(operation: OperationModel, request: Mapping[str, Any], left_out: Collection[str] = ()) -> str:
    """AWS's words for what the model does not allow; empty if there is nothing. ``left_out`` names members."""
    shape = operation.input_shape
    found = [] if shape is None else list(_structure(shape, request, "", left_out))
    count = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected: "
    return count + "; ".join(found) if found else ""


def _check(shape: Shape, value: Any, path: str) -> Iterator[str]:
    match shape:
        case StructureShape():
            yield from _structure(shape, value, path)
        case ListShape():
            yield from _list(shape, value, path)
        case MapShape():
            yield from _map(shape, value, path)
        case _:
            yield from (_violation(value, path, constraint) for constraint in _broken(shape, value))


def _structure(shape: StructureShape, value: Any, path: str, left_out: Collection[str] = ()) -> Iterator[str]:
    for name, member in shape.members.items():
        if name in left_out:
            continue
        member_path = f"{path}.{_camel(name)}" if path else _camel(name)
        if value.get(name) is not None:
            yield from _check(member, value[name], member_path)
        elif name in shape.required_members:
            yield _violation(None, member_path, _NOT_NULL)


def _list(shape: ListShape, value: Any, path: str) -> Iterator[str]:
    yield from (_violation(value, path, constraint) for constraint in _broken_length(shape, value))
    if _is_plain(shape.member):
        if any(_is_broken(shape.member, item) for item in value):
            constraints = ", ".join([*_constraints(shape.member), _NOT_NULL])
            yield _violation(value, path, f"Member must satisfy constraint: [{constraints}]")
        return
    for place, item in enumerate(value, start=1):
        item_path = f"{path}.{place}.member"
        if item is None:
            yield _violation(None, item_path, _NOT_NULL)
        else:
            yield from _check(shape.member, item, item_path)


def _map(shape: MapShape, value: Any, path: str) -> Iterator[str]:
    yield from (_violation(value, path, constraint) for constraint in _broken_length(shape, value))
    for words, part, items in (
        ("Map keys", shape.key, value.keys()),
        ("Map value", shape.value, value.values()),
    ):
        if any(_is_broken(part, item) for item in items):
            yield _violation(value, path, f"{words} must satisfy constraint: [{', '.join(_constraints(part))}]")


def _is_plain(shape: Shape) -> bool:
    return not isinstance(shape, StructureShape | ListShape | MapShape)


def _is_broken(shape: Shape, value: Any) -> bool:
    return value is None or any(True for _ in _broken(shape, value))


def _broken(shape: Shape, value: Any) -> Iterator[str]:
    """The constraints of a plain ``shape`` that ``value`` does not satisfy."""
    if isinstance(shape, StringShape):
        if shape.enum and value not in shape.enum:
            yield _enum(shape)
        pattern = shape.metadata.get("pattern")
        if pattern and not _compiled(pattern).fullmatch(value):
            yield _pattern(pattern)
        yield from _broken_length(shape, value)
    elif shape.type_name in _NUMBERS:
        low, high = shape.metadata.get("min"), shape.metadata.get("max")
        if high is not None and value > high:
            yield f"Member must have value less than or equal to {high}"
        if low is not None and value < low:
            yield f"Member must have value greater than or equal to {low}"


def _broken_length(shape: Shape, value: Any) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if high is not None and len(value) > high:
        yield _longest(high)
    if low is not None and len(value) < low:
        yield _shortest(low)


def _constraints(shape: Shape) -> Iterator[str]:
    """Every constraint of a plain shape, as AWS lists them for the members of a list or a map."""
    if isinstance(shape, StringShape):
        if shape.enum:
            yield _enum(shape)
        if "max" in shape.metadata:
            yield _longest(shape.metadata["max"])
        if "min" in shape.metadata:
            yield _shortest(shape.metadata["min"])
        if "pattern" in shape.metadata:
            yield _pattern(shape.metadata["pattern"])


def _enum(shape: StringShape) -> str:
    return f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"


def _pattern(pattern: str) -> str:
    return f"Member must satisfy regular expression pattern: {pattern}"


def _longest(length: int) -> str:
    return f"Member must have length less than or equal to {length}"


def _shortest(length: int) -> str:
    return f"Member must have length greater than or equal to {length}"


def _violation(value: Any, path: str, constraint: str) -> str:
    printed = "null" if value is None else f"'{_print(value)}'"
    return f"Value {printed} at '{path}' failed to satisfy constraint: {constraint}"


def _print(value: Any) -> str:
    """A value the way Java prints it: ``{a=1, b=2}``, ``[1, 2]``."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Mapping():
            return "{" + ", ".join(f"{key}={_print(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_print, value)) + "]"
    return str(value)


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]


@functools.cache
def _compiled(pattern: str) -> "regex.Pattern[str]":
    """The model's patterns are Java's, where some classes are ASCII and ``.`` stops at every kind of line end."""
    translated, in_class = "", False
    for token in _TOKEN.findall(pattern.replace(_ABOVE_16_BITS, r"\U00010000-\U0010FFFF")):
        if ascii_class := _ASCII_CLASSES.get(token):
            translated += ascii_class if in_class else f"[{ascii_class}]"
        else:
            in_class = token == "[" or (in_class and token != "]")
            translated += token
    return regex.compile(translated, regex.WORD)
