"""Callback steps: what the queue gets, and what its reader answers."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local.conftest import Make, make_role, refusal, unique
from tests.local.preflight.sagemaker.pipelines.conftest import fail, get, steps_of, wait


class Queue:
    def __init__(self, sqs: Any) -> None:
        self._sqs = sqs
        self.url = sqs.create_queue(QueueName=unique("callbacks"))["QueueUrl"]

    def read(self) -> dict[str, Any]:
        """The next message."""
        for _ in range(30):
            for message in self._sqs.receive_message(QueueUrl=self.url, WaitTimeSeconds=1).get("Messages", ()):
                self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
                body: dict[str, Any] = json.loads(message["Body"])
                return body
        raise AssertionError("no message came")


@pytest.fixture(scope="module")
def queue(client: Make) -> Iterator[Queue]:
    sqs = client("sqs")
    queue = Queue(sqs)
    yield queue
    sqs.delete_queue(QueueUrl=queue.url)


def callback(queue: Queue, **outputs: str) -> dict[str, Any]:
    return {
        "Name": "Ask",
        "Type": "Callback",
        "SqsQueueUrl": queue.url,
        "Arguments": {"number": 5, "who": get("Execution.PipelineName")},
        "OutputParameters": [{"OutputName": name, "OutputType": kind} for name, kind in outputs.items()],
    }


def start(sagemaker: Any, name: str) -> str:
    return str(sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"])


def test_a_callback_brings_typed_outputs(sagemaker: Any, create: Make, queue: Queue) -> None:
    outputs = [get(f"Steps.Ask.OutputParameters['{name}']") for name in ("text", "count", "right")]
    name = create(
        callback(queue, text="String", count="Integer", right="Boolean"),
        fail("Say", {"Std:Join": {"On": " ", "Values": outputs}}),
    )

    arn = start(sagemaker, name)
    message = queue.read()
    told = [{"Name": "text", "Value": "a"}, {"Name": "count", "Value": "3"}, {"Name": "right", "Value": "True"}]
    asked = steps_of(sagemaker, arn)["Ask"]
    sent = {"CallbackToken": message["token"], "OutputParameters": told}
    answer = sagemaker.send_pipeline_execution_step_success(**sent)

    assert message == {
        "token": asked["Metadata"]["Callback"]["CallbackToken"],
        "pipelineExecutionArn": arn,
        "arguments": {"number": 5, "who": name},
        "status": "Executing",
    }
    assert asked["StepStatus"] == "Executing"
    assert answer["PipelineExecutionArn"] == arn
    wait(sagemaker, arn)
    steps = steps_of(sagemaker, arn)
    assert steps["Say"]["FailureReason"] == "a 3 true"
    assert steps["Ask"]["Metadata"]["Callback"]["OutputParameters"] == told
    assert refusal(sagemaker.send_pipeline_execution_step_success, **sent)[0] == "ResourceNotFound"


@pytest.mark.parametrize("told", [[], [{"Name": "count", "Value": "many"}]])
def test_outputs_that_do_not_fit_fail_the_step(sagemaker: Any, create: Make, queue: Queue, told: Any) -> None:
    arn = start(sagemaker, create(callback(queue, count="Integer")))

    sagemaker.send_pipeline_execution_step_success(CallbackToken=queue.read()["token"], OutputParameters=told)

    assert wait(sagemaker, arn)["PipelineExecutionStatus"] == "Failed"
    assert "count" in steps_of(sagemaker, arn)["Ask"]["FailureReason"]


def test_a_reader_can_fail_the_step(sagemaker: Any, create: Make, queue: Queue) -> None:
    arn = start(sagemaker, create(callback(queue)))

    sagemaker.send_pipeline_execution_step_failure(CallbackToken=queue.read()["token"], FailureReason="not today")

    assert wait(sagemaker, arn)["PipelineExecutionStatus"] == "Failed"
    assert steps_of(sagemaker, arn)["Ask"]["FailureReason"] == "not today"


def test_an_execution_stops_when_its_callback_is_answered(sagemaker: Any, create: Make, queue: Queue) -> None:
    arn = start(sagemaker, create(callback(queue)))
    asked = queue.read()

    sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken="t" * 32)
    message = queue.read()

    assert message == {**asked, "status": "Stopping"}
    described = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
    assert described["PipelineExecutionStatus"] == "Stopping"
    sagemaker.send_pipeline_execution_step_success(CallbackToken=message["token"])
    assert wait(sagemaker, arn)["PipelineExecutionStatus"] == "Stopped"
    assert steps_of(sagemaker, arn)["Ask"]["StepStatus"] == "Stopped"


def test_a_raised_limit_starts_steps_at_once(sagemaker: Any, create: Make, queue: Queue) -> None:
    """Each waits for its answer, which comes when both have asked."""
    steps = [{**callback(queue), "Name": name} for name in ("First", "Second")]
    name = create(*steps, ParallelismConfiguration={"MaxParallelExecutionSteps": 1})
    arn = start(sagemaker, name)
    first = queue.read()
    assert list(steps_of(sagemaker, arn)) == ["First"]

    sagemaker.update_pipeline_execution(
        PipelineExecutionArn=arn, ParallelismConfiguration={"MaxParallelExecutionSteps": 2}
    )

    for message in (queue.read(), first):
        sagemaker.send_pipeline_execution_step_success(CallbackToken=message["token"])
    assert wait(sagemaker, arn)["PipelineExecutionStatus"] == "Succeeded"


def test_a_role_that_may_not_write_to_the_queue_fails_the_step(client: Make, run: Make, queue: Queue) -> None:
    weak = make_role(client("iam"), "sagemaker.amazonaws.com", ())

    _, steps = run(callback(queue), RoleArn=weak)

    assert "is not authorized to perform: sqs:sendmessage" in steps["Ask"]["FailureReason"].lower()
