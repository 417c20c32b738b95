"""The REST API in front: POST /<path> calls the function, whose errors become HTTP statuses."""

from typing import Any

from aws.client import Aws
from aws.names import Names
from aws.steps import function
from aws.wanted import Auth

JSON = "application/json"
VALIDATOR = "body"
# Every API has the model: any JSON object. For every content type: of one that is not named AWS checks nothing, and
# hands the function what may be no JSON at all.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
REQUEST_MODELS = {"$default": "Empty"}
# The handler raises "[400] sentence", with the status for the caller; an error of Lambda itself has no status.
# `$input.json` is that text in quotes: cut the opening quote and the status, keep the closing quote.
MESSAGE_TEMPLATE = r"""{"message": "$input.json('$.errorMessage').replaceAll('^.(\[[0-9]+\] )?', '')}"""
# A pattern is compared with the whole error message, and no two may match the same one.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/handle-errors-in-lambda-integration.html
ERROR_PATTERNS = {
    "400": r"(?s)\[400\].*",
    "502": r"(?s)(?!\[400\]|\[503\]).+",
    "503": r"(?s)\[503\].*",
}
RESPONSES: dict[str, dict[str, Any]] = {"200": {}} | {
    status: {"selectionPattern": pattern, "responseTemplates": {JSON: MESSAGE_TEMPLATE}}
    for status, pattern in ERROR_PATTERNS.items()
}


def authorization(auth: Auth) -> dict[str, Any]:
    """The members of PutMethod that say who may call. An API key tells callers apart; it is no identity.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-control-access-to-api.html
    """
    return {
        "authorizationType": "AWS_IAM" if auth == "iam" else "NONE",
        "apiKeyRequired": auth == "api-key",
    }


def ensure_rest_api(aws: Aws, names: Names) -> dict[str, Any]:
    """The project's regional REST API; its ``id`` is part of the URL and stays as long as the API does."""
    return find_rest_api(aws, names) or aws.change(
        "apigateway",
        "CreateRestApi",
        why="it does not exist",
        name=names.rest_api,
        endpointConfiguration={"types": ["REGIONAL"]},
        tags=names.tags,
    )


def find_rest_api(aws: Aws, names: Names) -> dict[str, Any] | None:
    """The API with the project's name and tag. Names of APIs need not be unique."""
    for api in aws.list("apigateway", "GetRestApis", "items"):
        if api["name"] == names.rest_api and names.tags.items() <= api.get("tags", {}).items():
            return api
    return None


def find_auth(aws: Aws, names: Names, path: str) -> Auth:
    """Who may call ``POST /<path>`` now; anyone, if it is not there."""
    api = find_rest_api(aws, names) or {}
    listed = aws.list("apigateway", "GetResources", "items", restApiId=api["id"]) if api else ()
    for resource in listed:
        if resource["path"] == f"/{path}":
            where = {"restApiId": api["id"], "resourceId": resource["id"], "httpMethod": "POST"}
            method = aws.find("apigateway", "GetMethod", **where) or {}
            if method.get("authorizationType") == "AWS_IAM":
                return "iam"
            return "api-key" if method.get("apiKeyRequired") else "none"
    return "none"


def ensure_method(aws: Aws, api: dict[str, Any], path: str, auth: Auth, function_arn: str) -> None:
    """Have ``POST /<path>`` call the function with the request's JSON as its event.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/getting-started-lambda-non-proxy-integration.html
    """
    where = {"restApiId": api["id"], "resourceId": _ensure_resource(aws, api, path), "httpMethod": "POST"}
    wanted = {
        **authorization(auth),
        "requestValidatorId": _ensure_validator(aws, api["id"]),
        "requestModels": REQUEST_MODELS,
    }
    uri = _integration_uri(aws, function_arn)
    method = aws.find("apigateway", "GetMethod", **where)
    if method is not None and _is_as_wanted(method, wanted, uri):
        return
    if method is not None:
        why = "it is made anew, as is wanted now; callers see the deployed copy until the next deployment"
        aws.change("apigateway", "DeleteMethod", why=why, **where)
    aws.change("apigateway", "PutMethod", why=f"POST /{path}, authorization: {auth}", **wanted, **where)
    for status in RESPONSES:
        aws.change("apigateway", "PutMethodResponse", statusCode=status, **where)
    aws.change(
        "apigateway",
        "PutIntegration",
        why="it calls the function",
        type="AWS",
        integrationHttpMethod="POST",  # how Lambda is called, whatever the method in front
        uri=uri,
        **where,
    )
    for status, response in RESPONSES.items():
        aws.change("apigateway", "PutIntegrationResponse", statusCode=status, **response, **where)


def _ensure_resource(aws: Aws, api: dict[str, Any], path: str) -> str:
    listed = aws.list("apigateway", "GetResources", "items", restApiId=api["id"])
    resources = {resource["path"]: str(resource["id"]) for resource in listed}
    if f"/{path}" in resources:
        return resources[f"/{path}"]
    parent = resources.get("/") or api["rootResourceId"]
    answer = aws.change("apigateway", "CreateResource", restApiId=api["id"], parentId=parent, pathPart=path)
    return str(answer["id"])


def _ensure_validator(aws: Aws, rest_api_id: str) -> str:
    """The id of the validator that answers 400 to a body that is no JSON object, before the function runs."""
    for validator in aws.list("apigateway", "GetRequestValidators", "items", restApiId=rest_api_id):
        if validator["name"] == VALIDATOR:
            return str(validator["id"])
    answer = aws.change(
        "apigateway",
        "CreateRequestValidator",
        why="a body that is no JSON is refused before the function runs",
        restApiId=rest_api_id,
        name=VALIDATOR,
        validateRequestBody=True,
    )
    return str(answer["id"])


def _integration_uri(aws: Aws, function_arn: str) -> str:
    gateway = f"arn:{aws.target.partition}:apigateway:{aws.target.region}:lambda:path/2015-03-31"
    return f"{gateway}/functions/{function_arn}/invocations"


def _is_as_wanted(method: dict[str, Any], wanted: dict[str, Any], uri: str) -> bool:
    integration = method.get("methodIntegration", {})
    responses = {
        status: {key: response[key] for key in ("selectionPattern", "responseTemplates") if response.get(key)}
        for status, response in integration.get("integrationResponses", {}).items()
    }
    return (
        all(method.get(key) == value for key, value in wanted.items())
        and method.get("methodResponses", {}).keys() == RESPONSES.keys()
        and integration.get("type") == "AWS"
        and integration.get("uri") == uri
        and responses == RESPONSES
    )


def ensure_permission(aws: Aws, names: Names, rest_api_id: str, path: str) -> None:
    """Let this API, and no other, call the function."""
    source_arn = aws.arn("execute-api", f"{rest_api_id}/*/POST/{path}")
    function.ensure_permission(aws, names.function, "apigateway.amazonaws.com", source_arn)
