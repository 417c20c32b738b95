"""What is not going to run is refused at the call that asks for it."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from preflight.environments import kit_path, stack_python
from preflight.hosts.localstack.lambda_.runtime import RUNTIME
from preflight.sagemaker.launching.ports import free_port
from preflight.stack import Stack
from tests.local.conftest import make_role, refusal, unique
from tests.local.preflight.hosts.localstack.lambda_.conftest import Create, create, eventually, is_gone, zip_of

LAYER = "arn:aws:lambda:us-east-1:000000000000:layer:l"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"Runtime": "java21"},
            "Runtime java21 is not supported by Preflight yet: .* python3.8 to python3.14 or nodejs",
        ),
        (
            {"Runtime": "python3.7"},
            "The runtime parameter of python3.7 is no longer supported for creating or updating AWS Lambda functions.",
        ),
        ({"Runtime": "cobol1"}, "Value cobol1 at 'runtime' failed to satisfy constraint"),
        ({"Layers": [f"{LAYER}:1"]}, f"Layer version {LAYER}:1 does not exist."),
        ({"Layers": [f"{LAYER}:{number}" for number in range(6)]}, "Cannot reference more than 5 layers."),
        ({"Code": {"ZipFile": b"no archive"}}, "Could not unzip uploaded file. Please check your file, then try"),
        ({"Code": {"S3Bucket": "hot-reload", "S3Key": "/no/such/folder"}}, "There is none at /no/such/folder"),
        (
            {"Environment": {"Variables": {"LARGE": "x" * 4096}}},
            "the environment variables you have provided exceeded the 4KB limit. String measured: ",
        ),
        (
            {"Environment": {"Variables": {"AWS_REGION": "x"}}},
            "contains reserved keys .* Reserved keys used in this request: AWS_REGION",
        ),
    ],
)
def test_a_function_that_could_not_run_is_not_created(
    lambda_client: Any, function_role: str, settings: dict[str, Any], message: str
) -> None:
    request = {
        "FunctionName": unique("refused"),
        "Role": function_role,
        "Handler": "function.handler",
        "Runtime": RUNTIME,
        "Code": {"ZipFile": zip_of({"function.py": ""})},
    } | settings

    with pytest.raises(ClientError, match=message) as caught:
        lambda_client.create_function(**request)

    assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"
    code, _ = refusal(lambda_client.get_function, FunctionName=request["FunctionName"])
    assert code == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("settings", "broken"),
    [
        ({"MemorySize": 10241}, "Value '10241' at 'memorySize' failed to satisfy constraint: .* equal to 10240"),
        ({"Timeout": 901}, "Value '901' at 'timeout' failed to satisfy constraint: .* equal to 900"),
        ({"EphemeralStorage": {"Size": 10241}}, "'10241' at 'ephemeralStorage.size' failed .* equal to 10240"),
        ({"Environment": {"Variables": {"A-B": "x"}}}, "at 'environment.variables' failed .* Map keys must satisfy"),
        ({"Handler": "a b"}, "at 'handler' failed to satisfy constraint: Member must satisfy regular expression"),
        ({"Description": "x" * 257}, "at 'description' failed .* length less than or equal to 256"),
        ({"Layers": ["none"]}, "at 'layers' failed to satisfy constraint"),
        ({"DeadLetterConfig": {"TargetArn": "queue"}}, "at 'deadLetterConfig.targetArn' failed to satisfy"),
        ({"TracingConfig": {"Mode": "Some"}}, r"enum value set: \[Active, PassThrough\]"),
    ],
)
def test_a_value_that_the_model_does_not_allow_is_refused(
    lambda_client: Any, function_role: str, settings: dict[str, Any], broken: str
) -> None:
    request = {"FunctionName": unique("refused"), "Role": function_role, "Handler": "f.f", "Runtime": RUNTIME}

    code, message = refusal(lambda_client.create_function, **request | {"Code": {"ZipFile": zip_of({})}} | settings)

    assert code == "ValidationException"
    assert re.match(f"1 validation error detected: .*{broken}", message)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"Code": {"ZipFile": b""}}, "Please provide a source for function code."),
        (
            {"Code": {"ZipFile": b"x", "S3Bucket": "bucket"}},
            "Please do not provide other FunctionCode parameters when providing a ZipFile.",
        ),
        (
            {"Handler": None},
            "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
        ),
        ({"Runtime": "python2.7"}, "The runtime parameter of python2.7 is no longer supported .*"),
    ],
)
def test_a_function_needs_code_handler_and_runtime(
    lambda_client: Any, function_role: str, settings: dict[str, Any], message: str
) -> None:
    usual = {"FunctionName": unique("refused"), "Role": function_role, "Handler": "f.f", "Runtime": RUNTIME}

    request = {k: v for k, v in (usual | {"Code": {"ZipFile": b"x"}} | settings).items() if v is not None}
    code, said = refusal(lambda_client.create_function, **request)

    assert (code, bool(re.match(message, said))) == ("InvalidParameterValueException", True), said


def test_other_operations_hold_to_the_model_too(create_function: Create, lambda_client: Any) -> None:
    name = {"FunctionName": create_function("def handler(event, context): return 1").name}

    for operation, request in (
        ("invoke", {"InvocationType": "Sometimes"}),
        ("put_function_event_invoke_config", {"MaximumRetryAttempts": 3}),
        ("create_function_url_config", {"AuthType": "SOME"}),
        ("update_function_configuration", {"Timeout": 1000}),
        ("add_permission", {"StatementId": "s", "Action": "s3:GetObject", "Principal": "s3.amazonaws.com"}),
    ):
        assert refusal(getattr(lambda_client, operation), **name, **request)[0] == "ValidationException"
    assert refusal(lambda_client.invoke, **name, Payload=b"NaN")[0] == "InvalidRequestContentException"


def test_a_version_with_an_alias_is_not_deleted(create_function: Create, lambda_client: Any) -> None:
    name = {"FunctionName": create_function("def handler(event, context): return 1").name}
    version = lambda_client.publish_version(**name)["Version"]
    lambda_client.create_alias(**name, Name="live", FunctionVersion=version)

    words = "Unable to delete version because the following aliases reference it: [live]"
    assert refusal(lambda_client.delete_function, **name, Qualifier=version) == ("ResourceConflictException", words)
    lambda_client.delete_alias(**name, Name="live")
    lambda_client.delete_function(**name, Qualifier=version)


def test_a_function_in_an_image_is_refused(lambda_client: Any, function_role: str) -> None:
    code, message = refusal(
        lambda_client.create_function,
        FunctionName=unique("refused"),
        Role=function_role,
        PackageType="Image",
        Code={"ImageUri": "000000000000.dkr.ecr.us-east-1.amazonaws.com/function:1"},
    )

    assert code == "InvalidParameterValueException"
    assert message.startswith("PackageType Image is not supported by Preflight yet")


def test_a_runtime_cannot_be_changed_to_one_that_does_not_run(create_function: Create, lambda_client: Any) -> None:
    function = create_function("def handler(event, context): return 1")

    _, message = refusal(lambda_client.update_function_configuration, FunctionName=function.name, Runtime="ruby3.3")

    assert message.startswith("Runtime ruby3.3 is not supported by Preflight yet")
    assert function().payload == 1


def test_more_than_lambda_takes_in_is_refused(create_function: Create, lambda_client: Any) -> None:
    function = create_function("def handler(event, context): return len(event)")
    payload = f'"{"x" * (6_291_456 - 2)}"'

    assert lambda_client.invoke(FunctionName=function.name, Payload=payload)["Payload"].read() == b"6291454"
    for request, limit in (({}, 6_291_456), ({"InvocationType": "Event"}, 1_048_576)):
        code, message = refusal(lambda_client.invoke, FunctionName=function.name, Payload=payload + " ", **request)
        assert code == "RequestEntityTooLargeException"
        assert message == f"Request must be smaller than {limit} bytes for the InvokeFunction operation"


def test_an_event_that_is_not_json_is_refused_before_the_function_runs(
    create_function: Create, lambda_client: Any
) -> None:
    function = create_function("def handler(event, context): return 1")

    code, message = refusal(lambda_client.invoke, FunctionName=function.name, Payload=b"{'a': 1}")

    assert code == "InvalidRequestContentException"
    assert message.startswith("Could not parse request body into json")


def test_an_unknown_executor_ends_the_start_with_a_sentence(tmp_path: Path) -> None:
    env = {
        "PATH": os.environ["PATH"],
        "GATEWAY_LISTEN": f"127.0.0.1:{free_port()}",
        "GATEWAY_SERVER": "preflight",
        "FILESYSTEM_ROOT": str(tmp_path),
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "DISABLE_EVENTS": "1",
        "DNS_ADDRESS": "0",
        "LAMBDA_RUNTIME_EXECUTOR": "podman",
        "PYTHONPATH": str(kit_path()),
    }
    ended = subprocess.run(
        [stack_python(), "-m", "preflight.hosts.localstack"], env=env, cwd=tmp_path, capture_output=True, timeout=60
    )

    assert ended.returncode == 1
    assert b"LAMBDA_RUNTIME_EXECUTOR is 'podman'; it can be docker or process." in ended.stdout


def test_a_killed_stack_leaves_no_function_behind(tmp_path: Path) -> None:
    stack = Stack(port=free_port(), home=tmp_path)
    stack.up()
    try:
        settings = {"endpoint_url": stack.endpoint_url, "region_name": "us-east-1"}
        keys = {"aws_access_key_id": "000000000000", "aws_secret_access_key": "test"}
        role = make_role(boto3.client("iam", **settings, **keys), "lambda.amazonaws.com")
        source = "import os\ndef handler(event, context): return os.getpid()"
        pid = create(boto3.client("lambda", **settings, **keys), role, source)().payload
        process = stack.process()
        assert process and not is_gone(pid)

        process.kill()

        assert eventually(lambda: is_gone(pid))
    finally:
        stack.down()
