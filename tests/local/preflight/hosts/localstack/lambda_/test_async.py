"""Asynchronous invocations: where their ends are sent, and that a function is not called for ever."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.local.conftest import unique
from tests.local.preflight.hosts.localstack.lambda_.conftest import Create, Function, eventually

HANDLER = """
def handler(event, context):
    if event['fails']: raise ValueError('no such seat')
    return 'boarded'
"""


@pytest.fixture
def queue(client: Callable[..., Any]) -> Iterator[tuple[str, Callable[[], Any]]]:
    """A queue's ARN, and what waits for a message in it."""
    sqs = client("sqs")
    url = sqs.create_queue(QueueName=unique("queue"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def receive() -> Any:
        asked = {"QueueUrl": url, "MessageAttributeNames": ["All"], "WaitTimeSeconds": 1}
        return eventually(lambda: sqs.receive_message(**asked).get("Messages"))[0]

    yield arn, receive
    sqs.delete_queue(QueueUrl=url)


def call(function: Function, event: object) -> None:
    answer = function.client.invoke(FunctionName=function.name, InvocationType="Event", Payload=json.dumps(event))
    assert (answer["StatusCode"], answer["Payload"].read(), "ExecutedVersion" in answer) == (202, b"", False)


@pytest.mark.parametrize(
    ("fails", "condition", "answer"), [(False, "Success", "boarded"), (True, "RetriesExhausted", None)]
)
def test_the_end_of_an_asynchronous_call_reaches_its_destination(
    create_function: Create, queue: Any, fails: bool, condition: str, answer: str | None
) -> None:
    arn, receive = queue
    function = create_function(HANDLER)
    destination = {"OnSuccess": {"Destination": arn}, "OnFailure": {"Destination": arn}}
    which = {"FunctionName": function.name, "MaximumRetryAttempts": 0}
    function.client.put_function_event_invoke_config(**which, DestinationConfig=destination)

    call(function, {"fails": fails})

    told = json.loads(receive()["Body"])
    assert (told["requestContext"]["condition"], told["requestPayload"]) == (condition, {"fails": fails})
    assert answer in (None, told["responsePayload"])
    assert told["responseContext"].get("functionError") == ("Unhandled" if fails else None)


def test_what_fails_for_good_is_a_dead_letter(create_function: Create, queue: Any) -> None:
    arn, receive = queue
    function = create_function(HANDLER, DeadLetterConfig={"TargetArn": arn})
    function.client.put_function_event_invoke_config(FunctionName=function.name, MaximumRetryAttempts=0)

    call(function, {"fails": True})

    letter = receive()
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert json.loads(letter["Body"]) == {"fails": True}
    assert (attributes["ErrorCode"], attributes["ErrorMessage"]) == ("200", "no such seat")


def test_a_dry_run_runs_nothing(create_function: Create) -> None:
    function = create_function("def handler(event, context): raise SystemExit")

    answer = function.client.invoke(FunctionName=function.name, InvocationType="DryRun")

    assert (answer["StatusCode"], answer["Payload"].read()) == (204, b"")


def test_a_functions_recursion_is_kept_as_it_is_set(create_function: Create) -> None:
    function = create_function(HANDLER)
    which = {"FunctionName": function.name}

    assert function.client.get_function_recursion_config(**which)["RecursiveLoop"] == "Terminate"
    function.client.put_function_recursion_config(**which, RecursiveLoop="Allow")
    assert function.client.get_function_recursion_config(**which)["RecursiveLoop"] == "Allow"
