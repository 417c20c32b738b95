"""The layers of the URL: a method that ends in API Gateway, and one that ends in a function that does nothing.

Beside InvokeEndpoint and the URL itself they show where a request's time goes.
"""

import io
import json
import zipfile
from typing import Any

import boto3

from benchmarks.load import Target
from preflight.stack import Stack

NAME = "benchmark"
_KEY = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
_STAGE = "bench"
_SOURCE = "def handler(event, context): return {'statusCode': 200, 'body': '0'}"


def client(stack: Stack, service: str) -> Any:
    return boto3.client(service, endpoint_url=stack.endpoint_url, **_KEY)


def lift_throttle(stack: Stack, url: str) -> None:
    """The example's stage takes 50 requests a second; here the stack is measured, not that."""
    [api, stage, *_] = url.partition("/_aws/execute-api/")[2].split("/")
    limits = (("rateLimit", "10000"), ("burstLimit", "5000"))
    changes = [{"op": "replace", "path": f"/*/*/throttling/{name}", "value": value} for name, value in limits]
    client(stack, "apigateway").update_stage(restApiId=api, stageName=stage, patchOperations=changes)


def targets(stack: Stack, body: bytes) -> list[Target]:
    """``API Gateway alone`` and ``with an empty function``, deployed and ready."""
    gateway = client(stack, "apigateway")
    api = gateway.create_rest_api(name=NAME)["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    function = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{_function(stack)}/invocations"
    proxy = {"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": function}
    mock = {"type": "MOCK", "requestTemplates": {"application/json": '{"statusCode": 200}'}}
    for name, integration in (("mock", mock), ("empty", proxy)):
        resource = gateway.create_resource(restApiId=api, parentId=root, pathPart=name)["id"]
        method = {"restApiId": api, "resourceId": resource, "httpMethod": "POST"}
        gateway.put_method(**method, authorizationType="NONE")
        gateway.put_integration(**method, **integration)
        gateway.put_method_response(**method, statusCode="200")
        gateway.put_integration_response(**method, statusCode="200")
    gateway.create_deployment(restApiId=api, stageName=_STAGE)
    url, headers = (
        f"http://127.0.0.1:{stack.port}/_aws/execute-api/{api}/{_STAGE}",
        {"Content-Type": "application/json"},
    )
    return [
        Target("API Gateway alone (MOCK)", f"{url}/mock", body, headers),
        Target("with an empty function", f"{url}/empty", body, headers),
    ]


def _function(stack: Stack) -> str:
    iam, functions = client(stack, "iam"), client(stack, "lambda")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    iam.attach_role_policy(RoleName=NAME, PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.py", _SOURCE)
    code, runtime = {"ZipFile": buffer.getvalue()}, "python3.13"
    members = {"Role": role, "Code": code, "Runtime": runtime, "Handler": "index.handler"}
    arn: str = functions.create_function(FunctionName=NAME, **members)["FunctionArn"]
    functions.get_waiter("function_active_v2").wait(FunctionName=NAME)
    permission = {"Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com"}
    functions.add_permission(FunctionName=NAME, StatementId="api", **permission)
    return arn
