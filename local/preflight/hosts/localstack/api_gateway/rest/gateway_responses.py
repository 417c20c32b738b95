"""From a failure to what its caller gets: AWS's own words, or the API's gateway responses.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gatewayResponse-definition.html
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from preflight.hosts.localstack.api_gateway.rest import json_path, parameters
from preflight.hosts.localstack.api_gateway.rest.definition import Api, GatewayResponse
from preflight.hosts.localstack.api_gateway.rest.failures import Failure
from preflight.hosts.localstack.api_gateway.rest.request import Call, Headers, Request

_JSON = "application/json"
_VARIABLE = re.compile(r"\$(?:\{)?((?:context|stageVariables|method\.request)(?:\.[\w-]+)+)\}?")
_FIXED = ("REQUEST_TOO_LARGE",)  # what cannot be customized


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: Headers
    body: bytes


def answer(failure: Failure, api: Api | None, request: Request, context: dict[str, Any], call: Call | None) -> Answer:
    """What the caller gets. ``call`` is None as long as no method is known."""
    words = json.dumps(failure.message)
    context["error"] = {
        "message": failure.message or "",
        "messageString": words,
        "responseType": failure.type,
        "validationErrorString": failure.validation,
    }
    headers = [("x-amzn-ErrorType", failure.error)]
    custom = api and _custom(api, failure)
    if not custom:
        member = "Message" if failure.error == "AccessDeniedException" else "message"
        body = f'{{"{member}":{" " if failure.is_spaced else ""}{words}}}'
        return Answer(failure.status, [("Content-Type", _JSON), *headers], body.encode())
    content_type, template = _template(custom, request)
    headers = [("Content-Type", content_type), *headers]
    for name, value in parameters.map_gateway_response(call, context, custom.parameters):
        headers = [pair for pair in headers if pair[0].lower() != name.lower()] + [(name, value)]
    status = int(custom.status) if custom.status.isdigit() else failure.status
    return Answer(status, headers, _substituted(template, context, call).encode())


def _custom(api: Api, failure: Failure) -> GatewayResponse | None:
    """The one of its own type, or of all its class."""
    if failure.type in _FIXED:
        return None
    general = "DEFAULT_4XX" if failure.status < 500 else "DEFAULT_5XX"
    return api.gateway_responses.get(failure.type) or api.gateway_responses.get(general)


def _template(response: GatewayResponse, request: Request) -> tuple[str, str]:
    templates = response.templates or {_JSON: '{"message":$context.error.messageString}'}
    accept = request.header("accept").partition(",")[0].partition(";")[0].strip()
    chosen = accept if accept in templates else _JSON if _JSON in templates else next(iter(templates))
    return chosen, templates[chosen]


def _substituted(template: str, context: Mapping[str, Any], call: Call | None) -> str:
    """Bodies are no Velocity: only variables are put in."""

    def value(match: re.Match[str]) -> str:
        path = match[1]
        if path.startswith("context."):
            found = json_path.find(context, f"$.{path.removeprefix('context.')}")
            return "" if found is None else found if isinstance(found, str) else json.dumps(found)
        if call is None:
            return ""
        source = (
            path if path.startswith("method.request.") else f"stageVariables.{path.removeprefix('stageVariables.')}"
        )
        mapped = parameters.map_gateway_response(call, context, {"x": source})
        return mapped[0][1] if mapped else ""

    return _VARIABLE.sub(value, template)
