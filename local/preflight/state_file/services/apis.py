"""REST APIs with their own ids, so that their URLs are the same. Each stage gets what its API is now."""

from collections.abc import Iterator
from typing import Any

from preflight.state_file.requests import Request, new, pages
from preflight.state_file.source import Source, only

_SERVICE = "apigateway"
_CUSTOM_ID = "_custom_id_"  # the tag by which LocalStack takes an id
_OWN_MODELS = ("Empty", "Error")
_OF_APIS = (
    *("name", "description", "version", "binaryMediaTypes", "minimumCompressionSize", "apiKeySource"),
    *("endpointConfiguration", "disableExecuteApiEndpoint"),
)
_OF_METHODS = (
    *("authorizationType", "apiKeyRequired", "operationName", "requestParameters", "requestModels"),
    "authorizationScopes",
)
_OF_INTEGRATIONS = (
    *("type", "uri", "connectionType", "credentials", "requestParameters", "requestTemplates", "passthroughBehavior"),
    *("contentHandling", "timeoutInMillis", "cacheNamespace", "cacheKeyParameters"),
)
_OF_AUTHORIZERS = (
    *("name", "type", "authType", "authorizerUri", "authorizerCredentials", "identitySource"),
    *("identityValidationExpression", "authorizerResultTtlInSeconds"),
)


def requests(source: Source) -> Iterator[Request]:
    client = source.client(_SERVICE)
    for api in pages(client, "get_rest_apis", "items"):
        yield from _api(source, client, api)
    for key in pages(client, "get_api_keys", "items", includeValues=True):
        known = only(key, "name", "description", "enabled", "value", "customerId", "tags")
        yield _ask(source, "CreateApiKey", gives={"id": key["id"]}, **known)
    for plan in pages(client, "get_usage_plans", "items"):
        known = only(plan, "name", "description", "apiStages", "throttle", "quota", "tags")
        yield _ask(source, "CreateUsagePlan", gives={"id": plan["id"]}, **known)
        for key in pages(client, "get_usage_plan_keys", "items", usagePlanId=plan["id"]):
            place = {"usagePlanId": new(plan["id"]), "keyId": new(key["id"]), "keyType": key.get("type", "API_KEY")}
            yield _ask(source, "CreateUsagePlanKey", **place)


def _api(source: Source, client: Any, api: dict[str, Any]) -> Iterator[Request]:
    here = {"restApiId": api["id"]}
    tags = {**api.get("tags", {}), _CUSTOM_ID: api["id"]}
    policy = (api.get("policy") or "").replace('\\"', '"')  # it is shown with its quotation marks escaped
    yield _ask(source, "CreateRestApi", **only(api, *_OF_APIS), policy=policy, tags=tags)
    for model in pages(client, "get_models", "items", **here):
        if model["name"] not in _OWN_MODELS:
            yield _ask(source, "CreateModel", **here, **only(model, "name", "description", "schema", "contentType"))
    for validator in client.get_request_validators(**here).get("items", ()):
        known = only(validator, "name", "validateRequestBody", "validateRequestParameters")
        yield _ask(source, "CreateRequestValidator", gives={"id": validator["id"]}, **here, **known)
    for authorizer in client.get_authorizers(**here).get("items", ()):
        known = only(authorizer, *_OF_AUTHORIZERS)
        yield _ask(source, "CreateAuthorizer", gives={"id": authorizer["id"]}, **here, **known)
    for response in client.get_gateway_responses(**here).get("items", ()):
        if not response.get("defaultResponse"):
            known = only(response, "responseType", "statusCode", "responseParameters", "responseTemplates")
            yield _ask(source, "PutGatewayResponse", **here, **known)
    resources = sorted(
        pages(client, "get_resources", "items", **here, embed=["methods"]), key=lambda each: len(each["path"])
    )
    for resource in resources:
        if resource["path"] == "/":
            yield _ask(source, "GetResources", gives={"items.0.id": resource["id"]}, **here)
        else:
            place = {"parentId": new(resource["parentId"]), "pathPart": resource["pathPart"]}
            yield _ask(source, "CreateResource", gives={"id": resource["id"]}, **here, **place)
        for verb, method in sorted((resource.get("resourceMethods") or {}).items()):
            yield from _method(source, {**here, "resourceId": new(resource["id"]), "httpMethod": verb}, method)
    yield from _stages(source, client, here)


def _method(source: Source, place: dict[str, Any], method: dict[str, Any]) -> Iterator[Request]:
    named = {name: new(method[name]) for name in ("authorizerId", "requestValidatorId") if method.get(name)}
    yield _ask(source, "PutMethod", **place, **only(method, *_OF_METHODS), **named)
    for status, response in (method.get("methodResponses") or {}).items():
        known = only(response, "responseParameters", "responseModels")
        yield _ask(source, "PutMethodResponse", **place, statusCode=status, **known)
    integration = method.get("methodIntegration")
    if not integration:
        return
    verb = integration.get("httpMethod")
    known = only(integration, *_OF_INTEGRATIONS)
    if known.get("cacheNamespace") == place["resourceId"]["$new"]:  # as it is if nothing is asked for
        del known["cacheNamespace"]
    yield _ask(source, "PutIntegration", **place, integrationHttpMethod=verb, **known)
    for status, response in (integration.get("integrationResponses") or {}).items():
        known = only(response, "selectionPattern", "responseParameters", "responseTemplates", "contentHandling")
        yield _ask(source, "PutIntegrationResponse", **place, statusCode=status, **known)


def _stages(source: Source, client: Any, here: dict[str, str]) -> Iterator[Request]:
    stages = client.get_stages(**here)["item"]
    for deployment in {stage["deploymentId"]: stage for stage in stages}:
        yield _ask(source, "CreateDeployment", gives={"id": deployment}, **here)
    for stage in stages:
        place = {**here, "stageName": stage["stageName"]}
        known = only(stage, "description", "variables", "tracingEnabled", "tags")
        yield _ask(source, "CreateStage", **place, deploymentId=new(stage["deploymentId"]), **known)
        changes = [*_settings(stage.get("methodSettings") or {}), *_access_log(stage.get("accessLogSettings") or {})]
        if changes:
            yield _ask(source, "UpdateStage", **place, patchOperations=changes)
        if stage.get("canarySettings"):
            source.left_out.append(f"the canary of the stage {stage['stageName']} of the REST API {here['restApiId']}")


_SETTINGS = {
    "metricsEnabled": "metrics/enabled",
    "loggingLevel": "logging/loglevel",
    "dataTraceEnabled": "logging/dataTrace",
    "throttlingBurstLimit": "throttling/burstLimit",
    "throttlingRateLimit": "throttling/rateLimit",
}


def _settings(by_method: dict[str, dict[str, Any]]) -> Iterator[dict[str, str]]:
    for method, settings in by_method.items():
        for name, path in _SETTINGS.items():
            if name in settings:
                value = settings[name]
                text = str(value).lower() if isinstance(value, bool) else str(value)
                yield {"op": "replace", "path": f"/{method}/{path}", "value": text}


def _access_log(settings: dict[str, str]) -> Iterator[dict[str, str]]:
    for name, value in settings.items():
        yield {"op": "replace", "path": f"/accessLogSettings/{name}", "value": value}


def _ask(source: Source, operation: str, gives: dict[str, str] | None = None, **parameters: Any) -> Request:
    return source.request(_SERVICE, operation, gives, **parameters)
