"""API Gateway's refusals of definitions that AWS does not take, and LocalStack does.

Each operation's request is checked before LocalStack sees it, in AWS's words where they are known.
https://docs.aws.amazon.com/apigateway/latest/api/API_Operations.html
"""

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from localstack.aws.api import CommonServiceException
from localstack.aws.api.apigateway import BadRequestException, ConflictException, NotFoundException
from localstack.services.apigateway.helpers import get_apigateway_store, get_moto_rest_api
from localstack.services.apigateway.next_gen.provider import ApigatewayNextGenProvider
from localstack.utils.patch import Patch
from moto.apigateway.exceptions import InvalidResourcePathException
from moto.apigateway.models import apigateway_backends

from preflight.hosts.localstack.patches.usage_plan_throttles import NUMBER, stage_of
from preflight.sagemaker.api.errors import guessed

_VERBS = ("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD", "ANY")
_PATH_PART = re.compile(r"\{[a-zA-Z0-9._-]+\+?\}|[a-zA-Z0-9._:-]+")
_CONTENT_TYPE = re.compile(r"[^\s/;]+/[^\s/;]+(\s*;.*)?|\$default")
_PLACES = "(path|querystring|header|multivaluequerystring|multivalueheader)"
_METHOD_PARAMETER = re.compile(rf"method\.request\.{_PLACES}\.\S+")
_RESPONSE_HEADER = re.compile(r"method\.response\.header\.\S+")
_INTEGRATION_PARAMETER = re.compile(rf"integration\.request\.{_PLACES}\.\S+")
_GATEWAY_RESPONSE_HEADER = re.compile(r"gatewayresponse\.header\.\S+")
_IDENTITY_SOURCE = re.compile(r"method\.request\.(header|querystring)\.\S+|stageVariables\.\S+|context\.\S+")
_AUTHORIZER_URI = re.compile(r"arn:aws[\w-]*:apigateway:[\w-]+:lambda:path/\S+/functions/\S+/invocations")
_VARIABLE_NAME = re.compile(r"\w+", re.ASCII)
_VARIABLE_VALUE = re.compile(r"[A-Za-z0-9\-._~:/?#&=,@ ]*")
_STATUS = re.compile(r"[1-5]\d\d")
_LOGS = re.compile(r"/.*/logging/loglevel|/accessLogSettings/destinationArn")

Request = Mapping[str, Any]
Check = Callable[[Any, Request], None]


def patches() -> Iterator[Patch]:
    """Check, then let LocalStack do it."""
    for name, check in _CHECKS.items():
        operation = getattr(ApigatewayNextGenProvider, name)
        yield Patch(ApigatewayNextGenProvider, name, _checked(operation, check))


def _checked(operation: Callable[..., Any], check: Check) -> Callable[..., Any]:
    @functools.wraps(operation)
    def call(self: Any, context: Any, *arguments: Any, **others: Any) -> Any:
        check(context, context.service_request or {})
        return operation(self, context, *arguments, **others)

    return call


def _check_api(context: Any, request: Request) -> None:
    if not request.get("name"):
        raise BadRequestException(guessed("API name must be non-empty"))
    try:
        json.loads(request.get("policy") or "{}")
    except ValueError:
        words = "Invalid policy document. Please check the policy syntax and ensure that Principals are valid."
        raise BadRequestException(words) from None


def _check_imported(context: Any, request: Request) -> None:
    body = request["body"].read() if hasattr(request.get("body"), "read") else request.get("body") or b""
    context.service_request["body"] = _Again(body)
    if not re.search(rb"\b(swagger|openapi)\b", body[:100_000]):
        raise BadRequestException("Invalid OpenAPI input.")


class _Again(bytes):
    """A body that LocalStack may read once more."""

    def read(self) -> bytes:
        return bytes(self)


def _check_known(context: Any, request: Request) -> None:
    _api(context, request)


def _check_resource(context: Any, request: Request) -> None:
    api = _api(context, request)
    part, parent = request.get("pathPart") or "", request.get("parentId")
    if not _PATH_PART.fullmatch(part):
        raise InvalidResourcePathException
    if any(child.parent_id == parent and child.path_part == part for child in api.resources.values()):
        raise ConflictException(f"Another resource with the same parent already has this name: {part}")


def _check_deleted_resource(context: Any, request: Request) -> None:
    resource = _resource(context, request)
    if resource.parent_id is None:
        raise BadRequestException(guessed("The root resource cannot be deleted"))


def _check_method(context: Any, request: Request) -> None:
    resource, verb = _resource(context, request), request.get("httpMethod")
    if verb in resource.resource_methods:
        raise ConflictException("Method already exists for this resource")
    kind = str(request.get("authorizationType")).upper()
    if kind not in ("NONE", "AWS_IAM", "CUSTOM", "COGNITO_USER_POOLS"):
        raise BadRequestException(guessed(f"Invalid authorization type specified: {kind}"))
    _check_mapped(request.get("requestParameters"), _METHOD_PARAMETER)


def _check_integration(context: Any, request: Request) -> None:
    verb = request.get("integrationHttpMethod")
    if verb and verb not in _VERBS:
        raise BadRequestException(guessed(f"Invalid HttpMethod specified. Valid options are {','.join(_VERBS)}"))
    behavior = request.get("passthroughBehavior")
    if behavior and behavior.upper() not in ("WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"):
        raise BadRequestException(guessed(f"Invalid passthrough behavior specified: {behavior}"))
    _check_handling(request, "putIntegrationInput")
    _check_templates(request.get("requestTemplates"))
    _check_mapped(request.get("requestParameters"), _INTEGRATION_PARAMETER)


def _check_integration_response(context: Any, request: Request) -> None:
    _require_status(request)
    if getattr(_method(context, request), "method_integration", None) is None:
        raise NotFoundException("Invalid Integration identifier specified")
    try:
        re.compile(request.get("selectionPattern") or "")
    except re.error as error:
        words = guessed(f"Invalid selection pattern specified: {request['selectionPattern']}")
        raise BadRequestException(words) from error
    _check_handling(request, "putIntegrationResponseInput")
    _check_templates(request.get("responseTemplates"))


def _check_method_response(context: Any, request: Request) -> None:
    _require_status(request)
    if request["statusCode"] in _method(context, request).method_responses:
        raise ConflictException("Response already exists for this resource")
    _check_mapped(request.get("responseParameters"), _RESPONSE_HEADER)
    models = get_apigateway_store(context).rest_apis[request["restApiId"]].models
    for model in (request.get("responseModels") or {}).values():
        if model not in models:
            raise BadRequestException(f"Invalid model identifier specified: {model}")


def _check_deployment(context: Any, request: Request) -> None:
    api = _api(context, request)
    _check_stage_name(request)
    _check_variables(request.get("variables"))
    methods = [method for resource in api.resources.values() for method in resource.resource_methods.values()]
    if not methods:
        raise BadRequestException("The REST API doesn't contain any methods")
    if any(getattr(method, "method_integration", None) is None for method in methods):
        raise BadRequestException("No integration defined for method")


def _check_stage(context: Any, request: Request) -> None:
    api = _api(context, request)
    _check_stage_name(request)
    _check_variables(request.get("variables"))
    if request.get("stageName") in api.stages:
        raise ConflictException("Stage already exists")
    if request.get("deploymentId") not in api.deployments:
        raise BadRequestException("Deployment id does not exist")


def _check_stage_name(request: Request) -> None:
    name = request.get("stageName")
    if name and not re.fullmatch(r"[a-zA-Z0-9_-]+", name):
        raise BadRequestException("Stage name only allows a-zA-Z0-9_-")


def _check_changed_stage(context: Any, request: Request) -> None:
    _api(context, request)
    for change in request.get("patchOperations") or ():
        path, value = change.get("path") or "", change.get("value")
        if change.get("op") == "remove":
            continue
        if path.endswith(("/throttling/rateLimit", "/throttling/burstLimit")) and not NUMBER.fullmatch(str(value)):
            raise BadRequestException(guessed(f"Invalid value '{value}' for patch path {path}"))
        if path.startswith("/variables/"):
            _check_variables({path.removeprefix("/variables/"): value or ""})
        if not _LOGS.fullmatch(path):
            continue
        if path.endswith("/loglevel") and value not in ("OFF", "ERROR", "INFO"):
            raise BadRequestException(
                guessed(f"Invalid log level specified: {value}. Must be one of: OFF, ERROR, INFO")
            )
        account = get_apigateway_store(context).account
        if value != "OFF" and not account.get("cloudwatchRoleArn"):
            raise BadRequestException("CloudWatch Logs role ARN must be set in account settings to enable logging")


def _check_found_deployment(context: Any, request: Request) -> None:
    if request.get("deploymentId") not in _api(context, request).deployments:
        raise NotFoundException("Invalid Deployment identifier specified")


def _check_model(context: Any, request: Request) -> None:
    name, schema = request.get("name") or "", request.get("schema")
    if not re.fullmatch(r"[a-zA-Z0-9]*", name):
        raise BadRequestException(f"Model name must be alphanumeric: {name}")
    try:
        json.loads(schema or "{}")
    except ValueError:
        words = "Invalid model specified: Validation Result: warnings : [], errors : [Invalid model schema specified]"
        raise BadRequestException(words) from None


def _check_authorizer(context: Any, request: Request) -> None:
    kind, source, uri = request.get("type"), request.get("identitySource"), request.get("authorizerUri")
    _require_one_of("createAuthorizerInput.type", kind, ("TOKEN", "REQUEST", "COGNITO_USER_POOLS"))
    if kind == "COGNITO_USER_POOLS":
        return
    if not _AUTHORIZER_URI.fullmatch(uri or ""):
        raise BadRequestException(
            f"Invalid Authorizer URI: {uri or 'null'}. "
            "Authorizer URI should be a valid API Gateway ARN that represents a Lambda function invocation."
        )
    seconds = request.get("authorizerResultTtlInSeconds")
    if seconds is not None and not 0 <= int(seconds) <= 3600:
        raise BadRequestException(guessed("Authorizer result TTL must be between 0 and 3600 seconds"))
    sources = [part.strip() for part in (source or "").split(",") if part.strip()]
    is_needed = kind == "TOKEN" or seconds != 0  # a verdict is kept under the values of its sources
    if is_needed and not sources:
        raise BadRequestException(guessed("Identity source is required"))
    if wrong := [part for part in sources if not _IDENTITY_SOURCE.fullmatch(part)]:
        raise _invalid_mapping(f"Invalid mapping expression specified: {wrong[0]}")


def _check_found_authorizer(context: Any, request: Request) -> None:
    api = get_apigateway_store(context).rest_apis.get(request.get("restApiId"))
    if api is None or request.get("authorizerId") not in api.authorizers:
        raise NotFoundException("Invalid Authorizer identifier specified")


def _check_gateway_response(context: Any, request: Request) -> None:
    status = request.get("statusCode")
    if status and not _STATUS.fullmatch(str(status)):
        raise BadRequestException(guessed(f"Invalid status code specified: {status}"))
    _check_mapped(request.get("responseParameters"), _GATEWAY_RESPONSE_HEADER)


def _check_usage_plan(context: Any, request: Request) -> None:
    if not request.get("name"):
        raise BadRequestException(guessed("Usage Plan name must be non-empty"))
    period = (request.get("quota") or {}).get("period")
    _require_one_of("createUsagePlanInput.quota.period", period, (None, "DAY", "WEEK", "MONTH"))
    apis = apigateway_backends[context.account_id][context.region].apis
    for stage in request.get("apiStages") or ():
        api = apis.get(stage.get("apiId"))
        if api is None or stage.get("stage") not in api.stages:
            words = (
                f"Invalid API Stage {{api: {stage.get('apiId')}, stage: {stage.get('stage')}}} specified for usageplan"
            )
            raise NotFoundException(guessed(words))


def _check_usage_plan_key(context: Any, request: Request) -> None:
    backend = apigateway_backends[context.account_id][context.region]
    plan_id, key_id = request.get("usagePlanId"), request.get("keyId")
    plan = backend.usage_plans.get(plan_id)
    if request.get("keyType") != "API_KEY":
        raise BadRequestException(guessed(f"Invalid key type specified: {request.get('keyType')}"))
    if plan is None:
        return
    if key_id in backend.usage_plan_keys.get(plan_id, {}):
        raise ConflictException(guessed(f"The API key {key_id} is already in the usage plan {plan_id}"))
    stages = [stage_of(stage) for stage in plan.api_stages]
    for other_id, keys in backend.usage_plan_keys.items():
        other = backend.usage_plans.get(other_id)
        if other is None or key_id not in keys:
            continue
        if shared := [name for name in map(stage_of, other.api_stages) if name in stages]:
            raise ConflictException(
                f"Usage Plan {plan_id} cannot be added because API Key {key_id} cannot reference multiple Usage Plans "
                f"with the same API Stage: {shared[0]}"
            )


def _check_deleted_usage_plan(context: Any, request: Request) -> None:
    plan = apigateway_backends[context.account_id][context.region].usage_plans.get(request.get("usagePlanId"))
    if plan is not None and plan.api_stages:
        words = f"Cannot delete Usage Plan {plan.id} because API stages are associated with it"
        raise BadRequestException(guessed(words))


def _check_mapped(parameters: Mapping[str, Any] | None, names: "re.Pattern[str]") -> None:
    for name in parameters or ():
        if not names.fullmatch(name):
            raise _invalid_mapping(f"Invalid mapping expression specified: {name}")


def _check_templates(templates: Mapping[str, Any] | None) -> None:
    for content_type in templates or ():
        if not _CONTENT_TYPE.fullmatch(content_type):
            error = f"Invalid content type specified: {content_type}"
            raise BadRequestException(f"Validation Result: warnings : [], errors : [{error}]")


def _check_handling(request: Request, shape: str) -> None:
    known = (None, "CONVERT_TO_BINARY", "CONVERT_TO_TEXT")
    _require_one_of(f"{shape}.contentHandling", request.get("contentHandling"), known)


def _check_variables(variables: Mapping[str, str] | None) -> None:
    for name, value in (variables or {}).items():
        if not _VARIABLE_NAME.fullmatch(name):
            raise BadRequestException(guessed(f"Invalid stage variable name: {name}"))
        if not _VARIABLE_VALUE.fullmatch(str(value)):
            words = guessed(
                f"Invalid stage variable value: {value}. Please use values with alphanumeric characters and the "
                "symbols ' ', -', '.', '_', ':', '/', '?', '&', '=', and '@'."
            )
            raise BadRequestException(words)


def _require_status(request: Request) -> None:
    status = str(request.get("statusCode"))
    if not _STATUS.fullmatch(status):
        raise _invalid("statusCode", status, r"regular expression pattern: [1-5]\d\d")


def _require_one_of(path: str, value: object, known: tuple[str | None, ...]) -> None:
    if value not in known:
        raise _invalid(path, value, f"enum value set: [{', '.join(name for name in known if name)}]")


def _api(context: Any, request: Request) -> Any:
    """Raises NotFoundException."""
    return get_moto_rest_api(context, request.get("restApiId"))


def _resource(context: Any, request: Request) -> Any:
    try:
        resource = _api(context, request).resources.get(request.get("resourceId"))
    except NotFoundException:
        resource = None
    if resource is None:
        raise NotFoundException("Invalid Resource identifier specified")
    return resource


def _method(context: Any, request: Request) -> Any:
    method = _resource(context, request).resource_methods.get(request.get("httpMethod"))
    if method is None:
        raise NotFoundException("Invalid Method identifier specified")
    return method


def _check_found_resource(context: Any, request: Request) -> None:
    _resource(context, request)


def _invalid(path: str, value: object, constraint: str) -> CommonServiceException:
    words = f"Value '{value}' at '{path}' failed to satisfy constraint: Member must satisfy {constraint}"
    return CommonServiceException("ValidationException", f"1 validation error detected: {words}", status_code=400)


def _invalid_mapping(error: str) -> BadRequestException:
    return BadRequestException(
        f"Invalid mapping expression specified: Validation Result: warnings : [], errors : [{error}]"
    )


_CHECKS: dict[str, Check] = {
    "create_rest_api": _check_api,
    "get_rest_api": _check_known,
    "get_resources": _check_known,
    "import_rest_api": _check_imported,
    "put_rest_api": _check_imported,
    "create_resource": _check_resource,
    "get_resource": _check_found_resource,
    "delete_resource": _check_deleted_resource,
    "put_method": _check_method,
    "put_method_response": _check_method_response,
    "put_integration": _check_integration,
    "put_integration_response": _check_integration_response,
    "create_deployment": _check_deployment,
    "get_deployment": _check_found_deployment,
    "create_stage": _check_stage,
    "update_stage": _check_changed_stage,
    "create_model": _check_model,
    "create_authorizer": _check_authorizer,
    "get_authorizer": _check_found_authorizer,
    "delete_authorizer": _check_found_authorizer,
    "update_authorizer": _check_found_authorizer,
    "put_gateway_response": _check_gateway_response,
    "create_usage_plan": _check_usage_plan,
    "create_usage_plan_key": _check_usage_plan_key,
    "delete_usage_plan": _check_deleted_usage_plan,
}
