"""The REST API in front: POST /<path> calls the function, whose errors become HTTP statuses."""

import hashlib
import json
from typing import Any

from aws.client import Aws
from aws.config import ApiSettings
from aws.names import Names

STATEMENT_ID = "api-gateway"
JSON = "application/json"
VALIDATOR = "body"
REQUEST_MODELS = {JSON: "Empty"}  # every API has this model: any JSON object
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


def ensure_rest_api(aws: Aws, names: Names) -> str:
    """The id of the project's regional REST API; it is part of the URL and stays as long as the API does."""
    rest_api_id = find_rest_api(aws, names)
    if rest_api_id is not None:
        return rest_api_id
    answer = aws.change(
        "apigateway",
        "CreateRestApi",
        name=names.rest_api,
        endpointConfiguration={"types": ["REGIONAL"]},
        tags=names.tags,
    )
    return str(answer["id"])


def find_rest_api(aws: Aws, names: Names) -> str | None:
    """The id of the API with the project's name and tag. Names of APIs need not be unique."""
    for api in aws.list("apigateway", "GetRestApis", "items"):
        if api["name"] == names.rest_api and names.tags.items() <= api.get("tags", {}).items():
            return str(api["id"])
    return None


def ensure_method(aws: Aws, rest_api_id: str, settings: ApiSettings, function_arn: str) -> None:
    """Have ``POST /<path>`` call the function with the request's JSON as its event.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/getting-started-lambda-non-proxy-integration.html
    """
    where = {
        "restApiId": rest_api_id,
        "resourceId": _ensure_resource(aws, rest_api_id, settings.path),
        "httpMethod": "POST",
    }
    uri = _integration_uri(aws, function_arn)
    validator_id = _ensure_validator(aws, rest_api_id)
    method = aws.find("apigateway", "GetMethod", **where)
    if method is not None and _is_as_wanted(method, uri, validator_id):
        return
    if method is not None:
        aws.change("apigateway", "DeleteMethod", **where)  # callers see the deployed copy until the next deployment
    aws.change(
        "apigateway",
        "PutMethod",
        authorizationType="NONE",
        requestValidatorId=validator_id,
        requestModels=REQUEST_MODELS,
        **where,
    )
    for status in RESPONSES:
        aws.change("apigateway", "PutMethodResponse", statusCode=status, **where)
    aws.change(
        "apigateway",
        "PutIntegration",
        type="AWS",
        integrationHttpMethod="POST",  # how Lambda is called, whatever the method in front
        uri=uri,
        **where,
    )
    for status, response in RESPONSES.items():
        aws.change("apigateway", "PutIntegrationResponse", statusCode=status, **response, **where)


def _ensure_resource(aws: Aws, rest_api_id: str, path: str) -> str:
    resources = {
        resource["path"]: str(resource["id"])
        for resource in aws.list("apigateway", "GetResources", "items", restApiId=rest_api_id)
    }
    if f"/{path}" in resources:
        return resources[f"/{path}"]
    answer = aws.change("apigateway", "CreateResource", restApiId=rest_api_id, parentId=resources["/"], pathPart=path)
    return str(answer["id"])


def _ensure_validator(aws: Aws, rest_api_id: str) -> str:
    """The id of the validator that answers 400 to a body that is no JSON object, before the function runs."""
    for validator in aws.list("apigateway", "GetRequestValidators", "items", restApiId=rest_api_id):
        if validator["name"] == VALIDATOR:
            return str(validator["id"])
    answer = aws.change(
        "apigateway",
        "CreateRequestValidator",
        restApiId=rest_api_id,
        name=VALIDATOR,
        validateRequestBody=True,
    )
    return str(answer["id"])


def _integration_uri(aws: Aws, function_arn: str) -> str:
    gateway = f"arn:{aws.target.partition}:apigateway:{aws.target.region}:lambda:path/2015-03-31"
    return f"{gateway}/functions/{function_arn}/invocations"


def _is_as_wanted(method: dict[str, Any], uri: str, validator_id: str) -> bool:
    integration = method.get("methodIntegration", {})
    responses = {
        status: {key: response[key] for key in ("selectionPattern", "responseTemplates") if response.get(key)}
        for status, response in integration.get("integrationResponses", {}).items()
    }
    return (
        method.get("authorizationType") == "NONE"
        and method.get("requestValidatorId") == validator_id
        and method.get("requestModels") == REQUEST_MODELS
        and method.get("methodResponses", {}).keys() == RESPONSES.keys()
        and integration.get("type") == "AWS"
        and integration.get("uri") == uri
        and responses == RESPONSES
    )


def ensure_permission(aws: Aws, names: Names, rest_api_id: str, path: str) -> None:
    """Let this API, and no other, call the function.

    https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html
    """
    source_arn = aws.arn("execute-api", f"{rest_api_id}/*/POST/{path}")
    found = aws.find("lambda", "GetPolicy", FunctionName=names.function) or {"Policy": '{"Statement": []}'}
    statements = {statement["Sid"]: statement for statement in json.loads(found["Policy"])["Statement"]}
    current = statements.get(STATEMENT_ID)
    if current is not None:
        if current.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn") == source_arn:
            return
        aws.change("lambda", "RemovePermission", FunctionName=names.function, StatementId=STATEMENT_ID)
    aws.change(
        "lambda",
        "AddPermission",
        FunctionName=names.function,
        StatementId=STATEMENT_ID,
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=source_arn,
    )


def ensure_deployment(aws: Aws, rest_api_id: str, settings: ApiSettings, function_arn: str) -> None:
    """Publish the API as it is now on its stage. The deployment's description tells what it is a copy of.

    https://docs.aws.amazon.com/apigateway/latest/api/API_CreateDeployment.html
    """
    content = json.dumps([settings.path, function_arn, REQUEST_MODELS, RESPONSES], sort_keys=True)
    description = f"preflight {hashlib.sha256(content.encode()).hexdigest()[:16]}"
    stage = aws.find("apigateway", "GetStage", restApiId=rest_api_id, stageName=settings.stage)
    if stage is not None:
        deployed = aws.find("apigateway", "GetDeployment", restApiId=rest_api_id, deploymentId=stage["deploymentId"])
        if deployed is not None and deployed.get("description") == description:
            return
    aws.change(
        "apigateway",
        "CreateDeployment",
        restApiId=rest_api_id,
        stageName=settings.stage,
        description=description,
    )
