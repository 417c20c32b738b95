"""Functions run as on Lambda: their results, their errors, their logs, their limits."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from preflight.sagemaker.settings import STACK_MARK
from preflight.stack import Stack
from tests.local.preflight.hosts.localstack.lambda_.conftest import Create, eventually, is_gone

PID = "import os\ndef handler(event, context): return os.getpid()"


def test_a_function_answers_and_stays_warm(create_function: Create) -> None:
    count = create_function("calls = []\ndef handler(event, context): calls.append(event); return calls")

    assert count({"first": 1}).payload == [{"first": 1}]
    assert count("zwei é").payload == [{"first": 1}, "zwei é"]


def test_a_function_finds_what_lambda_gives_it_and_nothing_of_the_stack(create_function: Create) -> None:
    source = """
import importlib.util, os, sys, tempfile
def handler(event, context):
    found = [name for name in ("localstack", "local", "flask", "psutil", "boto3") if importlib.util.find_spec(name)]
    return {"env": dict(os.environ), "found": found, "first": sys.path[0], "cwd": os.getcwd(),
            "seconds": context.get_remaining_time_in_millis() / 1000, "arn": context.invoked_function_arn}
"""
    function = create_function(source, MemorySize=256, Timeout=7, Environment={"Variables": {"ENDPOINT_NAME": "e"}})

    seen = function().payload

    env = seen["env"]
    assert seen["found"] == ["boto3"]
    assert seen["first"] == seen["cwd"] == env["LAMBDA_TASK_ROOT"]
    assert 5 < seen["seconds"] <= 7
    assert seen["arn"] == f"arn:aws:lambda:us-east-1:000000000000:function:{function.name}"
    assert (env["AWS_LAMBDA_FUNCTION_NAME"], env["AWS_LAMBDA_FUNCTION_VERSION"]) == (function.name, "$LATEST")
    assert (env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"], env["ENDPOINT_NAME"], env["TZ"]) == ("256", "e", ":UTC")
    assert [name for name in env if name.startswith(("LOCALSTACK", "PREFLIGHT", "GATEWAY"))] == [STACK_MARK]


def test_a_plain_boto3_client_in_a_function_talks_to_the_stack_as_its_role(
    create_function: Create, function_role: str
) -> None:
    source = "import boto3\ndef handler(event, context): return boto3.client('sts').get_caller_identity()['Arn']"

    arn = create_function(source)().payload

    assert function_role.rpartition("/")[2] in arn


def test_what_a_handler_raises_is_the_payload(create_function: Create) -> None:
    answer = create_function("def handler(event, context):\n    raise ValueError('no such seat')")()

    assert answer.error == "Unhandled"
    assert answer.payload["errorMessage"] == "no such seat"
    assert answer.payload["errorType"] == "ValueError"
    assert "in handler\n    raise ValueError('no such seat')" in answer.payload["stackTrace"][0]
    assert "[ERROR] ValueError: no such seat" in answer.log


def test_the_log_has_what_was_printed_between_start_and_report(create_function: Create) -> None:
    log = create_function("print('loading')\ndef handler(event, context): print('ça va')", MemorySize=192)().log

    pattern = (
        r"loading\nSTART RequestId: (\S+) Version: \$LATEST\nça va\nEND RequestId: \1\n"
        r"REPORT RequestId: \1\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 192 MB\t"
        r"Max Memory Used: (\d+) MB\tInit Duration: [\d.]+ ms\t\n"
    )
    match = re.fullmatch(pattern, log)
    assert match, log
    assert 5 < int(match[2]) < 192


def test_the_log_and_the_count_of_invocations_reach_cloudwatch(create_function: Create, client: Any) -> None:
    function = create_function("def handler(event, context): print('boarding', event)")
    for event in range(3):
        function(event)
    group = f"/aws/lambda/{function.name}"
    dimensions = [{"Name": "FunctionName", "Value": function.name}]

    def messages() -> list[str]:
        groups = client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        events = client("logs").filter_log_events(logGroupName=group)["events"] if groups else []
        found = [event["message"].strip() for event in events if event["message"].startswith("boarding")]
        return found if len(found) == 3 else []

    assert eventually(messages) == ["boarding 0", "boarding 1", "boarding 2"]
    metrics = client("cloudwatch").list_metrics
    assert eventually(lambda: metrics(Namespace="AWS/Lambda", Dimensions=dimensions)["Metrics"])


@pytest.mark.parametrize(
    ("source", "error_type", "message"),
    [
        (
            "import nowhere",
            "Runtime.ImportModuleError",
            "Unable to import module 'function': No module named 'nowhere'",
        ),
        ("def other(): pass", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'function'"),
        ("def handler(:", "Runtime.UserCodeSyntaxError", "Syntax error in module 'function': invalid syntax"),
        ("import sys; sys.exit(3)", "Runtime.ExitError", "Error: Runtime exited with error: exit status 3"),
    ],
)
def test_a_module_that_does_not_load_is_the_answer_of_every_call(
    create_function: Create, source: str, error_type: str, message: str
) -> None:
    function = create_function(source)

    for answer in (function(), function()):
        assert answer.error == "Unhandled"
        assert answer.payload["errorType"] == error_type
        assert message in answer.payload["errorMessage"]
        assert f"Status: error\tError Type: {error_type}" in answer.log


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("os._exit(7)", "Runtime exited with error: exit status 7"),
        ("os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
        ("sys.exit()", "Runtime exited without providing a reason"),
    ],
)
def test_a_process_that_ends_is_an_error_and_is_replaced(create_function: Create, how: str, message: str) -> None:
    function = create_function(f"import os, sys\ndef handler(event, context):\n    if event: {how}\n    return 'here'")

    answer = function(True)

    assert answer.payload["errorType"] == "Runtime.ExitError"
    assert re.fullmatch(rf"RequestId: \S+ Error: {re.escape(message)}", answer.payload["errorMessage"])
    assert function(False).payload == "here"


def test_the_timeout_ends_the_process_with_all_it_started(create_function: Create, shared_folder: Path) -> None:
    source = """
import os, subprocess, time
def handler(folder, context):
    if folder:
        child = subprocess.Popen(["sleep", "3600"])
        with open(folder + "/pids", "w") as file: file.write(f"{os.getpid()} {child.pid}")
        time.sleep(3600)
    return "here"
"""
    function = create_function(source, Timeout=1)

    answer = function(str(shared_folder))

    assert answer.payload["errorType"] == "Sandbox.Timedout"
    assert answer.payload["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    assert "Task timed out after 1.00 seconds\nEND RequestId" in answer.log
    pids = [int(pid) for pid in (shared_folder / "pids").read_text().split()]
    assert eventually(lambda: all(is_gone(pid) for pid in pids))
    assert function("").payload == "here"


@pytest.mark.parametrize(
    ("result", "error_type", "message"),
    [
        ("{1}", "Runtime.MarshalError", "Unable to marshal response: Object of type set is not JSON serializable"),
        (
            "'x' * 6_291_556",
            "Function.ResponseSizeTooLarge",
            "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
        ),
    ],
)
def test_a_result_that_lambda_cannot_pass_on_is_an_error(
    create_function: Create, result: str, error_type: str, message: str
) -> None:
    function = create_function(f"def handler(event, context): return {result} if event else 'small'")

    answer = function(True)

    assert (answer.error, answer.payload["errorType"]) == ("Unhandled", error_type)
    assert answer.payload["errorMessage"] == message
    assert function(False).payload == "small"


def test_a_large_event_and_a_large_result_pass_unchanged(create_function: Create) -> None:
    event = "é" * 1_000_000

    assert create_function("def handler(event, context): return event")(event).payload == event


def test_calls_at_the_same_time_run_side_by_side(create_function: Create, shared_folder: Path) -> None:
    source = """
import os, pathlib, time
def handler(folder, context):
    pathlib.Path(folder, str(os.getpid())).touch()
    while len(os.listdir(folder)) < 3: time.sleep(0.01)
    return os.getpid()
"""
    function = create_function(source)
    with ThreadPoolExecutor(3) as callers:
        answers = list(callers.map(function, [str(shared_folder)] * 3))

    assert len({answer.payload for answer in answers}) == 3


def test_an_update_replaces_the_process_and_lets_the_running_call_end(
    create_function: Create, shared_folder: Path
) -> None:
    source = """
import os, pathlib, time
def handler(folder, context):
    pathlib.Path(folder, "running").touch()
    while not pathlib.Path(folder, "go").exists(): time.sleep(0.01)
    return os.getpid()
"""
    function = create_function(source)
    with ThreadPoolExecutor(1) as caller:
        running = caller.submit(function, str(shared_folder))
        assert eventually((shared_folder / "running").exists)
        function.update("def handler(event, context): return 'new'")
        assert function().payload == "new"
        (shared_folder / "go").touch()

        old_pid = running.result().payload

    assert eventually(lambda: is_gone(old_pid))


def test_deleting_a_function_ends_its_process(create_function: Create, lambda_client: Any) -> None:
    function = create_function(PID)
    pid = function().payload

    lambda_client.delete_function(FunctionName=function.name)

    assert eventually(lambda: is_gone(pid))


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"POST /2018-06-01/runtime/x HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
        b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n" + b"a: b\r\n" * 20_000,
    ],
)
def test_garbage_sent_to_the_runtime_api_harms_nothing(create_function: Create, sent: bytes) -> None:
    source = f"""
import os, socket
def handler(event, context):
    host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
    with socket.create_connection((host, int(port)), 5) as peer:
        peer.sendall({sent!r})
    return event
"""
    function = create_function(source)

    assert [function(number).payload for number in range(3)] == [0, 1, 2]


def test_a_failed_init_that_no_runtime_reports_is_an_error_of_the_function(create_function: Create) -> None:
    source = """
import os, urllib.request
urllib.request.urlopen("http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/init/error", b"[1")
"""
    answer = create_function(source)()

    assert (answer.error, answer.payload["errorType"]) == ("Unhandled", "Runtime.Unknown")


def test_output_without_end_is_cut_and_says_so(create_function: Create, stack: Stack) -> None:
    source = """
import sys
def handler(event, context):
    print("x" * 300_000)
    for _ in range(event): sys.stdout.write("y" * 99 + "\\n")
    return "here"
"""
    function = create_function(source, Timeout=60)
    process = stack.process()
    assert process is not None
    memory = process.memory_info().rss

    answer = function(2_000_000)

    assert answer.payload == "here"
    assert "[Preflight] Of this output, 37856 bytes of lines above 262144 bytes are cut off." in answer.log
    assert re.search(r"\d{9} bytes above 4194304 of one invocation are dropped\.\nEND RequestId", answer.log)
    assert process.memory_info().rss - memory < 100_000_000


def test_a_function_that_never_stops_to_write_times_out(create_function: Create) -> None:
    function = create_function("def handler(event, context):\n    while event: print('on and on')", Timeout=1)

    assert function(True).payload["errorType"] == "Sandbox.Timedout"
    assert function(False).payload is None


def test_what_a_function_prints_reaches_cloudwatch_while_it_runs(
    create_function: Create, client: Any, shared_folder: Path
) -> None:
    source = """
import pathlib, time
def handler(folder, context):
    print("boarding")
    while not pathlib.Path(folder, "go").exists(): time.sleep(0.01)
    print("gone")
"""
    function = create_function(source, Timeout=60)
    group = f"/aws/lambda/{function.name}"

    def messages() -> list[str]:
        groups = client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        events = client("logs").filter_log_events(logGroupName=group)["events"] if groups else []
        return [event["message"].split()[0] for event in events]

    with ThreadPoolExecutor(1) as caller:
        running = caller.submit(function, str(shared_folder))
        try:
            assert eventually(lambda: messages() == ["START", "boarding"])
            assert not running.done()
        finally:
            (shared_folder / "go").touch()
        log = running.result().log

    assert eventually(lambda: messages() == ["START", "boarding", "gone", "END", "REPORT"]), messages()
    assert log.count("boarding\n") == 1
