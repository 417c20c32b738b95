"""Layers lie where AWS puts them: found before the runtime's own modules, after the function's."""

from collections.abc import Callable
from typing import Any

import pytest

from preflight.function_runtimes import interpreters
from preflight.hosts.localstack.lambda_.runtime import RUNTIME
from tests.local.conftest import refusal, unique
from tests.local.preflight.hosts.localstack.lambda_.conftest import Create, eventually, zip_of

Publish = Callable[..., dict[str, Any]]


@pytest.fixture
def publish(lambda_client: Any) -> Publish:
    """Makes a layer of a mapping of files; a new version of it if it has ``name``."""

    def publish(files: dict[str, str | bytes], name: str = "") -> dict[str, Any]:
        content = {"ZipFile": zip_of(files)}
        made: dict[str, Any] = lambda_client.publish_layer_version(LayerName=name or unique("layer"), Content=content)
        return made

    return publish


def test_a_function_finds_its_layers_before_boto3_and_after_its_own(create_function: Create, publish: Publish) -> None:
    first = publish({"python/a.py": "x = 'first'", "python/b.py": "x = 'first'", "python/own.py": "x = 'first'"})
    second = publish({"python/b.py": "x = 'second'", "python/jmespath.py": "x = 'layer'"})
    packages = publish({f"python/lib/{RUNTIME}/site-packages/c.py": "x = 'packages'"})
    source = (
        "import a, b, c, jmespath, own\ndef handler(event, context): return [m.x for m in (a, b, c, jmespath, own)]"
    )
    layers = [made["LayerVersionArn"] for made in (first, second, packages)]

    function = create_function({"function.py": source, "own.py": "x = 'function'"}, Layers=layers)

    assert function().payload == ["first", "second", "packages", "layer", "function"]
    described = function.client.get_function_configuration(FunctionName=function.name)["Layers"]
    assert [layer["Arn"] for layer in described] == layers


@pytest.mark.skipif(not any(found.kind == "node" for found in interpreters()), reason="no node on this machine")
def test_node_finds_the_modules_of_a_layer(create_function: Create, publish: Publish) -> None:
    layer = publish({"nodejs/node_modules/seats/index.js": "exports.count = 3", "nodejs/node20/node_modules/x.js": ""})
    source = "const {count} = require('seats'); exports.handler = async () => count"

    function = create_function({"function.js": source}, Runtime="nodejs20.x", Layers=[layer["LayerVersionArn"]])

    assert function().payload == 3


def test_programs_and_data_of_a_layer_are_found(create_function: Create, publish: Publish) -> None:
    layer = publish({"bin/seats": "#!/bin/sh\necho 3", "data/table.csv": "1,2"})
    source = """
import os
def handler(event, context):
    program = next(folder for folder in os.environ["PATH"].split(":") if os.path.exists(folder + "/seats"))
    return open(os.path.dirname(program) + "/data/table.csv").read()
"""
    assert create_function(source, Layers=[layer["LayerVersionArn"]])().payload == "1,2"


def test_a_function_keeps_the_version_it_names(create_function: Create, publish: Publish, lambda_client: Any) -> None:
    old = publish({"python/seats.py": "count = 1"})
    name = old["LayerArn"].rpartition(":")[2]
    new = publish({"python/seats.py": "count = 2"}, name=name)
    source = "import seats\ndef handler(event, context): return seats.count"
    function = create_function(source, Layers=[old["LayerVersionArn"]])
    lambda_client.delete_layer_version(LayerName=name, VersionNumber=1)

    assert function().payload == 1
    lambda_client.update_function_configuration(FunctionName=function.name, Layers=[new["LayerVersionArn"]])
    function.wait()
    assert function().payload == 2


def test_a_layers_permissions_are_kept(publish: Publish, lambda_client: Any) -> None:
    layer = publish({"python/seats.py": ""})
    which = {"LayerName": layer["LayerArn"], "VersionNumber": 1}
    grant = {"StatementId": "all", "Action": "lambda:GetLayerVersion", "Principal": "*"}
    lambda_client.add_layer_version_permission(**which, **grant)

    assert '"Sid":"all"' in lambda_client.get_layer_version_policy(**which)["Policy"].replace(" ", "")
    code, _ = refusal(lambda_client.add_layer_version_permission, **which, **grant)
    assert code == "ResourceConflictException"


def test_a_layer_that_leads_out_of_its_folder_fails_the_function(
    lambda_client: Any, function_role: str, publish: Publish
) -> None:
    layer = publish({"python/../../outside.py": ""})
    name = unique("function")
    lambda_client.create_function(
        FunctionName=name,
        Role=function_role,
        Runtime=RUNTIME,
        Handler="function.handler",
        Code={"ZipFile": zip_of({"function.py": ""})},
        Layers=[layer["LayerVersionArn"]],
    )

    def state() -> dict[str, Any]:
        described: dict[str, Any] = lambda_client.get_function_configuration(FunctionName=name)
        return described if described["State"] == "Failed" else {}

    assert "leaves the folder" in eventually(state)["StateReason"]
    lambda_client.delete_function(FunctionName=name)
