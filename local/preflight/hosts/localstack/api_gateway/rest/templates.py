"""Mapping templates: Velocity with API Gateway's ``$input``, ``$util``, ``$context`` and ``$stageVariables``.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
"""

import base64
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote_plus, unquote_plus

import airspeed

from preflight.hosts.localstack.api_gateway.rest import json_path
from preflight.hosts.localstack.api_gateway.rest.failures import misconfigured
from preflight.hosts.localstack.api_gateway.rest.request import Call

_ESCAPES = {"'": "\\'", '"': '\\"', "\\": "\\\\", "/": "\\/"}
_ESCAPES |= {"\b": "\\b", "\n": "\\n", "\t": "\\t", "\f": "\\f", "\r": "\\r"}


def render(template: str, call: Call, body: str, overrides: dict[str, Any]) -> str:
    """The text of ``template``; ``overrides`` is ``$context``'s requestOverride and responseOverride, and is changed.

    Raises Failure for what Velocity cannot read.
    """
    names = {
        "input": _Input(body, call),
        "util": _Util(),
        "context": _JavaMap(_java(call.context) | overrides),
        "stageVariables": _java(dict(call.stage.variables)),
    }
    try:
        return str(_parsed(template).merge(names))
    except (airspeed.TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise misconfigured(f"Unable to transform request: {error}") from error


def new_overrides() -> dict[str, Any]:
    """What templates may put in the place of a mapping."""
    return {
        "requestOverride": {"header": {}, "path": {}, "querystring": {}},
        "responseOverride": {"header": {}},
    }


@lru_cache(maxsize=512)
def _parsed(template: str) -> Any:
    parsed = airspeed.Template(template)
    parsed.ensure_compiled()
    return parsed


class _JavaString(str):
    """Text with the methods of java.lang.String that templates use."""

    def replaceAll(self, pattern: str, replacement: str) -> "_JavaString":
        # Java writes $1 and \x where Python writes \1 and x.
        def written(match: re.Match[str]) -> str:
            return re.sub(
                r"\\(.)|\$(\d)", lambda part: part[1] if part[1] is not None else match[int(part[2])], replacement
            )

        return _JavaString(re.sub(pattern, written, self))

    def replace(self, old: str, new: str, count: Any = -1) -> "_JavaString":
        return _JavaString(str.replace(self, old, new))

    def substring(self, start: int, end: int | None = None) -> "_JavaString":
        return _JavaString(self[start:end])

    def split(self, pattern: str = " ", limit: Any = 0) -> list[Any]:  # type: ignore[override]
        parts = [_JavaString(part) for part in re.split(pattern, str(self))]
        while parts and not parts[-1]:  # Java drops what is empty at the end
            parts.pop()
        return _JavaList(parts)

    def trim(self) -> "_JavaString":
        return _JavaString(self.strip())

    def toLowerCase(self) -> "_JavaString":
        return _JavaString(self.lower())

    def toUpperCase(self) -> "_JavaString":
        return _JavaString(self.upper())

    def toString(self) -> "_JavaString":
        return self

    def concat(self, other: object) -> "_JavaString":
        return _JavaString(f"{self}{other}")

    def length(self) -> int:
        return len(self)

    def isEmpty(self) -> bool:
        return not self

    def contains(self, other: str) -> bool:
        return other in self

    def equals(self, other: object) -> bool:
        return self == other

    def equalsIgnoreCase(self, other: str) -> bool:
        return self.lower() == other.lower()

    def startsWith(self, other: str) -> bool:
        return self.startswith(other)

    def endsWith(self, other: str) -> bool:
        return self.endswith(other)

    def indexOf(self, other: str) -> int:
        return self.find(other)

    def lastIndexOf(self, other: str) -> int:
        return self.rfind(other)

    def charAt(self, index: int) -> "_JavaString":
        return _JavaString(self[index])

    def matches(self, pattern: str) -> bool:
        return re.fullmatch(pattern, self) is not None


class _Nothing(_JavaString):
    """What is not there: prints nothing, and is equal to $null and to the empty text."""

    def __eq__(self, other: object) -> bool:
        return other is None or other == ""

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__


class _JavaMap(dict[str, Any]):
    """An object; prints as Java does: ``{a=1, b=[{"c":5}]}``."""

    def __str__(self) -> str:
        return "{" + ", ".join(f"{name}={_printed(value)}" for name, value in self.items()) + "}"

    def put(self, name: str, value: Any) -> Any:
        before = dict.get(self, name)
        self[name] = value
        return before

    def get(self, name: str, default: Any = None) -> Any:
        return dict.get(self, name, _Nothing() if default is None else default)

    def putAll(self, others: Mapping[str, Any]) -> None:
        self.update(others)

    def containsKey(self, name: str) -> bool:
        return name in self

    def isEmpty(self) -> bool:
        return not self

    def size(self) -> int:
        return len(self)

    def keySet(self) -> "_JavaSet":
        return _JavaSet(_java(name) for name in dict.keys(self))

    def entrySet(self) -> "_JavaSet":
        return _JavaSet(_JavaMap(key=_java(name), value=value) for name, value in dict.items(self))

    def toString(self) -> str:
        return str(self)


class _JavaList(list[Any]):
    """An array; prints as JSON."""

    def __str__(self) -> str:
        return _json(self)

    def size(self) -> int:
        return len(self)

    def get(self, index: int) -> Any:
        return self[index]

    def add(self, value: Any) -> bool:
        self.append(value)
        return True

    def isEmpty(self) -> bool:
        return not self

    def contains(self, value: object) -> bool:
        return value in self

    def toString(self) -> str:
        return str(self)


class _JavaSet(_JavaList):
    """Keys or entries; prints as Java does: ``[a, b]``."""

    def __str__(self) -> str:
        return f"[{', '.join(_printed(value) for value in self)}]"


def _java(value: Any) -> Any:
    match value:
        case dict():
            return _JavaMap((str(name), _java(member)) for name, member in value.items())
        case list() | tuple():
            return _JavaList(_java(member) for member in value)
        case str():
            return _JavaString(value)
        case _:
            return value


def _printed(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


class _Input:
    """``$input``: the body and the parameters."""

    def __init__(self, body: str, call: Call) -> None:
        self._body = body
        self._call = call
        self._document: Any = None
        self._is_read = False

    @property
    def body(self) -> str:
        return _JavaString(self._body or "{}")

    def json(self, path: str = "$") -> str:
        """JSON text; ``""`` for what is not there."""
        found = self._find(path)
        return _JavaString('""' if found is None else _json(found))

    def path(self, path: str = "$") -> Any:
        found = self._find(path)
        return _Nothing() if found is None else _java(found)

    def params(self, name: str | None = None) -> Any:
        request = self._call.request
        places = _JavaMap(
            path=_java(dict(self._call.path_parameters)),
            querystring=_java({key: values[-1] for key, values in request.query.items()}),
            header=_java(dict(request.kept_headers)),
        )
        if name is None:
            return places
        return next((places[place][name] for place in places if name in places[place]), _Nothing())

    def _find(self, path: str) -> Any:
        if not self._is_read:
            self._is_read = True
            try:
                self._document = json.loads(self._body or "{}")
            except (ValueError, RecursionError):
                self._document = None
        return None if self._document is None else json_path.find(self._document, path)


class _Util:
    """``$util``: all that API Gateway has; toJson, error and time are AppSync's."""

    def escapeJavaScript(self, value: object) -> str:
        """``'`` becomes ``\\'``, which JSON does not know: append ``.replaceAll("\\\\'", "'")``, as AWS says."""
        return _JavaString("".join(_escaped(character) for character in _printed(value)))

    def parseJson(self, text: str) -> Any:
        return _java(json.loads(text))

    def urlEncode(self, text: object) -> str:
        return _JavaString(quote_plus(_printed(text)))

    def urlDecode(self, text: object) -> str:
        return _JavaString(unquote_plus(_printed(text)))

    def base64Encode(self, text: object) -> str:
        return _JavaString(base64.b64encode(_printed(text).encode()).decode())

    def base64Decode(self, text: str) -> str:
        return _JavaString(base64.b64decode(text).decode(errors="replace"))


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if " " <= character <= "~":
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02X}{units[i + 1]:02X}" for i in range(0, len(units), 2))
