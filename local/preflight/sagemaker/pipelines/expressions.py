"""The expressions of a definition: Get, Std:Join and Std:JsonGet, anywhere in what a step is given.

https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-properties.html
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from preflight.sagemaker.api.errors import guessed

Value = Any  # JSON with expressions in it
Keys = tuple[str | int, ...]

ROOTS = ("Parameters", "Steps", "Execution")
VARIABLES = (
    *("StartDateTime", "CurrentDateTime", "PipelineName", "PipelineArn", "PipelineExecutionId"),
    *("PipelineExecutionArn", "TrainingJobName", "ProcessingJobName"),
)
PROPERTY_FILES = "PropertyFiles"

_PATH = re.compile(r"(?P<root>\w+)\.(?P<name>[\w-]+)(?P<rest>.*)", re.DOTALL)
_KEY = re.compile(r"""\.?(?P<member>[\w-]+)|\[(?P<place>\d+)\]|\[(?P<quote>['"])(?P<key>.*?)(?P=quote)\]""")


class BadExpression(ValueError):
    """What looks like an expression is none; the text says why."""


class Unresolved(Exception):
    """An expression has no value in this execution; the text says why."""


@dataclass(frozen=True)
class Get:
    """``Parameters.<name>``, ``Execution.<name>`` or ``Steps.<name>`` with the keys of one of its properties."""

    root: str
    name: str
    keys: Keys = ()

    @property
    def property_file(self) -> str | None:
        """The name of the property file that this is, if it is one."""
        is_one = self.root == "Steps" and len(self.keys) > 1 and self.keys[0] == PROPERTY_FILES
        return str(self.keys[1]) if is_one else None


@dataclass(frozen=True)
class Join:
    on: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class JsonGet:
    """``path`` in the JSON of a step's property file, or of the object at ``source``, an S3 URI."""

    source: Value
    path: Value


class Facts(Protocol):
    """What expressions stand for in one execution. Each raises Unresolved for what is not there."""

    def parameter(self, name: str) -> Any: ...

    def variable(self, name: str) -> Any: ...

    def property(self, step: str, keys: Keys) -> Any: ...

    def property_file(self, step: str, name: str) -> Any:
        """The JSON in it."""

    def json_at(self, s3_uri: str) -> Any: ...


def parse(value: Any) -> Value:
    """``value`` with its expressions as objects. Raises BadExpression."""
    if isinstance(value, list):
        return [parse(item) for item in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"Get": path, **rest} if not rest:
            return _parse_get(path)
        case {"Std:Join": {"On": str(on), "Values": list(values), **rest}} if len(value) == 1 and not rest:
            return Join(on, tuple(map(parse, values)))
        case {"Std:JsonGet": {"PropertyFile": source, "Path": path, **rest}} if len(value) == 1 and not rest:
            source = parse(source)
            if not isinstance(source, Get) or not source.property_file:
                raise BadExpression(guessed("PropertyFile of Std:JsonGet must be a Get of a step's PropertyFiles."))
            return JsonGet(source, parse(path))
        case {"Std:JsonGet": {"S3Uri": source, "Path": path, **rest}} if len(value) == 1 and not rest:
            return JsonGet(parse(source), parse(path))
    if any(name.startswith("Std:") for name in value):
        raise BadExpression(guessed(f"{', '.join(value)} is no function of pipelines, or lacks a member."))
    return {name: parse(item) for name, item in value.items()}


def references(value: Value) -> Iterator[Get]:
    """What ``value`` needs to know."""
    match value:
        case Get():
            yield value
        case Join():
            yield from references(value.values)
        case JsonGet():
            yield from references(value.source)
            yield from references(value.path)
        case Mapping():
            yield from references(list(value.values()))
        case list() | tuple():
            for item in value:
                yield from references(item)


def resolve(value: Value, facts: Facts) -> Any:
    """``value`` with its expressions replaced. Raises Unresolved."""
    match value:
        case Get():
            return _get(value, facts)
        case Join():
            return value.on.join(printed(resolve(item, facts)) for item in value.values)
        case JsonGet():
            return _json_get(value, facts)
        case Mapping():
            return {name: resolve(item, facts) for name, item in value.items()}
        case list() | tuple():
            return [resolve(item, facts) for item in value]
    return value


def walk(value: Any, keys: Keys) -> Any:
    """What is in ``value`` below ``keys``. An item of a list is also found by its name: Outputs['train'].

    Raises:
        KeyError: there is nothing.
    """
    for key in keys:
        match value:
            case Mapping() if str(key) in value:
                value = value[str(key)]
            case list() if isinstance(key, int) and key < len(value):
                value = value[key]
            case list() if isinstance(key, str):
                value = _named(value, key)
            case _:
                raise KeyError(key)
    return value


def parse_keys(path: str) -> Keys:
    """The keys in ``a.b[0]['c']``. Raises BadExpression."""
    keys: list[str | int] = []
    place = 0
    while place < len(path):
        found = _KEY.match(path, place)
        if found is None:
            raise BadExpression(guessed(f"Invalid path: {path}"))
        keys.append(int(found["place"]) if found["place"] else found["member"] or found["key"] or "")
        place = found.end()
    return tuple(keys)


def _parse_get(path: Any) -> Get:
    found = _PATH.fullmatch(path) if isinstance(path, str) else None
    if found is None or found["root"] not in ROOTS:
        raise BadExpression(guessed(f"Get of {path!r} is none of {', '.join(f'{root}.<name>' for root in ROOTS)}."))
    get = Get(found["root"], found["name"], parse_keys(found["rest"]))
    if get.root == "Execution" and get.name not in VARIABLES:
        raise BadExpression(guessed(f"Execution.{get.name} is none of the execution's variables."))
    if get.root != "Steps" and get.keys:
        raise BadExpression(guessed(f"{path} has nothing below {get.root}.{get.name}."))
    return get


def _get(get: Get, facts: Facts) -> Any:
    match get.root:
        case "Parameters":
            return facts.parameter(get.name)
        case "Execution":
            return facts.variable(get.name)
    return facts.property(get.name, get.keys)


def _json_get(wanted: JsonGet, facts: Facts) -> Any:
    source, path = wanted.source, resolve(wanted.path, facts)
    if isinstance(source, Get) and source.property_file:
        content = facts.property_file(source.name, source.property_file)
    else:
        content = facts.json_at(str(resolve(source, facts)))
    try:
        return walk(content, parse_keys(str(path).removeprefix("$")))
    except (KeyError, BadExpression):
        raise Unresolved(guessed(f"Invalid json path '{path}'")) from None


def _named(items: Sequence[Any], name: str) -> Any:
    """The item that one of its own ...Name members calls so."""
    for item in items:
        if isinstance(item, Mapping) and any(
            member.endswith("Name") and value == name for member, value in item.items()
        ):
            return item
    raise KeyError(name)


def printed(value: Any) -> str:
    """As it is among text: what is no text itself is JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
