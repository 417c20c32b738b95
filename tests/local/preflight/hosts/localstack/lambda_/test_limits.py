"""A function has the memory it names, and no more; so many at a time; and what is unzipped has an end."""

import io
import re
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.conftest import refusal
from tests.local.preflight.hosts.localstack.lambda_.conftest import Create, eventually, is_gone

TAKE = """
import os, subprocess, sys, time
def handler(event, context):
    if not event: return "here"
    with open(event, "w") as file: file.write(str(os.getpid()))
    {how}
    time.sleep(60)
"""


@pytest.mark.parametrize(
    "how",
    [
        "kept = b'x' * 300_000_000",
        "subprocess.run([sys.executable, '-c', 'import time; kept = b\"x\" * 300_000_000; time.sleep(60)'])",
        "b'x' * 300_000_000; return 'given back'",
    ],
)
def test_a_function_that_takes_more_memory_than_it_has_is_killed(
    create_function: Create, shared_folder: Path, how: str
) -> None:
    function = create_function(TAKE.replace("{how}", how), MemorySize=128, Timeout=50)

    answer = function(str(shared_folder / "pid"))

    assert answer.payload["errorType"] == "Runtime.ExitError"
    assert answer.payload["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
    assert re.search(r"Max Memory Used: 128 MB\t.*Status: error\tError Type: Runtime.OutOfMemory\t\n$", answer.log)
    assert eventually(lambda: is_gone(int((shared_folder / "pid").read_text())))
    assert function("").payload == "here"


def test_a_function_with_enough_memory_may_take_it(create_function: Create, shared_folder: Path) -> None:
    function = create_function(TAKE.replace("{how}", "return len(b'x' * 300_000_000)"), MemorySize=512)

    answer = function(str(shared_folder / "pid"))

    used = re.search(r"Max Memory Used: (\d+) MB", answer.log)
    assert used and 300 < int(used[1]) < 512
    assert answer.payload == 300_000_000


def test_a_module_that_takes_too_much_memory_fails_each_call(create_function: Create) -> None:
    function = create_function("kept = b'x' * 300_000_000\ndef handler(event, context): pass", MemorySize=128)

    for answer in (function(), function()):
        assert answer.payload["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
        assert "Error Type: Runtime.OutOfMemory" in answer.log


def test_reserved_concurrency_throttles_what_is_more(create_function: Create, shared_folder: Path) -> None:
    source = """
import pathlib, time
def handler(folder, context):
    pathlib.Path(folder, "running").touch()
    while not pathlib.Path(folder, "go").exists(): time.sleep(0.01)
"""
    function = create_function(source, Timeout=60)
    function.client.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=1)
    with ThreadPoolExecutor(1) as caller:
        running = caller.submit(function, str(shared_folder))
        try:
            assert eventually((shared_folder / "running").exists)
            with pytest.raises(ClientError) as caught:
                function(str(shared_folder))
        finally:
            (shared_folder / "go").touch()
        running.result()

    answer = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert answer["Error"]["Code"] == "TooManyRequestsException"
    assert answer["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"


def test_a_zip_file_that_unpacks_to_more_than_250_mb_is_refused(lambda_client: Any, function_role: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("function.py", b"#" * 262_144_001)

    code, message = refusal(
        lambda_client.create_function,
        FunctionName="too-large",
        Role=function_role,
        Runtime="python3.13",
        Handler="function.handler",
        Code={"ZipFile": packed.getvalue()},
    )

    assert (code, message) == (
        "InvalidParameterValueException",
        "Unzipped size must be smaller than 262144000 bytes",
    )
