"""A function's URL: the event that a request becomes, and the response that an answer becomes.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html (payload format 2.0)
"""

import base64
import binascii
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

_TEXT = ("text/", "application/json", "application/xml", "application/javascript")  # a form is none


class BadAnswer(Exception):
    """An answer that is no response; the caller gets 502."""


@dataclass(frozen=True)
class UrlRequest:
    """One request, as it came in: ``path`` and ``query`` still encoded."""

    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes
    source_ip: str


@dataclass(frozen=True)
class UrlResponse:
    body: bytes
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=lambda: [("Content-Type", "application/json")])


def event_of(request: UrlRequest, url_id: str, account: str = "anonymous") -> dict[str, Any]:
    """The event. Header names are lower case; several values of a name are joined by commas."""
    headers = _joined((name.lower(), value) for name, value in request.headers)
    host = headers.get("host", "")
    now = datetime.now(UTC)
    event: dict[str, Any] = {"version": "2.0", "routeKey": "$default", "rawPath": request.path or "/"}
    event["rawQueryString"] = request.query
    if cookies := headers.get("cookie"):
        event["cookies"] = [cookie.strip() for cookie in cookies.split(";")]
    forwarded = {"x-forwarded-for": request.source_ip, "x-forwarded-port": "443", "x-forwarded-proto": "https"}
    event["headers"] = {name: value for name, value in headers.items() if name != "connection"} | forwarded
    if query := _joined(parse_qsl(request.query, keep_blank_values=True)):
        event["queryStringParameters"] = query
    event["requestContext"] = {
        "accountId": account,
        "apiId": url_id,
        "authentication": None,
        "domainName": host,
        "domainPrefix": host.partition(".")[0],
        "http": {
            "method": request.method,
            "path": request.path or "/",
            "protocol": "HTTP/1.1",
            "sourceIp": request.source_ip,
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": str(uuid.uuid4()),
        "routeKey": "$default",
        "stage": "$default",
        "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(now.timestamp() * 1000),
    }
    text = _as_text(request.body, headers.get("content-type", ""))
    if request.body:
        event["body"] = base64.b64encode(request.body).decode() if text is None else text
    event["isBase64Encoded"] = bool(request.body) and text is None
    return event


def response_of(payload: bytes) -> UrlResponse:
    """The response: as an object with a ``statusCode`` says, else 200 with the whole answer as JSON.

    A bare string is sent without its quotes.

    Raises:
        BadAnswer
    """
    answer = json.loads(payload)
    if isinstance(answer, str):
        return UrlResponse(answer.encode())
    if not isinstance(answer, dict) or "statusCode" not in answer:
        return UrlResponse(json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode())
    try:
        status = int(answer["statusCode"])
        given = dict(answer.get("headers") or {})
        cookies = [("Set-Cookie", str(cookie)) for cookie in answer.get("cookies") or []]
        body = _body(answer.get("body"), is_base64=bool(answer.get("isBase64Encoded")))
    except (ValueError, TypeError, binascii.Error) as error:
        raise BadAnswer(str(error)) from error
    headers = {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}
    if "content-type" not in map(str.lower, headers):
        headers["Content-Type"] = "application/json"
    if not 100 <= status <= 599:
        raise BadAnswer(f"{status} is no status.")
    return UrlResponse(body, status, [*headers.items(), *cookies])


def _body(body: object, *, is_base64: bool) -> bytes:
    if body is None:
        return b""
    text = body if isinstance(body, str) else json.dumps(body, separators=(",", ":"))
    return base64.b64decode(text, validate=True) if is_base64 else text.encode()


def _as_text(body: bytes, content_type: str) -> str | None:
    """What the body is as text; None if its type is none of text, or its bytes are not UTF-8."""
    kind = content_type.partition(";")[0].strip().lower()
    if not (kind.startswith(_TEXT) or kind.endswith(("+json", "+xml"))):
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined
