"""AWS_IAM: the signature of a request, checked with botocore's own signer.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPMessage
from typing import Any
from urllib.parse import parse_qsl

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from preflight.hosts.localstack.api_gateway.rest.failures import (
    incomplete_signature,
    invalid_signature,
    no_route,
)
from preflight.hosts.localstack.api_gateway.rest.request import Request

ALGORITHM = "AWS4-HMAC-SHA256"
SERVICE = "execute-api"
_SKEW = timedelta(minutes=5)
_TIME = "%Y%m%dT%H%M%SZ"
_REQUIRED = ("Credential", "Signature", "SignedHeaders")
_WRONG = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)


@dataclass(frozen=True, slots=True)
class Signature:
    """What a request says of its signature, in a header or in its query."""

    access_key: str
    token: str
    region: str
    service: str
    time: str
    lifetime: timedelta | None  # of a presigned request
    signed_headers: tuple[str, ...]
    value: str
    is_presigned: bool

    @classmethod
    def read(cls, request: Request) -> "Signature":
        """Raises Failure: 403 for a request without one, and for one that cannot be read."""
        header = request.header("authorization")
        if header:
            require_readable(header)
            members = _members(header)
            missing = [
                f"Authorization header requires '{name}' parameter." for name in _REQUIRED if name not in members
            ]
            time = request.header("x-amz-date")
            if not time:
                missing.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
            if missing:
                raise incomplete_signature(f"{' '.join(missing)} Authorization={header}")
            token, lifetime = request.header("x-amz-security-token"), None
        else:
            members = {name.removeprefix("X-Amz-"): values[-1] for name, values in request.query.items()}
            if "Signature" not in members or "Credential" not in members:
                raise no_route()
            time, token = members.get("Date", ""), members.get("Security-Token", "")
            expires = members.get("Expires", "")
            is_number = expires.isascii() and expires.isdigit() and len(expires) < 7
            lifetime = timedelta(seconds=int(expires)) if is_number else timedelta()
        access_key, date, region, service = (members["Credential"].split("/") + [""] * 4)[:4]
        if date != time[:8]:
            raise invalid_signature(
                f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date: {time}"
            )
        return cls(
            access_key=access_key,
            token=token,
            region=region,
            service=service,
            time=time,
            lifetime=lifetime,
            signed_headers=tuple(members.get("SignedHeaders", "").lower().split(";")),
            value=members["Signature"],
            is_presigned=not header,
        )

    def check(self, request: Request, secret: str, region: str, now: datetime, service: str = SERVICE) -> None:
        """Raises Failure: 403 for a wrong scope, time or signature."""
        scope = ""
        if self.region != region:
            scope += "Credential should be scoped to a valid region. "
        if self.service != service:
            scope += f"Credential should be scoped to correct service: '{service}'. "
        if scope:
            raise invalid_signature(scope)
        self._check_time(now)
        if not hmac.compare_digest(self.value, self._expected(request, secret)):
            raise invalid_signature(_WRONG)

    def _check_time(self, now: datetime) -> None:
        try:
            signed = datetime.strptime(self.time, _TIME).replace(tzinfo=UTC)
        except ValueError:
            raise invalid_signature(f"Date must be in ISO-8601 'basic format'. Got '{self.time}'.") from None
        earliest = now - (self.lifetime or _SKEW)
        if signed < earliest:
            words = f"{earliest:{_TIME}} ({now:{_TIME}} - {'5 min.' if self.lifetime is None else self.lifetime})"
            raise invalid_signature(f"Signature expired: {self.time} is now earlier than {words}")
        if signed > now + _SKEW:
            words = f"{now + _SKEW:{_TIME}} ({now:{_TIME}} + 5 min.)"
            raise invalid_signature(f"Signature not yet current: {self.time} is still later than {words}")

    def _expected(self, request: Request, secret: str) -> str:
        path, _, query = request.uri.partition("?")
        signed = [(name, value) for name, value in request.headers if name.lower() in self.signed_headers]
        pairs = [(k, v) for k, v in parse_qsl(query, keep_blank_values=True) if k != "X-Amz-Signature"]
        aws_request = AWSRequest(method=request.method, url=f"http://{request.header('host')}{path}", data=request.body)
        aws_request.params = pairs
        for name, value in signed:
            aws_request.headers[name] = value  # adds: HTTPMessage keeps every value of a name
        aws_request.context["timestamp"] = self.time
        signer = _Signer(Credentials(self.access_key, secret), self.service, self.region, request.body)
        text = signer.string_to_sign(aws_request, signer.canonical_request(aws_request))
        return str(signer.signature(text, aws_request))


class _Signer(SigV4Auth):
    """Botocore's, of the headers that the client says it has signed, and of the body that came."""

    def __init__(self, credentials: Credentials, service: str, region: str, body: bytes) -> None:
        super().__init__(credentials, service, region)
        self._body = body

    def headers_to_sign(self, request: Any) -> HTTPMessage:
        headers = HTTPMessage()
        for name, value in request.headers.items():
            headers[name.lower()] = value
        return headers

    def canonical_request(self, request: Any) -> str:
        headers = self.headers_to_sign(request)
        return "\n".join(
            [
                request.method.upper(),
                self._normalize_url_path(request.url.split("://", 1)[1].partition("/")[2].join(("/", ""))),
                self.canonical_query_string(request),
                self.canonical_headers(headers) + "\n",
                self.signed_headers(headers),
                hashlib.sha256(self._body).hexdigest(),
            ]
        )


def require_readable(header: str) -> None:
    """Raises Failure: 403 for an Authorization header that is no list of ``key=value``."""
    _members(header)


def _members(header: str) -> Mapping[str, str]:
    scheme, _, rest = header.partition(" ")
    text = rest if scheme == ALGORITHM else (rest or scheme)
    members = {}
    for part in text.replace(",", " ").split():
        name, equals, value = part.partition("=")
        if not equals:
            words = f"'{part}' not a valid key=value pair (missing equal-sign) in Authorization header: '{header}'."
            raise incomplete_signature(words)
        members[name] = value
    return members
