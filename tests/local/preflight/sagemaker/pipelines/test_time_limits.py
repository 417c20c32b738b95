"""How long a pipeline waits: for a function ten minutes, for an answer seven days; here a second."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from preflight.stack import Stack
from preflight.waiting import wait_until
from tests.local.conftest import Make, make_role, unique
from tests.local.odd_service import OddService
from tests.local.preflight.hosts.localstack.lambda_.conftest import create as create_function

SLOW = "import time\ndef handler(event, context): time.sleep(2.5)"


@pytest.fixture
def impatient(stack: Stack, role: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OddService]:
    folder = tmp_path_factory.mktemp("odd")
    service = OddService(stack, role, folder, lambda_step_seconds=1.0, callback_step_seconds=1.0)
    yield service
    service.close()


def test_steps_that_nobody_ends_fail(client: Make, impatient: OddService, role: str) -> None:
    functions, sqs = client("lambda"), client("sqs")
    function = create_function(functions, make_role(client("iam"), "lambda.amazonaws.com"), SLOW)
    arn = functions.get_function(FunctionName=function.name)["Configuration"]["FunctionArn"]
    url = sqs.create_queue(QueueName=unique("unread"))["QueueUrl"]
    steps = [
        {"Name": "Call", "Type": "Lambda", "FunctionArn": arn},
        {"Name": "Ask", "Type": "Callback", "SqsQueueUrl": url},
    ]
    definition = json.dumps({"Version": "2020-12-01", "Steps": steps})
    name = {"PipelineName": unique("Pipe")}
    token = {"ClientRequestToken": "t" * 32}

    impatient.call("CreatePipeline", **name, **token, PipelineDefinition=definition, RoleArn=role)
    execution = {
        "PipelineExecutionArn": impatient.call("StartPipelineExecution", **name, **token)["PipelineExecutionArn"]
    }

    def ended() -> bool:
        status: str = impatient.call("DescribePipelineExecution", **execution)["PipelineExecutionStatus"]
        return status == "Failed"

    assert wait_until(ended, 60, 0.1)
    listed: list[dict[str, Any]] = impatient.call("ListPipelineExecutionSteps", **execution)["PipelineExecutionSteps"]
    reasons = {step["StepName"]: step["FailureReason"] for step in listed}
    assert reasons["Call"].endswith("did not end within 1 seconds.")
    assert reasons["Ask"].endswith("was not answered within 1 seconds.")
    sqs.delete_queue(QueueUrl=url)
