"""API Gateway's refusals of what a deployed API could not do: time-outs, and mappings that lead nowhere.

LocalStack takes any time-out, and any header that a method does not declare. What a Cognito authorizer would need is
not here, so none can be made.
https://docs.aws.amazon.com/apigateway/latest/developerguide/request-response-data-mappings.html
"""

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from localstack.aws.api import CommonServiceException
from localstack.aws.api.apigateway import BadRequestException
from localstack.services.apigateway.helpers import get_moto_rest_api
from localstack.services.apigateway.legacy.provider import ApigatewayProvider
from localstack.utils.patch import Patch

from preflight.hosts.localstack.api_gateway.rest.definition import MAX_TIMEOUT_MILLISECONDS, MIN_TIMEOUT_MILLISECONDS

_REQUEST_SOURCE = re.compile(
    r"method\.request\.((path|querystring|header|multivaluequerystring|multivalueheader)\.[^.\s]+|body(\..+)?)"
    r"|'[^']*'|context\..+|stageVariables\..+"
)
_RESPONSE_SOURCE = re.compile(
    r"integration\.response\.((header|multivalueheader)\.[^.\s]+|body(\..+)?)|'[^']*'|context\..+|stageVariables\..+"
)

Operation = Callable[..., Any]


def patches() -> Iterator[Patch]:
    """Check, then let LocalStack do it."""
    for name, check in (
        ("put_integration", _check_integration),
        ("put_integration_response", _check_integration_response),
        ("create_authorizer", _check_authorizer),
    ):
        yield Patch(ApigatewayProvider, name, _checked(getattr(ApigatewayProvider, name), check))
    yield Patch(ApigatewayProvider, "update_integration", _checked_update(ApigatewayProvider.update_integration))


def _checked(operation: Operation, check: Callable[[Any, Mapping[str, Any]], None]) -> Operation:
    @functools.wraps(operation)
    def call(self: Any, context: Any, request: Any, **others: Any) -> Any:
        check(context, request)
        return operation(self, context, request, **others)

    return call


def _checked_update(operation: Operation) -> Operation:
    @functools.wraps(operation)
    def call(self: Any, context: Any, *arguments: Any, **others: Any) -> Any:
        for change in context.service_request.get("patchOperations") or ():
            if change.get("path") == "/timeoutInMillis":
                _check_timeout(change.get("value"))
        return operation(self, context, *arguments, **others)

    return call


def _check_integration(context: Any, request: Mapping[str, Any]) -> None:
    _check_timeout(request.get("timeoutInMillis"))
    mappings = request.get("requestParameters") or {}
    method = _method(context, request) if mappings else None
    if method is None:
        return
    declared = set(method.request_parameters or {})
    for source in mappings.values():
        if not isinstance(source, str) or not _REQUEST_SOURCE.fullmatch(source):
            raise _invalid_mapping(f"Invalid mapping expression specified: {_shown(source)}")
        single = source.replace(".multivalue", ".")
        is_parameter = source.startswith("method.request.") and not source.startswith("method.request.body")
        if is_parameter and single not in declared:
            raise _invalid_mapping(f"Invalid mapping expression parameter specified: {source}")


def _check_integration_response(context: Any, request: Mapping[str, Any]) -> None:
    mappings = request.get("responseParameters") or {}
    method = _method(context, request) if mappings else None
    if method is None:
        return
    response = method.method_responses.get(request.get("statusCode"))
    declared = set((response.response_parameters if response else None) or {})
    for target, source in mappings.items():
        if target not in declared:
            raise _invalid_mapping(f"Invalid mapping expression parameter specified: {target}")
        if not isinstance(source, str) or not _RESPONSE_SOURCE.fullmatch(source):
            raise _invalid_mapping(f"Invalid mapping expression specified: {_shown(source)}")


def _check_timeout(value: object) -> None:
    if value is None:
        return
    try:
        is_allowed = MIN_TIMEOUT_MILLISECONDS <= int(str(value)) <= MAX_TIMEOUT_MILLISECONDS
    except ValueError:
        is_allowed = False
    if not is_allowed:
        raise BadRequestException(
            f"Timeout should be between {MIN_TIMEOUT_MILLISECONDS} ms and {MAX_TIMEOUT_MILLISECONDS} ms"
        )


def _check_authorizer(context: Any, request: Mapping[str, Any]) -> None:
    if request.get("type") == "COGNITO_USER_POOLS":
        message = "CreateAuthorizer with the type COGNITO_USER_POOLS is not supported by Preflight yet."
        raise CommonServiceException("UnsupportedByPreflight", message, status_code=501)


def _method(context: Any, request: Mapping[str, Any]) -> Any:
    """None if there is no such method: LocalStack says so."""
    try:
        resource = get_moto_rest_api(context, request.get("restApiId")).resources.get(request.get("resourceId"))
    except Exception:  # LocalStack meets it again, and answers it
        return None
    return resource.resource_methods.get(request.get("httpMethod")) if resource else None


def _invalid_mapping(error: str) -> BadRequestException:
    return BadRequestException(
        f"Invalid mapping expression specified: Validation Result: warnings : [], errors : [{error}]"
    )


def _shown(source: object) -> str:
    return str(source).lower() if isinstance(source, bool) else str(source)
