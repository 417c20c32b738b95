"""A function finds its code at /var/task, its layers at /opt, and a /tmp that is its own and has a limit."""

from pathlib import Path
from typing import Any

import pytest

from preflight.sagemaker.launching.process.private_folders import private_folders
from tests.local.conftest import unique
from tests.local.preflight.hosts.localstack.lambda_.conftest import Create, zip_of

pytestmark = pytest.mark.skipif(bool(private_folders().problem), reason=private_folders().problem)


def test_code_and_layers_are_where_aws_has_them(create_function: Create, lambda_client: Any) -> None:
    content = {"ZipFile": zip_of({"python/seats.py": "count = 3", "table.csv": "1,2"})}
    layer = lambda_client.publish_layer_version(LayerName=unique("layer"), Content=content)
    source = """
import os, seats
def handler(event, context):
    if event: raise ValueError
    return [__file__, os.getcwd(), os.environ["LAMBDA_TASK_ROOT"], seats.__file__, open("/opt/table.csv").read()]
"""
    function = create_function(source, Layers=[layer["LayerVersionArn"]])

    assert function().payload == ["/var/task/function.py", "/var/task", "/var/task", "/opt/python/seats.py", "1,2"]
    assert 'File "/var/task/function.py", line 4, in handler' in function(1).payload["stackTrace"][0]


def test_tmp_is_a_functions_own_and_stays_between_its_calls(create_function: Create) -> None:
    source = """
import os, tempfile
def handler(event, context):
    seen = sorted(os.listdir("/tmp"))
    if event: open("/tmp/" + event, "w").close()
    return [seen, tempfile.gettempdir()]
"""
    function, other = create_function(source), create_function(source)

    kept = unique("kept")

    before, place = function(kept).payload  # what runs the function shows there if it lies in this machine's /tmp
    assert place == "/tmp" and set(before) <= {entry.name for entry in Path("/tmp").iterdir()}
    assert function().payload == [sorted([*before, kept]), "/tmp"]
    assert other().payload == [before, "/tmp"]
    assert not Path("/tmp", kept).exists()


def test_tmp_takes_what_a_function_says_and_no_more(create_function: Create) -> None:
    source = """
def handler(mebibytes, context):
    with open("/tmp/large", "wb") as file:
        for _ in range(mebibytes): file.write(bytes(1 << 20))
"""
    function = create_function(source, EphemeralStorage={"Size": 600}, Timeout=30)

    assert function(590).payload is None
    assert function(610).payload["errorMessage"] == "[Errno 28] No space left on device"


def test_code_and_layers_are_to_read_only(create_function: Create, lambda_client: Any) -> None:
    layer = lambda_client.publish_layer_version(
        LayerName=unique("layer"), Content={"ZipFile": zip_of({"table.csv": "1,2"})}
    )
    source = """
def handler(path, context):
    open(path, "w")
"""
    function = create_function(source, Layers=[layer["LayerVersionArn"]])

    for path in ("cache.json", "/opt/table.csv"):
        assert function(path).payload["errorMessage"] == f"[Errno 30] Read-only file system: '{path}'"
