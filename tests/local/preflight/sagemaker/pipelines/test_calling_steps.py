"""Steps that call a function, and steps that tune."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.local.conftest import Make, make_role
from tests.local.preflight.hosts.localstack.lambda_.conftest import create as create_function
from tests.local.preflight.sagemaker.pipelines.conftest import fail, get
from tests.local.preflight.sagemaker.tuning.conftest import definition, script_uri, tuning_request

__all__ = ["definition", "script_uri", "tuning_request"]  # fixtures

SOURCE = """
import os
def handler(event, context):
    if event.get("raise"):
        raise ValueError("no such row")
    if event.get("many"):
        return [1]
    if event.get("nan"):
        return {"share": float("nan")}
    return {"text": event["who"] + "!", "count": 3, "status": 200, "share": 0.5, "right": True, "folder": os.getcwd()}
"""


@pytest.fixture(scope="module")
def function_arn(client: Make) -> str:
    functions = client("lambda")
    function = create_function(functions, make_role(client("iam"), "lambda.amazonaws.com"), SOURCE)
    arn: str = functions.get_function(FunctionName=function.name)["Configuration"]["FunctionArn"]
    return arn


@pytest.fixture
def call(function_arn: str) -> Callable[..., dict[str, Any]]:
    """A Lambda step with the outputs that are given by name and type."""

    def call(event: Any, **outputs: str) -> dict[str, Any]:
        declared = [{"OutputName": name, "OutputType": kind} for name, kind in outputs.items()]
        return {
            "Name": "Call",
            "Type": "Lambda",
            "Arguments": event,
            "FunctionArn": function_arn,
            "OutputParameters": declared,
        }

    return call


def test_what_a_function_returns_is_at_hand(run: Make, call: Make, function_arn: str) -> None:
    types = {"text": "String", "count": "Integer", "share": "Float", "right": "Boolean", "status": "String"}
    step = call({"who": get("Execution.PipelineName")}, **types)
    outputs = [get(f"Steps.Call.OutputParameters['{name}']") for name in types]
    said = fail("Say", {"Std:Join": {"On": " ", "Values": outputs}})

    execution, steps = run(step, said)

    name = execution["PipelineArn"].rpartition("/")[2]
    assert steps["Say"]["FailureReason"].lower() == f"{name}! 3 0.5 true 200"
    shown = steps["Call"]["Metadata"]["Lambda"]
    assert shown["Arn"] == function_arn
    assert {each["Name"]: each["Value"] for each in shown["OutputParameters"]}["share"] == "0.5"


@pytest.mark.parametrize(
    ("event", "outputs", "reason"),
    [
        ({"raise": True}, {}, "no such row"),
        ({"who": "me"}, {"missing": "String"}, "missing"),
        ({"who": "me"}, {"text": "Integer"}, "text"),
        ({"many": True}, {"text": "String"}, "text"),
        ({"nan": True}, {"share": "Float"}, "did not return JSON"),
    ],
)
def test_a_call_that_brings_no_output_fails_its_step(
    run: Make, call: Make, event: Any, outputs: Any, reason: str
) -> None:
    execution, steps = run(call(event, **outputs))

    assert (execution["PipelineExecutionStatus"], steps["Call"]["StepStatus"]) == ("Failed", "Failed")
    assert reason in steps["Call"]["FailureReason"]


def test_a_role_that_may_not_call_the_function_fails_the_step(client: Make, run: Make, call: Make) -> None:
    weak = make_role(client("iam"), "sagemaker.amazonaws.com", ())

    _, steps = run(call({"who": "me"}), RoleArn=weak)

    assert "is not authorized to perform: lambda:InvokeFunction" in steps["Call"]["FailureReason"]


def test_a_tuning_step_tells_its_training_jobs_the_best_first(sagemaker: Any, run: Make, tuning_request: Make) -> None:
    request = tuning_request()
    del request["HyperParameterTuningJobName"]
    names = [
        get("Steps.Tune.BestTrainingJob.TrainingJobName"),
        get("Steps.Tune.TrainingJobSummaries[0].TrainingJobName"),
    ]
    said = fail("Say", {"Std:Join": {"On": " ", "Values": names}})

    execution, steps = run({"Name": "Tune", "Type": "Tuning", "Arguments": request}, said)

    assert steps["Tune"]["StepStatus"] == "Succeeded", steps
    best, first = steps["Say"]["FailureReason"].split()
    assert best == first
    tuning_job = steps["Tune"]["Metadata"]["TuningJob"]["Arn"].rpartition("/")[2]
    execution_id = execution["PipelineExecutionArn"].rpartition("/")[2]
    assert tuning_job.startswith(f"{execution_id}-tune-") and best.lower().startswith(tuning_job)
