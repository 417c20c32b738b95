"""Functions run on the runtime they name: each Python that is on this machine, and node."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

from preflight import function_runtimes
from preflight.function_runtimes import NODES, PYTHONS, RUNTIMES, interpreters
from preflight.sagemaker.launching.ports import free_port
from preflight.stack import Stack
from tests.local.conftest import make_role, refusal
from tests.local.preflight.hosts.localstack.lambda_.conftest import Create, create

FOUND = {(found.kind, found.version) for found in interpreters()}
HAS_NODE = any(kind == "node" for kind, _ in FOUND)
needs_node = pytest.mark.skipif(not HAS_NODE, reason="no node on this machine")
VERSION = "import sys, boto3\ndef handler(event, context): return list(sys.version_info[:2])"


@pytest.mark.parametrize("version", PYTHONS, ids=lambda version: "python{}.{}".format(*version))
def test_a_function_runs_on_the_python_it_names(create_function: Create, version: tuple[int, int]) -> None:
    if ("python", version) not in FOUND:
        pytest.skip("Python {}.{} is not on this machine".format(*version))
    name = "python{}.{}".format(*version)
    function = create_function(VERSION, Runtime=name, Timeout=30)

    answer = function()

    assert answer.payload == list(version), answer
    assert "[Preflight]" not in answer.log
    described = function.client.get_function_configuration(FunctionName=function.name)
    assert (described["Runtime"], "Error" in described["RuntimeVersionConfig"]) == (name, False)


def test_a_python_that_is_missing_is_replaced_by_the_nearest_and_said(create_function: Create) -> None:
    missing = next((version for version in PYTHONS if ("python", version) not in FOUND), None)
    if missing is None:
        pytest.skip("every Python is on this machine")
    function = create_function(VERSION, Runtime="python{}.{}".format(*missing))
    described = function.client.get_function_configuration(FunctionName=function.name)
    expected = function_runtimes.resolve("python{}.{}".format(*missing))

    answer = function()

    assert answer.payload == list(expected.interpreter.version)
    assert described["RuntimeVersionConfig"]["Error"]["Message"] == expected.warning
    assert answer.log.startswith(f"[Preflight] WARNING: {expected.warning}\n")


@needs_node
@pytest.mark.parametrize("runtime", [f"nodejs{major}.x" for (major,) in NODES])
def test_a_function_of_node_answers_and_stays_warm(create_function: Create, runtime: str) -> None:
    source = """
let calls = 0;
exports.handler = async (event, context) =>
    ({calls: ++calls, event, name: context.functionName, memory: context.memoryLimitInMB});
"""
    function = create_function({"function.js": source}, Runtime=runtime)

    assert function({"a": "é"}).payload == {"calls": 1, "event": {"a": "é"}, "name": function.name, "memory": "128"}
    assert function(None).payload["calls"] == 2


@needs_node
@pytest.mark.parametrize(
    ("file", "source", "payload"),
    [
        ("function.mjs", "export const handler = async (event) => event", 7),
        ("function.js", "exports.handler = (event, context, callback) => callback(null, event)", 7),
        ("function.js", "exports.handler = (event, context, done) => setTimeout(() => done(null, event), 5)", 7),
        ("function.js", "exports.handler = (event, context) => context.succeed(event)", 7),
        ("function.js", "exports.handler = (event) => event", None),
        ("function.js", "exports.handler = async () => {}", None),
    ],
)
def test_node_answers_what_a_promise_or_a_callback_brings(
    create_function: Create, file: str, source: str, payload: Any
) -> None:
    function = create_function({file: source}, Runtime="nodejs22.x")

    assert [function(7).payload, function(7).payload] == [payload, payload]


@needs_node
@pytest.mark.parametrize(
    ("source", "error_type", "message"),
    [
        ("exports.handler = async () => { throw new RangeError('no seat') }", "RangeError", "no seat"),
        ("exports.handler = async () => { throw 'no seat' }", "string", "no seat"),
        ("exports.handler = (event, context, callback) => callback(new Error('no seat'))", "Error", "no seat"),
        ("require('nowhere')", "Runtime.ImportModuleError", "Error: Cannot find module 'nowhere'"),
        ("exports.other = 1", "Runtime.HandlerNotFound", "function.handler is undefined or not exported"),
        ("exports.handler = (", "Runtime.UserCodeSyntaxError", "SyntaxError: Unexpected"),
        ("exports.handler = () => { setTimeout(() => { throw new Error('late') }, 1) }", "Error", "late"),
        ("exports.handler = async () => process.exit(3)", "Runtime.ExitError", "exit status 3"),
    ],
)
def test_what_goes_wrong_in_node_is_an_error_as_on_aws(
    create_function: Create, source: str, error_type: str, message: str
) -> None:
    function = create_function({"function.js": source}, Runtime="nodejs22.x")

    for answer in (function(), function()):
        assert (answer.error, answer.payload["errorType"]) == ("Unhandled", error_type)
        assert message in answer.payload["errorMessage"]


@needs_node
def test_each_call_of_nodes_console_is_an_event_of_the_log(create_function: Create) -> None:
    source = "exports.handler = async () => { console.log('%s seats', 3); console.error({a: 1}) }"

    log = create_function({"function.js": source}, Runtime="nodejs22.x")().log

    lines = [line.split("\t")[2:] for line in log.splitlines() if line.count("\t") == 3]
    assert lines[:2] == [["INFO", "3 seats"], ["ERROR", "{ a: 1 }"]]


def test_a_stack_that_wants_exact_runtimes_refuses_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = next(name for name, (kind, version) in RUNTIMES.items() if (kind, version) not in FOUND)
    monkeypatch.setenv("PREFLIGHT_LAMBDA_RUNTIME", "exact")
    stack = Stack(port=free_port(), home=tmp_path)
    stack.up()
    try:
        settings = {"endpoint_url": stack.endpoint_url, "region_name": "us-east-1"}
        keys = {"aws_access_key_id": "000000000000", "aws_secret_access_key": "test"}
        role = make_role(boto3.client("iam", **settings, **keys), "lambda.amazonaws.com")
        code, message = refusal(create, boto3.client("lambda", **settings, **keys), role, VERSION, Runtime=missing)
    finally:
        stack.down()

    assert code == "InvalidParameterValueException"
    assert re.match(f"Runtime {missing} is not supported by Preflight yet: .* is not on this machine", message)


def test_a_setting_of_runtimes_that_means_nothing_ends_the_start(tmp_path: Path) -> None:
    variables = os.environ | {"PREFLIGHT_HOME": str(tmp_path), "PREFLIGHT_LAMBDA_RUNTIME": "exactly"}
    command = [sys.executable, "-m", "preflight", "up", "--port", str(free_port())]

    ended = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60)

    assert ended.returncode == 1
    assert "PREFLIGHT_LAMBDA_RUNTIME is 'exactly'; it can be nearest (as without it) or exact." in ended.stdout


def test_the_status_lists_what_runs_functions(stack: Stack) -> None:
    variables = os.environ | {"PREFLIGHT_HOME": str(stack.home), "COLUMNS": "200"}
    command = [sys.executable, "-m", "preflight", "status", "--services", "--port", str(stack.port)]

    said = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60).stdout

    for found in interpreters():
        assert f"{found.label} ({found.path})" in said
