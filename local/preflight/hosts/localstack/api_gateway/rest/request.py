"""A request as it came in, and what everything behind it reads: ``$context``, parameters, stage variables."""

import base64
import os
import secrets
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from preflight.hosts.localstack.api_gateway.rest.definition import Api, Method, Resource, Stage

# What API Gateway itself takes off a request: neither a function nor a template sees these.
_DROPPED = frozenset(
    {"connection", "content-length", "content-md5", "expect", "max-forwards", "proxy-authenticate", "server", "te"}
    | {"transfer-encoding", "trailer", "upgrade", "www-authenticate"}
)
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

Headers = list[tuple[str, str]]


@dataclass(frozen=True)
class Request:
    """An HTTP request to one stage of one API.

    ``uri`` is the request line's target as it came; ``path`` is what of it follows the stage, as it came too.
    """

    method: str
    uri: str
    path: str
    headers: Headers
    body: bytes
    source_ip: str

    @cached_property
    def kept_headers(self) -> Headers:
        """Without those that API Gateway takes off."""
        return [(name, value) for name, value in self.headers if name.lower() not in _DROPPED]

    @cached_property
    def _by_name(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers}

    @cached_property
    def query(self) -> dict[str, list[str]]:
        """Decoded, each name with all its values."""
        return grouped(parse_qsl(self.uri.partition("?")[2], keep_blank_values=True))

    def header(self, name: str) -> str:
        """The last value of a header, whatever the case of its name; empty if there is none."""
        return self._by_name.get(name.lower(), "")

    @property
    def media_type(self) -> str:
        """Of the body, without parameters; a body without a Content-Type is JSON."""
        return self.header("content-type").partition(";")[0].strip() or "application/json"


@dataclass
class Call:
    """A request on its way through one method."""

    request: Request
    api: Api
    stage: Stage
    resource: Resource
    method: Method
    path_parameters: Mapping[str, str]
    context: dict[str, Any]
    trace_id: str

    @property
    def method_arn(self) -> str:
        """What policies and authorizers see: the verb and the path of this very request."""
        return f"{self._arn}/{self.request.method}/{self.request.path.lstrip('/')}"

    @property
    def source_arn(self) -> str:
        """What a function's policy sees: the verb and the path as they are configured."""
        return f"{self._arn}/{self.method.verb}{self.resource.path}"

    @property
    def _arn(self) -> str:
        return f"arn:aws:execute-api:{self.api.region}:{self.api.account}:{self.api.id}/{self.stage.name}"


def grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Each name with all its values, in their order."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


def new_context(request: Request, api: Api, stage: Stage) -> dict[str, Any]:
    """The ``$context`` of a request before its method is known.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
    """
    now = time.time()
    host = request.header("host")
    context: dict[str, Any] = {
        "accountId": api.account,
        "apiId": api.id,
        "deploymentId": stage.deployment_id,
        "domainName": host,
        "domainPrefix": host.partition(".")[0],
        "extendedRequestId": base64.urlsafe_b64encode(os.urandom(11)).decode(),
        "httpMethod": request.method,
        "identity": {
            "accessKey": None,
            "accountId": None,
            "caller": None,
            "cognitoAuthenticationProvider": None,
            "cognitoAuthenticationType": None,
            "cognitoIdentityId": None,
            "cognitoIdentityPoolId": None,
            "principalOrgId": None,
            "sourceIp": request.source_ip,
            "user": None,
            "userAgent": request.header("user-agent") or None,
            "userArn": None,
        },
        "path": f"/{stage.name}{request.path}",
        "protocol": "HTTP/1.1",
        "requestId": str(uuid.uuid4()),
        "requestTime": _common_log_time(now),
        "requestTimeEpoch": int(now * 1000),
        "stage": stage.name,
    }
    if stage.is_canary is not None:
        context["isCanaryRequest"] = stage.is_canary
    return context


def new_trace_id(request: Request) -> str:
    """``X-Amzn-Trace-Id``; the root that a client gives is kept."""
    given = dict(part.strip().split("=", 1) for part in request.header("x-amzn-trace-id").split(";") if "=" in part)
    root = given.get("Root") or f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    parent = given.get("Parent")
    sampled = given.get("Sampled") or ("1" if parent else "0")
    return f"Root={root};Parent={parent or secrets.token_hex(8)};Sampled={sampled}"


def _common_log_time(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)  # its month is English, whatever the machine's language
    return f"{moment:%d}/{_MONTHS[moment.month - 1]}/{moment:%Y:%H:%M:%S} +0000"
