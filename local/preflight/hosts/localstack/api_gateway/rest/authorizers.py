"""Who may come in: AWS_IAM, Lambda authorizers, and the API's resource policy.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-control-access-to-api.html
"""

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from preflight.hosts.localstack.api_gateway.rest.backend import (
    Backend,
    Caller,
    FunctionAnswer,
    Invocation,
    InvocationRefused,
)
from preflight.hosts.localstack.api_gateway.rest.definition import Described
from preflight.hosts.localstack.api_gateway.rest.execution_log import ExecutionLog
from preflight.hosts.localstack.api_gateway.rest.failures import (
    access_denied,
    authorizer_misconfigured,
    expired_token,
    misconfigured,
    unauthorized,
    unknown_token,
    unsupported,
)
from preflight.hosts.localstack.api_gateway.rest.proxy import event as proxy_event
from preflight.hosts.localstack.api_gateway.rest.request import Call
from preflight.hosts.localstack.api_gateway.rest.signature import SERVICE, Signature
from preflight.iam.conditions import values_of
from preflight.iam.decision import Decision, Outcome, Policies, decide
from preflight.iam.decision import Request as Asked
from preflight.iam.denials import denial
from preflight.iam.errors import MalformedPolicy
from preflight.iam.policy import Policy, Principal, read_policy

DEFAULT_CACHE_SECONDS = 300
INVOKE = "execute-api:Invoke"
ANONYMOUS = "anonymous"
_EVERYTHING = read_policy('{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}')
_EVENT_MEMBERS = (
    *("resource", "path", "httpMethod", "headers", "multiValueHeaders", "queryStringParameters"),
    *("multiValueQueryStringParameters", "pathParameters", "stageVariables", "requestContext"),
)
_NOT_AUTHORIZED = "User is not authorized to access this resource"

Invoke = Callable[[Invocation], FunctionAnswer]


def admit(call: Call, backend: Backend, authorizers: "LambdaAuthorizers", invoke: Invoke, log: ExecutionLog) -> None:
    """Let the request in. Raises Failure: 401, 403, 500."""
    match call.method.authorization:
        case "AWS_IAM":
            _check_caller(call, _signer(call, backend))
        case "CUSTOM":
            authorizers.admit(call, invoke, log)
            _check_anonymous(call, needs_allow=False)
        case "NONE":
            _check_anonymous(call, needs_allow=True)
        case kind:
            raise unsupported(f"An authorizer of the type {kind}")


def _signer(call: Call, backend: Backend) -> Caller:
    signature = Signature.read(call.request)
    caller = backend.caller(signature.access_key)
    if caller is None or (caller.token and caller.token != signature.token):
        raise unknown_token()
    if caller.is_expired:
        raise expired_token()
    signature.check(call.request, caller.secret, call.api.region, datetime.now(UTC))
    call.context["identity"] |= {
        "accessKey": caller.access_key,
        "accountId": caller.principal.account,
        "caller": caller.id,
        "user": caller.id,
        "userArn": caller.principal.arn,
    }
    return caller


def _check_caller(call: Call, caller: Caller) -> None:
    """In one account the caller's policies or the API's must allow; across accounts both."""
    own = caller.policies or Policies((_EVERYTHING,))
    policies = Policies(own.identity, own.boundary, own.session, _policy_of(call))
    request = _asked(call, caller.principal, caller.keys)
    decision = decide(request, policies)
    if not decision.is_allowed:
        raise access_denied(_words(request, call, decision))


def _check_anonymous(call: Call, *, needs_allow: bool) -> None:
    """An API with a policy lets in nobody whom that does not let in."""
    policy = _policy_of(call)
    if policy is None:
        return
    request = _asked(call, Principal(arn=ANONYMOUS), {})
    decision = decide(request, Policies(resource=policy))
    if decision.outcome is Outcome.EXPLICIT_DENY:
        raise access_denied(_words(request, call, decision))
    if needs_allow and not decision.is_allowed:
        raise access_denied(_words(request, call, decision).partition(" because ")[0])


def _policy_of(call: Call) -> Policy | None:
    """The API's own, with ``execute-api:/...`` written out."""
    if not call.api.policy:
        return None
    prefix = f"arn:aws:execute-api:{call.api.region}:{call.api.account}:{call.api.id}/"
    try:
        return read_policy(call.api.policy.replace('"execute-api:/', f'"{prefix}'))
    except MalformedPolicy as error:
        raise misconfigured(f"The API's policy cannot be read: {error}") from error


def _asked(call: Call, principal: Principal, keys: Mapping[str, str]) -> Asked:
    now = datetime.now(UTC)
    known = {
        **keys,
        "aws:CurrentTime": now.isoformat(),
        "aws:EpochTime": str(int(now.timestamp())),
        "aws:SecureTransport": "true",  # as every request that the same program sends to AWS
        "aws:SourceIp": call.request.source_ip,
        "aws:UserAgent": call.request.header("user-agent"),
        "aws:Referer": call.request.header("referer"),
    }
    account = call.api.account if principal.account else ""
    return Asked(principal, INVOKE, call.method_arn, values_of({k: v for k, v in known.items() if v}), account)


def _words(request: Asked, call: Call, decision: Decision) -> str:
    """AWS's sentence, in which the account is masked."""
    account = call.api.account
    resource = call.method_arn.replace(f":{account}:", f":{'*' * 8}{account[-4:]}:", 1)
    return denial(SERVICE, request.principal.arn, INVOKE, resource, decision).message


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What an authorizer said, until it is to be asked again."""

    policy: Policy
    context: Mapping[str, str]
    principal: str
    usage_key: str
    until: float


class LambdaAuthorizers:
    """Functions that decide who comes in, and their verdicts, which are kept for a while."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, ...], _Verdict] = {}
        self._lock = threading.Lock()

    def admit(self, call: Call, invoke: Invoke, log: ExecutionLog) -> None:
        """Raises Failure: 401, 403, 500."""
        authorizer = call.api.authorizers.get(call.method.authorizer_id)
        if authorizer is None:
            raise authorizer_misconfigured("Execution failed due to configuration error: Invalid authorizer")
        values = _identity(call, authorizer)
        seconds = authorizer.get("authorizerResultTtlInSeconds")
        seconds = DEFAULT_CACHE_SECONDS if seconds is None else int(seconds)
        started = time.monotonic()
        name = (call.api.id, call.stage.name, call.stage.deployment_id, call.method.authorizer_id, *values)
        verdict = self._verdict(name, started) if seconds and values else None
        if verdict is None:
            verdict = _ask(call, authorizer, values, invoke, log, started + seconds)
            if seconds and values:
                self._keep(name, verdict)
        _apply(call, verdict, round((time.monotonic() - started) * 1000))

    def _verdict(self, name: tuple[str, ...], now: float) -> _Verdict | None:
        with self._lock:
            verdict = self._kept.get(name)
            return verdict if verdict is not None and verdict.until > now else None

    def _keep(self, name: tuple[str, ...], verdict: _Verdict) -> None:
        now = time.monotonic()
        with self._lock:
            self._kept = {key: kept for key, kept in self._kept.items() if kept.until > now}
            self._kept[name] = verdict


def _identity(call: Call, authorizer: Described) -> tuple[str, ...]:
    """The values of the identity sources. Raises Failure: 401 if one is missing, or a token is not as it has to be."""
    sources = [source.strip() for source in (authorizer.get("identitySource") or "").split(",") if source.strip()]
    values = []
    for source in sources:
        place, _, name = source.removeprefix("method.request.").partition(".")
        if place == "header":
            value = call.request.header(name)
        elif place == "querystring":
            value = call.request.query.get(name, [""])[-1]
        elif source.startswith("stageVariables."):
            value = call.stage.variables.get(name, "")
        else:
            value = str(call.context.get(name, ""))
        if not value:
            raise unauthorized()
        values.append(value)
    pattern = authorizer.get("identityValidationExpression")
    if authorizer.get("type") == "TOKEN" and pattern and not re.fullmatch(pattern, values[0]):
        raise unauthorized()
    return tuple(values)


def _ask(
    call: Call, authorizer: Described, values: tuple[str, ...], invoke: Invoke, log: ExecutionLog, until: float
) -> _Verdict:
    log.info(lambda: f"Starting authorizer: {authorizer.get('id')} for request: {call.context['requestId']}")
    event: dict[str, Any] = {"type": authorizer.get("type"), "methodArn": call.method_arn}
    if authorizer.get("type") == "TOKEN":
        event["authorizationToken"] = values[0]
    else:
        whole = proxy_event(call, {})
        event |= {member: whole[member] for member in _EVENT_MEMBERS}
    source = (
        f"arn:aws:execute-api:{call.api.region}:{call.api.account}:{call.api.id}/authorizers/{authorizer.get('id')}"
    )
    arn = str(authorizer.get("authorizerUri")).split("/functions/", 1)[-1].removesuffix("/invocations")
    invocation = Invocation(
        function_arn=arn,
        payload=json.dumps(event).encode(),
        source_arn=source,
        account=call.api.account,
        role=authorizer.get("authorizerCredentials") or "",
        trace_id=call.trace_id,
    )
    try:
        answer = invoke(invocation)
    except InvocationRefused as refusal:
        reason = f"Execution failed due to configuration error: {refusal.message}"
        raise authorizer_misconfigured(reason) from refusal
    log.data(lambda: f"Authorizer result body before parsing: {answer.payload.decode(errors='replace')}")
    return _read(answer, until)


def _read(answer: FunctionAnswer, until: float) -> _Verdict:
    """Raises Failure: 401 if the function raised ``Unauthorized``, 500 if what it says is no policy."""
    try:
        document = json.loads(answer.payload)
    except ValueError:
        document = None
    if answer.is_error:
        if isinstance(document, dict) and document.get("errorMessage") == "Unauthorized":
            raise unauthorized()
        raise authorizer_misconfigured("Execution failed due to configuration error: Authorizer error")
    try:
        policy = read_policy(json.dumps(document["policyDocument"]))
        principal = document["principalId"]
        context = document.get("context") or {}
        is_flat = all(isinstance(value, (str, int, float, bool)) for value in context.values())
    except (KeyError, TypeError, AttributeError, MalformedPolicy):
        is_flat = False
    if not is_flat or not isinstance(principal, str):
        raise authorizer_misconfigured("Execution failed due to configuration error: Could not parse policy")
    texts = {
        name: ("true" if value else "false") if isinstance(value, bool) else str(value)
        for name, value in context.items()
    }
    return _Verdict(policy, texts, principal, str(document.get("usageIdentifierKey") or ""), until)


def _apply(call: Call, verdict: _Verdict, milliseconds: int) -> None:
    decision = decide(_asked(call, Principal(arn=verdict.principal), {}), Policies((verdict.policy,)))
    if decision.outcome is Outcome.EXPLICIT_DENY:
        raise access_denied(f"{_NOT_AUTHORIZED} with an explicit deny")
    if not decision.is_allowed:
        raise access_denied(_NOT_AUTHORIZED)
    call.context["authorizer"] = {
        "principalId": verdict.principal,
        "integrationLatency": milliseconds,
        **verdict.context,
    }
    if verdict.usage_key:
        call.context["identity"]["apiKey"] = verdict.usage_key
