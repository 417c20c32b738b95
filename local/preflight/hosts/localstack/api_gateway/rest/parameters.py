"""Parameter mappings: from a request, an endpoint's answer, ``$context`` or a literal to another parameter.

https://docs.aws.amazon.com/apigateway/latest/developerguide/request-response-data-mappings.html
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from preflight.hosts.localstack.api_gateway.rest import json_path
from preflight.hosts.localstack.api_gateway.rest.failures import misconfigured
from preflight.hosts.localstack.api_gateway.rest.request import Call, Headers, grouped


@dataclass
class Mapped:
    """What goes to the endpoint."""

    header: dict[str, str] = field(default_factory=dict)
    querystring: dict[str, list[str]] = field(default_factory=dict)
    path: dict[str, str] = field(default_factory=dict)


def map_request(call: Call, mappings: Mapping[str, str]) -> Mapped:
    """The values of ``integration.request...``; what a request does not have is left out. Raises Failure."""
    mapped = Mapped()
    for target, source in mappings.items():
        place, _, name = target.removeprefix("integration.request.").partition(".")
        values = _of_request(call, source)
        if not values:
            continue
        if place in ("querystring", "multivaluequerystring"):
            mapped.querystring[name] = values
        elif place in ("header", "multivalueheader"):
            mapped.header[name] = ",".join(values)
        elif place == "path":
            mapped.path[name] = values[-1]
    return mapped


def map_response(call: Call, mappings: Mapping[str, str], headers: Headers, body: bytes) -> Headers:
    """The headers of ``method.response.header...``. Raises Failure."""
    mapped = []
    for target, source in mappings.items():
        name = target.removeprefix("method.response.header.")
        values = _of_response(call, source, headers, body)
        if values:
            mapped.append((name, ",".join(values)))
    return mapped


def map_gateway_response(call: "Call | None", context: Mapping[str, Any], mappings: Mapping[str, str]) -> Headers:
    """The headers of ``gatewayresponse.header...``."""
    mapped = []
    for target, source in mappings.items():
        if call is not None and source.startswith("method.request."):
            values = _of_request(call, source)
        else:
            values = _of_all(context, call.stage.variables if call else {}, source)
        if values:
            mapped.append((target.removeprefix("gatewayresponse.header."), ",".join(values)))
    return mapped


def _of_request(call: Call, source: str) -> list[str]:
    if not source.startswith("method.request."):
        return _of_all(call.context, call.stage.variables, source)
    place, _, name = source.removeprefix("method.request.").partition(".")
    request = call.request
    if place == "body":
        return _of_body(request.body, name)
    if place == "path":
        return [call.path_parameters[name]] if name in call.path_parameters else []
    if place in ("querystring", "multivaluequerystring"):
        values = request.query.get(name, [])
    else:
        values = grouped((key.lower(), value) for key, value in request.kept_headers).get(name.lower(), [])
    return values if place.startswith("multivalue") else values[-1:]


def _of_response(call: Call, source: str, headers: Headers, body: bytes) -> list[str]:
    if not source.startswith("integration.response."):
        return _of_all(call.context, call.stage.variables, source)
    place, _, name = source.removeprefix("integration.response.").partition(".")
    if place == "body":
        return _of_body(body, name)
    values = grouped((key.lower(), value) for key, value in headers).get(name.lower(), [])
    return values if place == "multivalueheader" else values[-1:]


def _of_all(context: Mapping[str, Any], variables: Mapping[str, str], source: str) -> list[str]:
    """What both directions may take: ``'text'``, ``context.x``, ``stageVariables.x``."""
    if len(source) >= 2 and source.startswith("'") and source.endswith("'"):
        return [source[1:-1]]
    place, _, name = source.partition(".")
    if place == "stageVariables":
        return [variables[name]] if name in variables else []
    found = json_path.find(context, f"$.{name}") if place == "context" else None
    return [] if found is None else [_as_text(found)]


def _of_body(body: bytes, path: str) -> list[str]:
    text = body.decode(errors="replace").strip()
    if not path:
        return [text] if text else []
    try:
        document = json.loads(text or "{}")
    except (ValueError, RecursionError):
        raise misconfigured("Unable to transform the body: it is no JSON") from None
    found = json_path.find(document, f"$.{path}")
    return [] if found is None else [_as_text(found)]


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
