"""Functions' URLs: what a request becomes for the function, and what its answer becomes for the caller.

LocalStack's own has no cookies, rebuilds bodies from form fields, takes other types of bodies for text, fails (500) on
odd answers, and lets everybody in. AddPermission passes over InvokedViaFunctionUrl.
"""

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from localstack.aws.api import RequestContext
from localstack.aws.chain import HandlerChain
from localstack.aws.handlers.service_plugin import ServiceLoaderForDataPlane
from localstack.http import Request, Response
from localstack.http.request import get_raw_path
from localstack.services.lambda_ import urlrouter
from localstack.services.lambda_.invocation.lambda_models import InvocationResult
from localstack.services.lambda_.invocation.models import lambda_stores
from localstack.services.lambda_.provider import LambdaProvider
from localstack.utils.patch import Patch

from preflight.hosts.localstack.lambda_.function_url import BadAnswer, UrlRequest, event_of, response_of
from preflight.hosts.localstack.lambda_.url_access import Forbidden, Visitor, admit, find_config

_VISITOR = "preflight.visitor"


def patches() -> Iterator[Patch]:
    """Replace both ways, and keep the body's bytes before LocalStack looks for form fields in them."""
    load = ServiceLoaderForDataPlane.__call__

    def keep_body(self: ServiceLoaderForDataPlane, chain: HandlerChain, context: RequestContext, *more: Any) -> Any:
        if ".lambda-url." in context.request.host:
            context.request.get_data()
        return load(self, chain, context, *more)

    yield Patch(ServiceLoaderForDataPlane, "__call__", keep_body)
    yield Patch(urlrouter, "event_for_lambda_url", _event)
    yield Patch(LambdaProvider, "add_permission", _with_condition(LambdaProvider.add_permission))
    handle = urlrouter.FunctionUrlRouter.handle_lambda_url_invocation
    yield Patch(urlrouter.FunctionUrlRouter, "handle_lambda_url_invocation", _guarded(handle))
    yield Patch(urlrouter, "lambda_result_to_response", _response)


def _guarded(handle: Callable[..., Response]) -> Callable[..., Response]:
    @functools.wraps(handle)
    def answer(self: Any, request: Request, api_id: str, region: str, **parts: str) -> Response:
        config = find_config(api_id, region)
        if config is not None:
            try:
                request.environ[_VISITOR] = admit(config, region, _read(request))
            except Forbidden as forbidden:
                refused = Response(forbidden.body, HTTPStatus.FORBIDDEN, mimetype="application/json")
                refused.headers["x-amzn-ErrorType"] = forbidden.error
                return refused
        return handle(self, request, api_id, region, **parts)

    return answer


def _with_condition(add_permission: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(add_permission)
    def add(self: Any, context: Any, request: Mapping[str, Any], **others: Any) -> Any:
        answer = add_permission(self, context, request, **others)
        if request.get("InvokedViaFunctionUrl") is None:
            return answer
        statement = json.loads(answer["Statement"])
        _, _, _, region, account, _, name, *qualifier = statement["Resource"].split(":")
        permissions = lambda_stores[account][region].functions[name].permissions[(qualifier or ["$LATEST"])[0]]
        kept = next(each for each in permissions.policy.Statement if each["Sid"] == statement["Sid"])
        is_via_url = str(request["InvokedViaFunctionUrl"]).lower()
        kept.setdefault("Condition", {})["Bool"] = {"lambda:InvokedViaFunctionUrl": is_via_url}
        return answer | {"Statement": json.dumps(kept)}

    return add


def _event(url_id: str, request: Request) -> dict[str, Any]:
    visitor: Visitor = request.environ.get(_VISITOR) or Visitor()
    event = event_of(_read(request), url_id, visitor.account)
    if visitor.described:
        event["requestContext"]["authorizer"] = {"iam": visitor.described}
    return event


def _read(request: Request) -> UrlRequest:
    path, _, query = get_raw_path(request).partition("?")
    return UrlRequest(
        method=request.method,
        path=path,
        query=query or request.query_string.decode("latin-1"),
        headers=list(request.headers.items()),
        body=request.get_data(),
        source_ip=request.remote_addr or "127.0.0.1",
    )


def _response(result: InvocationResult) -> Response:
    try:
        answer = response_of(result.payload or b"null")
    except BadAnswer:
        return Response("Internal Server Error", HTTPStatus.BAD_GATEWAY)
    response = Response(answer.body, answer.status)
    del response.headers["Content-Type"]
    for name, value in (*answer.headers, ("x-amzn-RequestId", result.request_id)):
        response.headers.add(name, value)
    return response
