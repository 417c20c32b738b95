"""Who may call a function's URL.

Its own policy must let him, also where AuthType is NONE: since October 2025 by two rights.
https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from localstack.services.lambda_.invocation.lambda_models import FunctionUrlConfig
from localstack.services.lambda_.invocation.models import lambda_stores

from preflight.hosts.localstack.api_gateway import callers
from preflight.hosts.localstack.api_gateway.rest.backend import Caller
from preflight.hosts.localstack.api_gateway.rest.failures import Failure, expired_token, no_route, unknown_token
from preflight.hosts.localstack.api_gateway.rest.request import Request as SignedRequest
from preflight.hosts.localstack.api_gateway.rest.signature import Signature
from preflight.hosts.localstack.authorization.handler import roles_decide
from preflight.hosts.localstack.authorization.resources import resource_side
from preflight.hosts.localstack.lambda_.function_url import UrlRequest
from preflight.iam.conditions import values_of
from preflight.iam.decision import Policies, Request, decide
from preflight.iam.policy import Principal, read_policy

SERVICE = "lambda"
_GUIDE = "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
FORBIDDEN = f'{{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: {_GUIDE}"}}'
_EVERYTHING = read_policy('{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}')


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who calls: his account and, if his request is signed, what the event tells of him."""

    account: str = "anonymous"
    described: Mapping[str, Any] = field(default_factory=dict)


class Forbidden(Exception):
    """He may not. ``body`` and ``error`` are the answer's; its status is 403."""

    def __init__(self, body: str = FORBIDDEN, error: str = "AccessDeniedException") -> None:
        super().__init__(body)
        self.body = body
        self.error = error


def find_config(url_id: str, region: str) -> FunctionUrlConfig | None:
    """The URL's configuration, whose ever it is."""
    for account in lambda_stores:
        for function in lambda_stores[account][region].functions.values():
            for config in function.function_url_configs.values():
                if config.url_id.lower() == url_id.lower():
                    return config
    return None


def admit(config: FunctionUrlConfig, region: str, request: UrlRequest) -> Visitor:
    """Raises Forbidden."""
    caller = _signer(request, region) if config.auth_type == "AWS_IAM" else None
    if roles_decide():
        _require_rights(config, caller)
    if caller is None:
        return Visitor()
    principal = caller.principal
    described: dict[str, Any] = {"accessKey": caller.access_key, "accountId": principal.account, "callerId": caller.id}
    described |= {"cognitoIdentity": None, "principalOrgId": None, "userArn": principal.arn, "userId": caller.id}
    return Visitor(principal.account, described)


def _signer(request: UrlRequest, region: str) -> Caller:
    uri = f"{request.path}?{request.query}" if request.query else request.path
    signed = SignedRequest(request.method, uri, request.path, request.headers, request.body, request.source_ip)
    try:
        signature = Signature.read(signed)
        caller = callers.find(signature.access_key)
        if caller is None or (caller.token and caller.token != signature.token):
            raise unknown_token()
        if caller.is_expired:
            raise expired_token()
        signature.check(signed, caller.secret, region, datetime.now(UTC), SERVICE)
    except Failure as failure:
        if failure.type == no_route().type:  # it is not signed at all
            raise Forbidden from None
        words = (failure.message or "").replace("\\", "\\\\").replace('"', '\\"')
        raise Forbidden(f'{{"message":"{words}"}}', failure.error) from None
    return caller


def _require_rights(config: FunctionUrlConfig, caller: Caller | None) -> None:
    side = resource_side(config.function_arn)
    policies = Policies(resource=side.policy)
    principal, account = Principal(arn="anonymous"), ""
    if caller is not None:
        own = caller.policies or Policies((_EVERYTHING,))
        policies = Policies(own.identity, own.boundary, own.session, side.policy)
        principal, account = caller.principal, side.account
    for action, keys in _rights(config.auth_type):
        known = {**(caller.keys if caller else {}), **keys, "aws:SecureTransport": "true", "aws:SourceIp": "127.0.0.1"}
        if not decide(Request(principal, action, config.function_arn, values_of(known), account), policies).is_allowed:
            raise Forbidden


def _rights(auth_type: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    yield "lambda:InvokeFunctionUrl", {"lambda:FunctionUrlAuthType": auth_type}
    yield "lambda:InvokeFunction", {"lambda:InvokedViaFunctionUrl": "true"}
