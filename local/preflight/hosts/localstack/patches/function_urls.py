"""Functions' URLs: what a request becomes for the function, and what its answer becomes for the caller.

LocalStack's own has no cookies, rebuilds bodies from form fields, takes other types of bodies for text, and fails (500)
on odd answers.
"""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from localstack.aws.api import RequestContext
from localstack.aws.chain import HandlerChain
from localstack.aws.handlers.service_plugin import ServiceLoaderForDataPlane
from localstack.http import Request, Response
from localstack.http.request import get_raw_path
from localstack.services.lambda_ import urlrouter
from localstack.services.lambda_.invocation.lambda_models import InvocationResult
from localstack.utils.patch import Patch

from preflight.hosts.localstack.lambda_.function_url import BadAnswer, UrlRequest, event_of, response_of


def patches() -> Iterator[Patch]:
    """Replace both ways, and keep the body's bytes before LocalStack looks for form fields in them."""
    load = ServiceLoaderForDataPlane.__call__

    def keep_body(self: ServiceLoaderForDataPlane, chain: HandlerChain, context: RequestContext, *more: Any) -> Any:
        if ".lambda-url." in context.request.host:
            context.request.get_data()
        return load(self, chain, context, *more)

    yield Patch(ServiceLoaderForDataPlane, "__call__", keep_body)
    yield Patch(urlrouter, "event_for_lambda_url", _event)
    yield Patch(urlrouter, "lambda_result_to_response", _response)


def _event(url_id: str, request: Request) -> dict[str, Any]:
    path, _, query = get_raw_path(request).partition("?")
    return event_of(
        UrlRequest(
            method=request.method,
            path=path,
            query=query or request.query_string.decode("latin-1"),
            headers=list(request.headers.items()),
            body=request.get_data(),
            source_ip=request.remote_addr or "127.0.0.1",
        ),
        url_id,
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
