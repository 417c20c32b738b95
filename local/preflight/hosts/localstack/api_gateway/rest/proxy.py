"""The Lambda proxy integration: the event a function gets, and the answer it may give.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from preflight.hosts.localstack.api_gateway.rest import media
from preflight.hosts.localstack.api_gateway.rest.failures import bad_function
from preflight.hosts.localstack.api_gateway.rest.request import Call, Headers, grouped

_ANSWER_MEMBERS = frozenset({"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"})
_MALFORMED = "Execution failed due to configuration error: Malformed Lambda proxy response"
_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CAPITALIZED = {"authorization": "Authorization", "user-agent": "User-Agent"}


def event(call: Call, mapped_headers: Mapping[str, str]) -> dict[str, Any]:
    """The event; ``mapped_headers`` are those that the integration's requestParameters add."""
    request = call.request
    headers = _event_headers(call, mapped_headers)
    query = request.query
    is_base64 = media.is_binary(request.media_type, call.api.binary_media_types)
    body = base64.b64encode(request.body).decode() if is_base64 else media.as_text(request.body)
    return {
        "resource": call.resource.path,
        "path": "/" + request.path.lstrip("/"),
        "httpMethod": request.method,
        "headers": {name: values[-1] for name, values in headers.items()} or None,
        "multiValueHeaders": headers or None,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": dict(call.path_parameters) or None,
        "stageVariables": dict(call.stage.variables) or None,
        "requestContext": _request_context(call),
        "body": body or None,
        "isBase64Encoded": is_base64 and bool(request.body),
    }


def _request_context(call: Call) -> dict[str, Any]:
    hidden = ("error", "requestOverride", "responseOverride")
    return {name: value for name, value in call.context.items() if name not in hidden}


def _event_headers(call: Call, mapped: Mapping[str, str]) -> dict[str, list[str]]:
    request = call.request
    is_signed = call.method.authorization == "AWS_IAM"
    headers = grouped(
        (_CAPITALIZED.get(name.lower(), name), value)
        for name, value in request.kept_headers
        if not (is_signed and name.lower() == "authorization")  # a signature is for API Gateway
    )
    lower = {name.lower(): name for name in headers}
    added = {
        "X-Amzn-Trace-Id": call.trace_id,
        "X-Forwarded-For": _forwarded_for(call),
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
    }
    for name, value in (added | dict(mapped)).items():
        headers.pop(lower.get(name.lower(), name), None)
        headers[name] = [value]
    return headers


def _forwarded_for(call: Call) -> str:
    given = call.request.header("x-forwarded-for")
    return f"{given}, {call.request.source_ip}" if given else call.request.source_ip


@dataclass(frozen=True, slots=True)
class ProxyAnswer:
    """What a function answers, as HTTP."""

    status: int
    headers: Headers
    body: bytes


def read_answer(payload: bytes, accept: str, binary_media_types: tuple[str, ...]) -> ProxyAnswer:
    """The answer in a function's result. Raises Failure: 502 for what AWS does not take."""
    try:
        answer = json.loads(payload)
    except (ValueError, RecursionError):
        raise bad_function(_MALFORMED) from None
    if not isinstance(answer, dict) or not _ANSWER_MEMBERS.issuperset(answer):
        raise bad_function(_MALFORMED)
    body = answer.get("body")
    if body is not None and not isinstance(body, str):
        raise bad_function(_MALFORMED)
    is_base64 = answer.get("isBase64Encoded")
    if is_base64 is not None and not isinstance(is_base64, bool):
        raise bad_function(_MALFORMED)
    content = (body or "").encode(errors="replace")
    if is_base64 and media.is_binary(accept, binary_media_types):
        content = media.decoded(content)
    return ProxyAnswer(_status(answer.get("statusCode")), _headers(answer), content)


def _status(given: object) -> int:
    """200 without one; numbers may be text."""
    if given is None:
        return 200
    if isinstance(given, str) and given.isascii() and given.isdigit():
        given = int(given)
    # A 1xx is no answer yet: a client would wait for another.
    if isinstance(given, bool) or not isinstance(given, int) or not 200 <= given <= 599:
        raise bad_function(_MALFORMED)
    return given


def _headers(answer: Mapping[str, Any]) -> Headers:
    """Those of multiValueHeaders first, each followed by the one of the same name in headers."""
    single = _members(answer.get("headers"))
    multi = _members(answer.get("multiValueHeaders"))
    merged: dict[str, tuple[str, list[str]]] = {}
    for name, values in multi.items():
        if not isinstance(values, list):
            raise bad_function(_MALFORMED)
        merged.setdefault(name.lower(), (name, []))[1].extend(_text(value) for value in values)
    for name, value in single.items():
        texts = merged.setdefault(name.lower(), (name, []))[1]
        text = _text(value)
        if text not in texts:
            texts.append(text)
    headers = [(name, value) for name, values in merged.values() for value in values]
    if any(not _HEADER_NAME.fullmatch(name) or re.search(r"[\r\n\0]", value) for name, value in headers):
        raise bad_function(_MALFORMED)
    return headers


def _members(headers: object) -> Mapping[str, Any]:
    if headers is None:
        return {}
    if not isinstance(headers, dict):
        raise bad_function(_MALFORMED)
    return headers


def _text(value: object) -> str:
    """A header's value: text, a number, or a truth value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise bad_function(_MALFORMED)
