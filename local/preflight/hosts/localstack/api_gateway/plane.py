"""The data plane in this stack: LocalStack's functions, keys, credentials and logs behind the rules of ``rest/``."""

import logging
from collections.abc import Sequence

from localstack.services.plugins import SERVICE_PLUGINS

from preflight.hosts.localstack.api_gateway import callers, deployments, functions
from preflight.hosts.localstack.api_gateway.addresses import Address
from preflight.hosts.localstack.api_gateway.log_writer import LogWriter
from preflight.hosts.localstack.api_gateway.rest.backend import Caller, FunctionAnswer, Invocation
from preflight.hosts.localstack.api_gateway.rest.gateway import BODY_LIMIT_BYTES, Gateway
from preflight.hosts.localstack.api_gateway.rest.gateway_responses import Answer
from preflight.hosts.localstack.api_gateway.rest.request import Call, Headers, Request
from preflight.hosts.localstack.api_gateway.rest.throttling import UsagePlan


class _Stack:
    """The backend: what LocalStack has."""

    def __init__(self) -> None:
        self._logs = LogWriter()

    def invoke(self, invocation: Invocation) -> FunctionAnswer:
        return functions.invoke(invocation)

    def function_timeout(self, function_arn: str) -> float:
        return functions.timeout_of(function_arn)

    def caller(self, access_key: str) -> Caller | None:
        return callers.find(access_key)

    def usage_plans(self, call: Call) -> Sequence[UsagePlan]:
        return deployments.usage_plans(call)

    def write_log(self, account: str, region: str, group: str, stream: str, lines: Sequence[str]) -> None:
        self._logs.add(account, region, group, stream, lines)


LOG = logging.getLogger(__name__)

__all__ = ["BODY_LIMIT_BYTES", "answer", "has_answer"]

_GATEWAY = Gateway(_Stack())


def has_answer(address: Address, method: str) -> bool:
    """Whether ``answer`` has one: it costs less to ask than to have a request counted twice. Never raises."""
    try:
        deployment, _ = deployments.find(address.api, address.stage) or (None, None)
    except Exception:  # the answer tells
        return True
    return deployment is None or deployment.has_answer(method, address.path)


def answer(address: Address, method: str, uri: str, headers: Headers, body: bytes, source_ip: str) -> Answer | None:
    """The answer to one request; None if LocalStack has to give it. Never raises."""
    try:
        SERVICE_PLUGINS.require("apigateway")
        deployment, stage = deployments.find(address.api, address.stage) or (None, None)
    except Exception:
        LOG.exception("What is deployed to %s of %s cannot be read.", address.stage, address.api)
        return Answer(500, [("Content-Type", "application/json")], b'{"message": "Internal server error"}')
    request = Request(method, uri, address.path, headers, body, source_ip)
    return _GATEWAY.answer(request, deployment, stage)
