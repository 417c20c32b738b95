"""Definitions that API Gateway does not take are refused at the call that makes them, in AWS's words."""

from typing import Any

import pytest

from tests.local.conftest import refusal, unique
from tests.local.preflight.hosts.localstack.api_gateway.conftest import STAGE, Api

AUTHORIZER = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:0:function:f"
UNDECLARED = "Invalid mapping expression specified: Validation Result: warnings : [], errors : "
BAD_REQUEST, CONFLICT, MISSING, INVALID = (
    *("BadRequestException", "ConflictException"),
    *("NotFoundException", "ValidationException"),
)


@pytest.mark.parametrize(
    ("operation", "members", "code", "message"),
    [
        (
            "create_resource",
            {"pathPart": "here"},
            CONFLICT,
            "Another resource with the same parent already has this ",
        ),
        ("create_resource", {"pathPart": "{open"}, BAD_REQUEST, "Resource's path part only allow"),
        ("create_resource", {"pathPart": ""}, BAD_REQUEST, "Resource's path part only allow"),
        ("put_method", {}, CONFLICT, "Method already exists for this resource"),
        ("put_method", {"httpMethod": "PUT", "authorizationType": "SOME"}, BAD_REQUEST, ""),
        (
            "put_method",
            {"httpMethod": "PUT", "requestParameters": {"method.request.some.x": True}},
            BAD_REQUEST,
            UNDECLARED + "[Invalid mapping expression specified: method.request.some.x]",
        ),
        ("put_method_response", {"statusCode": "200"}, CONFLICT, "Response already exists for this resource"),
        ("put_method_response", {"statusCode": "wrong"}, INVALID, "1 validation error detected: Value 'wrong' at"),
        (
            "put_method_response",
            {"statusCode": "201", "responseModels": {"application/json": "None"}},
            BAD_REQUEST,
            "Invalid model identifier specified: None",
        ),
        ("put_method_response", {"statusCode": "201", "responseParameters": {"x": True}}, BAD_REQUEST, UNDECLARED),
        ("put_integration", {"httpMethod": "PUT"}, MISSING, "Invalid Method identifier specified"),
        ("put_integration", {"passthroughBehavior": "SOMETIMES"}, BAD_REQUEST, ""),
        ("put_integration", {"contentHandling": "SOME"}, INVALID, "1 validation error detected: Value 'SOME' at"),
        ("put_integration", {"requestParameters": {"x": "'1'"}}, BAD_REQUEST, UNDECLARED),
        (
            "put_integration",
            {"requestTemplates": {"123": ""}},
            BAD_REQUEST,
            "Validation Result: warnings : [], errors : [Invalid content type specified: 123]",
        ),
        (
            "put_integration_response",
            {"httpMethod": "POST", "statusCode": "200"},
            MISSING,
            "Invalid Integration identifier specified",
        ),
        ("put_integration_response", {"statusCode": "200", "selectionPattern": "("}, BAD_REQUEST, ""),
        ("delete_resource", {}, BAD_REQUEST, ""),
        ("create_deployment", {"stageName": "a b"}, BAD_REQUEST, "Stage name only allows a-zA-Z0-9_-"),
        ("create_deployment", {"variables": {"a b": "1"}}, BAD_REQUEST, ""),
        ("create_deployment", {}, BAD_REQUEST, "No integration defined for method"),  # POST has none
        ("get_deployment", {"deploymentId": "none"}, MISSING, "Invalid Deployment identifier specified"),
        ("create_stage", {"stageName": "s", "deploymentId": "none"}, BAD_REQUEST, "Deployment id does not exist"),
        ("create_model", {"schema": "{"}, BAD_REQUEST, "Invalid model specified: Validation Result: "),
        ("create_model", {"name": "A-b"}, BAD_REQUEST, "Model name must be alphanumeric: A-b"),
        ("create_authorizer", {"type": "SOME"}, INVALID, "1 validation error detected: Value 'SOME' at"),
        (
            "create_authorizer",
            {"authorizerUri": "arn:x"},
            BAD_REQUEST,
            "Invalid Authorizer URI: arn:x. Authorizer",
        ),
        ("create_authorizer", {"identitySource": "token"}, BAD_REQUEST, UNDECLARED),
        ("create_authorizer", {"identitySource": ""}, BAD_REQUEST, ""),
        ("create_authorizer", {"authorizerResultTtlInSeconds": 3601}, BAD_REQUEST, ""),
        ("get_authorizer", {"authorizerId": "none"}, MISSING, "Invalid Authorizer identifier specified"),
        ("put_gateway_response", {"statusCode": "often"}, BAD_REQUEST, ""),
        ("put_gateway_response", {"responseParameters": {"x": "'1'"}}, BAD_REQUEST, UNDECLARED),
    ],
)
def test_a_definition_that_aws_does_not_take_is_refused(
    half_made: Api, operation: str, members: dict[str, Any], code: str, message: str
) -> None:
    root, here = half_made.resources["/"], half_made.resources["/here"]
    method = {"resourceId": here, "httpMethod": "GET"}
    usual: dict[str, dict[str, Any]] = {
        "create_resource": {"parentId": root},
        "delete_resource": {"resourceId": root},
        "put_method": method | {"authorizationType": "NONE"},
        "put_method_response": method,
        "put_integration": method | {"type": "MOCK"},
        "put_integration_response": method,
        "create_model": {"name": "A", "contentType": "application/json"},
        "create_authorizer": {
            "name": "a",
            "type": "TOKEN",
            "authorizerUri": f"{AUTHORIZER}/invocations",
            "identitySource": "method.request.header.Token",
        },
        "put_gateway_response": {"responseType": "DEFAULT_4XX"},
    }
    request = {"restApiId": half_made.id, **usual.get(operation, {}), **members}

    said = refusal(getattr(half_made.client, operation), **request)

    assert said[0] == code
    assert said[1].startswith(message)


@pytest.fixture(scope="module")
def half_made(client: Any, stack: Any) -> Any:
    """An API with GET /here, which is whole, and POST /here, which leads nowhere."""
    api = Api(client("apigateway"), stack.endpoint_url)
    api.answers(api.add("/here", "GET"))
    api.client.put_method(
        restApiId=api.id, resourceId=api.resources["/here"], httpMethod="POST", authorizationType="NONE"
    )
    yield api
    api.client.delete_rest_api(restApiId=api.id)


def test_an_api_needs_a_name_and_is_named_when_it_is_missing(gateway: Any) -> None:
    assert refusal(gateway.create_rest_api, name="")[0] == "BadRequestException"
    assert refusal(gateway.create_rest_api, name="a", policy="{")[1].startswith("Invalid policy document.")
    assert refusal(gateway.import_rest_api, body=b"junk") == ("BadRequestException", "Invalid OpenAPI input.")
    words = "Invalid API identifier specified 000000000000:none"
    assert refusal(gateway.get_rest_api, restApiId="none") == ("NotFoundException", words)


def test_usage_plans_take_only_what_can_be_counted(api: Api) -> None:
    api.add("/", "GET")
    api.deploy()
    gateway, stage = api.client, {"apiId": api.id, "stage": STAGE}
    assert (
        refusal(gateway.create_usage_plan, name="p", apiStages=[{**stage, "stage": "none"}])[0] == "NotFoundException"
    )
    plans = [gateway.create_usage_plan(name=unique("plan"), apiStages=[stage])["id"] for _ in range(2)]
    key = gateway.create_api_key(name=unique("key"), enabled=True)["id"]
    gateway.create_usage_plan_key(usagePlanId=plans[0], keyId=key, keyType="API_KEY")

    code, message = refusal(gateway.create_usage_plan_key, usagePlanId=plans[1], keyId=key, keyType="API_KEY")
    assert code == "ConflictException"
    assert message.endswith(f"cannot reference multiple Usage Plans with the same API Stage: {api.id}:{STAGE}")
    assert refusal(gateway.delete_usage_plan, usagePlanId=plans[0])[0] == "BadRequestException"

    of_method = f"/apiStages/{api.id}:{STAGE}/throttle/~1/GET/rateLimit"
    changes = [{"op": "replace", "path": path, "value": "0.5"} for path in ("/throttle/rateLimit", of_method)]
    changed = gateway.update_usage_plan(usagePlanId=plans[0], patchOperations=changes)

    assert changed["throttle"]["rateLimit"] == 0.5
    assert changed["apiStages"][0]["throttle"]["//GET"]["rateLimit"] == 0.5
    for plan in plans:
        patch = {"op": "remove", "path": "/apiStages", "value": f"{api.id}:{STAGE}"}
        gateway.update_usage_plan(usagePlanId=plan, patchOperations=[patch])
        gateway.delete_usage_plan(usagePlanId=plan)
    gateway.delete_api_key(apiKey=key)
