"""The integrations that end in a function, and MOCK, which ends nowhere.

https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-integration-settings.html
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from preflight.hosts.localstack.api_gateway.rest import media, parameters, proxy, templates
from preflight.hosts.localstack.api_gateway.rest.backend import FunctionAnswer, Invocation, InvocationRefused
from preflight.hosts.localstack.api_gateway.rest.definition import Integration, IntegrationResponse
from preflight.hosts.localstack.api_gateway.rest.execution_log import ExecutionLog, shown
from preflight.hosts.localstack.api_gateway.rest.failures import (
    bad_function,
    misconfigured,
    refused_by_function,
    unsupported_media_type,
)
from preflight.hosts.localstack.api_gateway.rest.gateway_responses import Answer
from preflight.hosts.localstack.api_gateway.rest.request import Call, Headers

Invoke = Callable[[Invocation], FunctionAnswer]

_JSON = "application/json"
_STAGE_VARIABLE = re.compile(r"\$\{stageVariables\.([^}]*)\}")
_MOCK_STATUS = re.compile(r"""\{(?:.*,)?\s*["']?statusCode["']?\s*:\s*(\d{1,3})\s*[,}]""", re.DOTALL)
# Headers that no mapping may set.
_UNMAPPABLE = frozenset(
    {"content-length", "transfer-encoding", "authorization", "connection", "expect", "proxy-authenticate", "te"}
)
# Headers of an answer that come out under another name.
_REMAPPED = frozenset(
    {"authorization", "connection", "content-length", "content-md5", "date", "expect", "host", "max-forwards"}
    | {"proxy-authenticate", "server", "trailer", "upgrade", "user-agent", "www-authenticate"}
)
_OWN = frozenset({"transfer-encoding"})


def answer(call: Call, integration: Integration, invoke: Invoke, log: ExecutionLog) -> Answer:
    """Carry out the integration. Raises Failure."""
    if integration.type == "AWS_PROXY":
        return _proxy(call, integration, invoke, log)
    exchange = _request(call, integration)
    if integration.type == "MOCK":
        return _response(call, integration, exchange, _mock(exchange), log)
    return _response(call, integration, exchange, _function(call, integration, exchange, invoke, log), log)


def _proxy(call: Call, integration: Integration, invoke: Invoke, log: ExecutionLog) -> Answer:
    if integration.http_method != "POST":
        raise misconfigured("Lambda is called with POST; the integration's httpMethod is another")
    mapped = parameters.map_request(call, integration.parameters)
    _check_mapped(mapped.header)
    payload = json.dumps(proxy.event(call, mapped.header)).encode()
    result = _invoke(call, integration, payload, invoke, log)
    if result.is_error:
        raise bad_function(_function_error(result))
    found = proxy.read_answer(result.payload, call.request.header("accept"), call.api.binary_media_types)
    log.data(lambda: f"Method response body after transformations: {media.as_text(found.body)}")
    return Answer(found.status, _outgoing(call, found.headers), found.body)


@dataclass
class _Exchange:
    """What goes to the endpoint of a non-proxy integration."""

    body: bytes
    mapped: parameters.Mapped
    overrides: dict[str, Any]


@dataclass
class _EndpointAnswer:
    status: int
    headers: Headers
    body: bytes
    selected_by: str  # what the selection patterns are matched against


def _request(call: Call, integration: Integration) -> _Exchange:
    overrides = templates.new_overrides()
    mapped = parameters.map_request(call, integration.parameters)
    request = call.request
    template = _request_template(integration, request.media_type)
    binary = call.api.binary_media_types
    body = media.request_body(request.body, request.media_type, binary, integration.content_handling)
    if template is not None:
        if isinstance(body, bytes):
            raise misconfigured("Unable to transform request: a template cannot read a binary body")
        body = templates.render(template, call, body, overrides)
    override = overrides["requestOverride"]
    mapped.header |= {name: str(value) for name, value in override["header"].items()}
    mapped.path |= {name: str(value) for name, value in override["path"].items()}
    _check_mapped(mapped.header)
    return _Exchange(body.encode() if isinstance(body, str) else body, mapped, overrides)


def _request_template(integration: Integration, media_type: str) -> str | None:
    """The template for the body's type; None lets it pass unchanged. Raises Failure: 415."""
    known = integration.templates
    template = known.get(media_type) or known.get("$default")
    if template:
        return template
    if integration.passthrough == "NEVER" or (integration.passthrough == "WHEN_NO_TEMPLATES" and known):
        raise unsupported_media_type()
    return None


def _mock(exchange: _Exchange) -> _EndpointAnswer:
    text = exchange.body.decode(errors="replace")
    try:
        document = json.loads(text)
        status = document.get("statusCode") if isinstance(document, dict) else None
    except ValueError:  # {statusCode: 200} is fine
        match = _MOCK_STATUS.search(text)
        status = int(match[1]) if match else None
    if isinstance(status, bool) or not isinstance(status, int):
        raise misconfigured(
            "Unable to parse statusCode. It should be an integer that is defined in the request template."
        )
    return _EndpointAnswer(status, [], b"", str(status))


def _function(
    call: Call, integration: Integration, exchange: _Exchange, invoke: Invoke, log: ExecutionLog
) -> _EndpointAnswer:
    payload = exchange.body.strip() or b"{}"
    try:
        json.loads(payload)
    except (ValueError, RecursionError) as error:
        message = f"Could not parse request body into json: Could not parse payload into json: {error}"
        body = json.dumps({"Type": "User", "message": message}).encode()
        return _EndpointAnswer(400, [("Content-Type", _JSON)], body, "")
    is_event = _header(exchange.mapped.header, "x-amz-invocation-type") == "Event"
    result = _invoke(call, integration, payload, invoke, log, exchange.mapped.path, is_event=is_event)
    headers = [("Content-Type", _JSON), ("x-amzn-RequestId", result.request_id)]
    if is_event:
        return _EndpointAnswer(202, headers, b"", "")
    if result.is_error:
        headers.append(("X-Amz-Function-Error", "Unhandled"))
    return _EndpointAnswer(200, headers, result.payload, _error_message(result.payload))


def _error_message(payload: bytes) -> str:
    try:
        document = json.loads(payload)
    except ValueError:
        return ""
    message = document.get("errorMessage") if isinstance(document, dict) else None
    return message if isinstance(message, str) else ""


def _sent_headers(call: Call) -> Mapping[str, str]:
    """What AWS sends beside the payload and is known of a function that is called without HTTP: no signature."""
    return {
        "x-amzn-lambda-integration-tag": call.context["requestId"],
        "x-amzn-apigateway-api-id": call.api.id,
        "X-Amz-Source-Arn": call.source_arn,
        "Accept": "application/json",
        "User-Agent": f"AmazonAPIGateway_{call.api.id}",
        "X-Amzn-Trace-Id": call.trace_id,
        "Content-Type": "application/json",
    }


def _invoke(
    call: Call,
    integration: Integration,
    payload: bytes,
    invoke: Invoke,
    log: ExecutionLog,
    path: Mapping[str, str] | None = None,
    *,
    is_event: bool = False,
) -> FunctionAnswer:
    """Run the function. Raises Failure: 500 if Lambda does not."""
    variables = call.stage.variables
    uri = _with_variables(integration.uri, variables)
    for name, value in (path or {}).items():
        uri = uri.replace(f"{{{name}}}", value)
    arn = uri.split("/functions/", 1)[-1].removesuffix("/invocations")
    endpoint = f"https://lambda.{call.api.region}.amazonaws.com/2015-03-31/functions/{arn}/invocations"
    log.info(lambda: f"Endpoint request URI: {endpoint}")
    log.data(lambda: f"Endpoint request headers: {shown(_sent_headers(call))}")
    log.data(lambda: f"Endpoint request body after transformations: {media.as_text(payload)}")
    log.info(lambda: f"Sending request to {endpoint}")
    try:
        return invoke(
            Invocation(
                function_arn=arn,
                payload=payload,
                source_arn=call.source_arn,
                account=call.api.account,
                role=_with_variables(integration.credentials, variables),
                trace_id=call.trace_id,
                is_event=is_event,
            )
        )
    except InvocationRefused as refusal:
        if refusal.status in (403, 404):
            raise misconfigured(refusal.message or "Invalid permissions on Lambda function") from refusal
        log.error(f"Lambda invocation failed with status: {refusal.status}. Lambda request id: {refusal.request_id}")
        reason = f"Execution failed due to configuration error: {refusal.message}"
        raise refused_by_function(reason) from refusal


def _response(
    call: Call, integration: Integration, exchange: _Exchange, endpoint: _EndpointAnswer, log: ExecutionLog
) -> Answer:
    chosen = _select(integration, endpoint)
    if chosen.status not in call.method.responses:
        raise misconfigured(f"Output mapping refers to an invalid method response: {chosen.status}")
    headers = parameters.map_response(call, chosen.parameters, endpoint.headers, endpoint.body)
    content_type = next((value for name, value in endpoint.headers if name.lower() == "content-type"), "")
    accept = call.request.header("accept")
    binary = call.api.binary_media_types
    body = media.response_body(endpoint.body, content_type, accept, binary, chosen.content_handling)
    template = _response_template(chosen, accept)
    if template is not None:
        if isinstance(body, bytes):
            raise misconfigured("Unable to transform response: a template cannot read a binary body")
        body = templates.render(template, call, body, exchange.overrides)
    override = exchange.overrides["responseOverride"]
    for name, value in override["header"].items():
        headers = [pair for pair in headers if pair[0].lower() != name.lower()] + [(name, str(value))]
    status = override.get("status")
    if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 599:
        status = int(chosen.status)
    content = body.encode() if isinstance(body, str) else body
    log.data(lambda: f"Method response body after transformations: {media.as_text(content)}")
    return Answer(status, _outgoing(call, headers), content)


def _select(integration: Integration, endpoint: _EndpointAnswer) -> IntegrationResponse:
    """The response whose pattern takes all of the text, as Java's ``matches`` does; else the one without a pattern."""
    default = None
    for response in integration.responses:
        if not response.selection_pattern:
            default = default or response
        elif _matches(response.selection_pattern, endpoint.selected_by):
            return response
    if default is None:
        words = "No match for output mapping and no default output mapping configured."
        raise misconfigured(f"{words} Endpoint Response Status Code: {endpoint.status}")
    return default


def _matches(pattern: str, text: str) -> bool:
    try:
        return re.fullmatch(pattern, text) is not None
    except re.error:
        return False


def _response_template(response: IntegrationResponse, accept: str) -> str | None:
    if response.templates is None:
        return None
    wanted = accept.partition(",")[0].partition(";")[0].strip()
    for media_type in (wanted, _JSON):
        if media_type in response.templates:
            return response.templates[media_type]
    return next(iter(response.templates.values()))


def _outgoing(call: Call, headers: Headers) -> Headers:
    """As they leave: some under another name, JSON where nothing else is said."""
    out = [
        (f"x-amzn-Remapped-{name}" if name.lower() in _REMAPPED else name, value)
        for name, value in headers
        if name.lower() not in _OWN
    ]
    if not any(name.lower() == "content-type" for name, _ in out):
        out.insert(0, ("Content-Type", _JSON))
    return out


def _check_mapped(headers: Mapping[str, str]) -> None:
    for name in headers:
        if name.lower() in _UNMAPPABLE:
            raise misconfigured(f"{name} header already present")


def _with_variables(text: str, variables: Mapping[str, str]) -> str:
    return _STAGE_VARIABLE.sub(lambda match: variables.get(match[1], ""), text)


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((value for key, value in headers.items() if key.lower() == name), "")


def _function_error(result: FunctionAnswer) -> str:
    words = _error_message(result.payload)
    return (
        f"Lambda execution failed with status 200 due to customer function error: {words}. "
        f"Lambda request id: {result.request_id}"
    )
