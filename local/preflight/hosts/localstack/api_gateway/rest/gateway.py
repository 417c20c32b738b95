"""A request's way through a deployed API, in AWS's order: route, authorizer, key and limits, validator, integration.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-rest-api.html
"""

import hashlib
import json
import logging
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from preflight.hosts.localstack.api_gateway.rest import (
    authorizers,
    gateway_responses,
    json_path,
    lambda_integration,
    media,
    validation,
)
from preflight.hosts.localstack.api_gateway.rest.backend import Backend, FunctionAnswer, Invocation
from preflight.hosts.localstack.api_gateway.rest.definition import MAX_TIMEOUT_MILLISECONDS, Api, Integration, Stage
from preflight.hosts.localstack.api_gateway.rest.execution_log import ExecutionLog, shown
from preflight.hosts.localstack.api_gateway.rest.failures import (
    Failure,
    broken,
    headers_too_large,
    integration_timeout,
    misconfigured,
    no_route,
    no_stage,
    too_large,
    uri_too_long,
)
from preflight.hosts.localstack.api_gateway.rest.gateway_responses import Answer
from preflight.hosts.localstack.api_gateway.rest.request import Call, Request, new_context, new_trace_id
from preflight.hosts.localstack.api_gateway.rest.routes import Routes
from preflight.hosts.localstack.api_gateway.rest.signature import require_readable
from preflight.hosts.localstack.api_gateway.rest.throttling import Throttle

LOG = logging.getLogger(__name__)

BODY_LIMIT_BYTES = 10 * 1024 * 1024
URI_LIMIT_CHARACTERS = 10_240
HEADERS_LIMIT_BYTES = 10_240
CONCURRENT_INVOCATIONS = 1000  # Lambda's own limit of an account and region
_LOGGED_VARIABLE = re.compile(r"\$(?:\{)?context\.([A-Za-z][\w.]*)\}?")


@dataclass(frozen=True, slots=True)
class Deployment:
    """An API as it was deployed, ready to be asked."""

    api: Api
    routes: Routes

    @classmethod
    def of(cls, api: Api) -> "Deployment":
        return cls(api, Routes(api.resources))

    def has_answer(self, verb: str, path: str) -> bool:
        """Whether a request is answered here, if only with an error; no to an integration that is not carried out."""
        route = self.routes.find(verb, path)
        integration = route.method.integration if route else None
        return integration is None or integration.is_known


class Gateway:
    """Answers the requests of every deployed API of a stack."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.throttle = Throttle()
        self.authorizers = authorizers.LambdaAuthorizers()
        self._pool = ThreadPoolExecutor(CONCURRENT_INVOCATIONS, thread_name_prefix="api-gateway")

    def answer(self, request: Request, deployment: Deployment | None, stage: Stage | None) -> Answer | None:
        """The answer; None for an integration that is not carried out here. Never raises."""
        if deployment is None or stage is None:
            return gateway_responses.answer(no_stage(), None, request, {}, None)
        return _Exchange(self, request, deployment, stage).answer()

    def invoke(self, invocation: Invocation, seconds: float) -> FunctionAnswer:
        """Run a function and wait so long. Raises InvocationRefused, or Failure: 504; the function runs on then."""
        if self.backend.function_timeout(invocation.function_arn) < seconds:
            # It ends in time by itself: another thread to watch it would only cost. Unless it was slow to start.
            started = time.monotonic()
            answer = self.backend.invoke(invocation)
            if time.monotonic() - started > seconds:
                raise integration_timeout()
            return answer
        future = self._pool.submit(self.backend.invoke, invocation)
        try:
            return future.result(seconds)
        except TimeoutError:
            raise integration_timeout() from None


class _Exchange:
    """One request and its answer."""

    def __init__(self, gateway: Gateway, request: Request, deployment: Deployment, stage: Stage) -> None:
        self._gateway = gateway
        self._backend = gateway.backend
        self._request = request
        self._deployment = deployment
        self._api = deployment.api
        self._stage = stage
        self._context = new_context(request, deployment.api, stage)
        self._trace_id = new_trace_id(request)
        self._call: Call | None = None
        self._log = ExecutionLog(self._context["requestId"], {}, lambda lines: None)
        self._started = time.monotonic()
        self._integration_milliseconds: int | None = None
        self._is_traced = False

    def answer(self) -> Answer | None:
        try:
            answer = self._run()
        except Failure as failure:
            answer = self._failed(failure)
        except Exception:
            LOG.exception("%s %s could not be answered.", self._request.method, self._request.uri)
            answer = self._failed(broken())
        if answer is None:
            return None
        answer = Answer(answer.status, self._with_own_headers(answer), answer.body)
        self._log.info(lambda: f"Method completed with status: {answer.status}")
        self._log.close()
        self._write_access_log(answer)
        return answer

    def _run(self) -> Answer | None:
        """Raises Failure."""
        self._check_size()
        call = self._call = self._find_method()
        settings = self._stage.settings(call.resource.path, call.method.verb)
        log = self._log = ExecutionLog(self._context["requestId"], settings, self._write_execution_log)
        authorizers.admit(call, self._backend, self._gateway.authorizers, self._invoke, log)
        self._gateway.throttle.admit(
            call, self._backend.usage_plans(call) if call.method.key_required else (), settings
        )
        self._log_start(call, log)
        validation.validate(call)
        integration = call.method.integration
        if integration is None:
            raise misconfigured("No integration defined for method")
        if not integration.is_known:
            return None
        answer = self._integrate(call, integration, log)
        log.data(lambda: f"Method response headers: {shown(answer.headers)}")
        log.info(lambda: "Successfully completed execution")
        return answer

    def _check_size(self) -> None:
        request = self._request
        if len(request.uri) > URI_LIMIT_CHARACTERS:
            raise uri_too_long()
        if sum(len(name) + len(value) for name, value in request.headers) > HEADERS_LIMIT_BYTES:
            raise headers_too_large()
        if len(request.body) > BODY_LIMIT_BYTES:
            raise too_large()

    def _find_method(self) -> Call:
        request = self._request
        route = self._deployment.routes.find(request.method, request.path)
        if route is None:
            if header := request.header("authorization"):
                require_readable(header)
            raise no_route()
        self._context |= {"resourceId": route.resource.id, "resourcePath": route.resource.path}
        return Call(
            request=request,
            api=self._api,
            stage=self._stage,
            resource=route.resource,
            method=route.method,
            path_parameters=route.path_parameters,
            context=self._context,
            trace_id=self._trace_id,
        )

    def _integrate(self, call: Call, integration: Integration, log: ExecutionLog) -> Answer:
        self._is_traced = integration.type != "MOCK"

        def invoke(invocation: Invocation) -> FunctionAnswer:
            started = time.monotonic()
            try:
                answer = self._gateway.invoke(invocation, integration.timeout_seconds)
            finally:
                self._integration_milliseconds = milliseconds = round((time.monotonic() - started) * 1000)
            log.info(lambda: f"Received response. Status: 200, Integration latency: {milliseconds} ms")
            told = {"x-amzn-RequestId": answer.request_id, "Content-Type": "application/json"}
            log.data(lambda: f"Endpoint response headers: {shown(told)}")
            log.data(lambda: f"Endpoint response body before transformations: {media.as_text(answer.payload)}")
            return answer

        return lambda_integration.answer(call, integration, invoke, log)

    def _invoke(self, invocation: Invocation) -> FunctionAnswer:
        return self._gateway.invoke(invocation, MAX_TIMEOUT_MILLISECONDS / 1000)

    def _failed(self, failure: Failure) -> Answer:
        self._log.error(failure.reason)
        self._is_traced = failure.is_integration
        return gateway_responses.answer(failure, self._api, self._request, self._context, self._call)

    def _with_own_headers(self, answer: Answer) -> list[tuple[str, str]]:
        own = [
            ("x-amzn-RequestId", self._context["requestId"]),
            ("x-amz-apigw-id", self._context["extendedRequestId"]),
        ]
        if self._is_traced:
            own.append(("X-Amzn-Trace-Id", self._trace_id))
        names = {name.lower() for name, _ in own}
        return [pair for pair in answer.headers if pair[0].lower() not in names] + own

    def _log_start(self, call: Call, log: ExecutionLog) -> None:
        if not log.is_on:
            return
        context, request = self._context, call.request
        request_id, stage = context["requestId"], f"{call.api.id}/{call.stage.name}"
        key = context["identity"].get("apiKey") or ""
        key = f"{'*' * 34}{key[-6:]}" if key else ""
        method = f"{call.method.verb} {call.resource.path}"
        free = f"API Key  authorized because method '{method}' does not require API Key. "
        log.info(lambda: f"Extended Request Id: {context['extendedRequestId']}")
        log.info(lambda: f"Verifying Usage Plan for request: {request_id}. API Key: {key} API Stage: {stage}")
        if not call.method.key_required:
            log.info(lambda: f"{free}Request will not contribute to throttle or quota limits")
        log.info(lambda: f"Usage Plan check succeeded for API Key {key} and API Stage {stage}")
        log.info(lambda: f"Starting execution for request: {request_id}")
        log.info(lambda: f"HTTP Method: {request.method}, Resource Path: /{request.path.lstrip('/')}")
        log.data(lambda: f"Method request path: {shown(call.path_parameters)}")
        query = {name: values[-1] for name, values in request.query.items()}
        log.data(lambda: f"Method request query string: {shown(query)}")
        log.data(lambda: f"Method request headers: {shown(_masked(request.kept_headers))}")
        log.data(lambda: f"Method request body before transformations: {media.as_text(request.body)}")

    def _write_execution_log(self, lines: list[str]) -> None:
        group = f"API-Gateway-Execution-Logs_{self._api.id}/{self._stage.name}"
        stream = hashlib.md5(group.encode(), usedforsecurity=False).hexdigest()
        self._backend.write_log(self._api.account, self._api.region, group, stream, lines)

    def _write_access_log(self, answer: Answer) -> None:
        settings = self._stage.access_log
        _, separator, group = settings.get("destinationArn", "").partition(":log-group:")
        if not separator or not settings.get("format"):
            return
        known = self._context | {
            "status": answer.status,
            "responseLength": len(answer.body),
            "responseLatency": round((time.monotonic() - self._started) * 1000),
            "integrationLatency": self._integration_milliseconds,
            "xrayTraceId": self._trace_id.partition(";")[0].removeprefix("Root="),
        }

        def value(match: re.Match[str]) -> str:
            found = json_path.find(known, f"$.{match[1]}")
            return "-" if found in (None, "") else found if isinstance(found, str) else json.dumps(found)

        line = _LOGGED_VARIABLE.sub(value, settings["format"])
        group = group.removesuffix(":*")
        stream = hashlib.md5(self._api.id.encode(), usedforsecurity=False).hexdigest()
        self._backend.write_log(self._api.account, self._api.region, group, stream, [line])


def _masked(headers: list[tuple[str, str]]) -> list[tuple[str, Any]]:
    secret = ("authorization", "x-api-key", "x-amz-security-token")
    return [(name, f"****{value[-6:]}" if name.lower() in secret else value) for name, value in headers]
