"""The data plane in this stack: LocalStack's functions, keys, credentials and logs behind the rules of ``rest/``."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from localstack.services.plugins import SERVICE_PLUGINS

from preflight.hosts.localstack.api_gateway import callers, deployments, functions
from preflight.hosts.localstack.api_gateway.addresses import Address
from preflight.hosts.localstack.api_gateway.log_writer import LogWriter
from preflight.hosts.localstack.api_gateway.rest.backend import Caller, FunctionAnswer, Invocation
from preflight.hosts.localstack.api_gateway.rest.definition import Stage
from preflight.hosts.localstack.api_gateway.rest.gateway import BODY_LIMIT_BYTES, Deployment, Gateway
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

__all__ = ["BODY_LIMIT_BYTES", "Target", "find"]

_GATEWAY = Gateway(_Stack())


@dataclass(frozen=True, slots=True)
class Target:
    """What an address leads to at the moment; without a deployment to nothing."""

    address: Address
    deployment: Deployment | None = None
    stage: Stage | None = None
    is_readable: bool = True

    def has_answer(self, method: str) -> bool:
        """Whether ``answer`` has one, and LocalStack is not needed."""
        return self.deployment is None or self.deployment.has_answer(method, self.address.path)

    def answer(self, method: str, uri: str, headers: Headers, body: bytes, source_ip: str) -> Answer | None:
        """The answer to one request; None if LocalStack has to give it. Never raises."""
        if not self.is_readable:
            return Answer(500, [("Content-Type", "application/json")], b'{"message": "Internal server error"}')
        request = Request(method, uri, self.address.path, headers, body, source_ip)
        return _GATEWAY.answer(request, self.deployment, self.stage)


def find(address: Address) -> Target:
    """Never raises."""
    try:
        SERVICE_PLUGINS.require("apigateway")
        deployment, stage = deployments.find(address.api, address.stage) or (None, None)
    except Exception:
        LOG.exception("What is deployed to %s of %s cannot be read.", address.stage, address.api)
        return Target(address, is_readable=False)
    return Target(address, deployment, stage)
