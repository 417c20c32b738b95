"""AWS JSON 1.1, the control plane's protocol: a request's bytes to the shapes of the service model, an answer to bytes.

Types that do not fit are refused before anything else is looked at, in the words AWS's JSON 1.1 services share
(measured by others on Athena and SES; SageMaker's own are not published). What AWS refuses without a word gets one
here.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from botocore.model import ListShape, MapShape, Shape, StructureShape

from preflight.sagemaker.api.errors import SerializationException, ServiceError, UnsupportedByPreflight, guessed

CONTENT_TYPE = "application/x-amz-json-1.1"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST = {"integer": 2**31 - 1, "long": 2**63 - 1, "float": 3.4028235e38, "double": 1.7976931348623157e308}
_NAMES = {"string": "a String", "integer": "an Integer", "long": "a Long", "float": "a Float", "double": "a Double"}
_TRUE = ("true", "yes", "y", "t", "1")
_FALSE = ("false", "no", "n", "f", "0")


def read_request(shape: StructureShape | None, body: bytes) -> dict[str, Any]:
    """The request in ``shape``; members that are null are left out.

    Raises:
        SerializationException: the body is not JSON, or a value is of another type than the model's.
        UnsupportedByPreflight: a member the model does not have. AWS passes over what no client of its own sends;
            here it is what a newer client sends, and AWS would act on.
    """
    try:
        value = json.loads(body.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:  # also what is not UTF-8, and numbers of thousands of digits
        raise SerializationException(f"The request's body is not JSON: {error}") from None
    if isinstance(value, list):
        raise SerializationException("Start of list found where not expected")
    if not isinstance(value, dict):
        raise SerializationException("The request's body is not a JSON object.")
    return {} if shape is None else _structure(shape, value)


def write_answer(answer: Mapping[str, Any]) -> bytes:
    return json.dumps(answer, default=_epoch_seconds).encode()


def write_error(error: ServiceError) -> bytes:
    return json.dumps({"__type": error.code, "message": error.message}).encode()


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number.")


def _read(shape: Shape, value: Any) -> Any:
    if value is None:
        return None  # in a list or a map: the validation refuses it
    match shape:
        case StructureShape():
            return _structure(shape, value)
        case ListShape():
            return _list(shape, value)
        case MapShape():
            return _map(shape, value)
    if isinstance(value, list):
        raise SerializationException("Start of list found where not expected")
    if isinstance(value, dict):
        raise SerializationException("Start of structure or map found where not expected.")
    match shape.type_name:
        case "boolean":
            return _boolean(value)
        case "timestamp":
            return _timestamp(value)
        case "string":
            return _string(value)
        case _:
            return _number(shape, value)


def _structure(shape: StructureShape, value: Any) -> dict[str, Any]:
    _require_object(value)
    for name, item in value.items():
        if name not in shape.members and item is not None:
            raise UnsupportedByPreflight(f"{name} of {shape.name}")
    return {name: _read(member, value[name]) for name, member in shape.members.items() if value.get(name) is not None}


def _map(shape: MapShape, value: Any) -> dict[str, Any]:
    _require_object(value)
    return {_string(key): _read(shape.value, item) for key, item in value.items()}


def _list(shape: ListShape, value: Any) -> list[Any]:
    if isinstance(value, dict):
        raise SerializationException("Start of structure or map found where not expected.")
    if not isinstance(value, list):
        raise SerializationException("Expected list or null")
    return [_read(shape.member, item) for item in value]


def _require_object(value: Any) -> None:
    if isinstance(value, list):
        raise SerializationException("Start of list found where not expected")
    if not isinstance(value, dict):
        raise SerializationException("Expected null")


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise _not_convertible(value, "a String")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise SerializationException("A string holds half of a surrogate pair.") from None
    if "\0" in value:  # a path, a variable or a file of a container cannot
        raise SerializationException("A string holds a null character.")
    return value


def _boolean(value: Any) -> bool:
    """Some words are booleans too, as AWS has them."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _TRUE + _FALSE:
        return value.lower() in _TRUE
    raise _not_convertible(value, "an Boolean" if isinstance(value, str) else "a Boolean")  # AWS's own "an"


def _number(shape: Shape, value: Any) -> Any:
    name = shape.type_name
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _not_convertible(value, _NAMES[name])
    limit = _LARGEST[name]
    if not -limit <= value <= limit:
        raise SerializationException(guessed(f"Numeric value ({value}) out of range of {name}"))
    if name in ("float", "double"):
        return float(value)
    if value != int(value):
        raise _not_convertible(value, _NAMES[name])  # a guess: AWS may cut the fraction off
    return int(value)


def _timestamp(value: Any) -> datetime:
    """Epoch seconds; a moment beyond the calendar's ends is the end."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _not_convertible(value, guessed("a Timestamp"))
    try:
        return _EPOCH + timedelta(seconds=value)
    except OverflowError:
        return (datetime.max if value > 0 else datetime.min).replace(tzinfo=UTC)


def _not_convertible(value: Any, wanted: str) -> SerializationException:
    match value:
        case bool():
            kind = "TRUE_VALUE" if value else "FALSE_VALUE"
        case str():
            kind = "STRING_VALUE"
        case float():
            kind = "DECIMAL_VALUE"
        case _:
            kind = "NUMBER_VALUE"
    return SerializationException(f"{kind} can not be converted to {wanted}")


def _epoch_seconds(value: Any) -> float:
    if isinstance(value, datetime):
        return round(value.timestamp(), 3)
    raise TypeError(f"An answer cannot hold {type(value).__name__}.")
