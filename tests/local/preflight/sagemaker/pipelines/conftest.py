"""Pipelines: made of steps, run to their end, gone when the test is over."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local.conftest import Make, unique

ENDED = ("Succeeded", "Failed", "Stopped")
Steps = dict[str, dict[str, Any]]


def fail(name: str, message: Any, **members: Any) -> dict[str, Any]:
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}, **members}


def condition(name: str, *conditions: Any, then: Any = (), otherwise: Any = (), **members: Any) -> dict[str, Any]:
    arguments = {"Conditions": list(conditions), "IfSteps": list(then), "ElseSteps": list(otherwise)}
    return {"Name": name, "Type": "Condition", "Arguments": arguments, **members}


def compare(kind: str, left: Any, right: Any) -> dict[str, Any]:
    return {"Type": kind, "LeftValue": left, "RightValue": right}


def get(path: str) -> dict[str, str]:
    return {"Get": path}


ALWAYS = compare("Equals", 1, 1)


@pytest.fixture
def create(sagemaker: Any, role: str) -> Iterator[Make]:
    """Creates a pipeline of steps; returns its name. It is gone when the test is over."""
    made: list[str] = []

    def create(*steps: Any, parameters: Any = (), experiment: Any = None, **members: Any) -> str:
        definition = {"Version": "2020-12-01", "Parameters": list(parameters), "Steps": list(steps)}
        definition |= {"PipelineExperimentConfig": experiment} if experiment else {}
        made.append(unique("Pipe"))
        sagemaker.create_pipeline(
            **{
                "PipelineName": made[-1],
                "PipelineDefinition": json.dumps(definition),
                "ClientRequestToken": unique("t" * 32),
                "RoleArn": role,
                **members,
            }
        )
        return made[-1]

    yield create
    names = {summary["PipelineName"] for summary in sagemaker.list_pipelines(MaxResults=100)["PipelineSummaries"]}
    for name in names & set(made):
        sagemaker.delete_pipeline(PipelineName=name, ClientRequestToken="t" * 32)


@pytest.fixture
def run(sagemaker: Any, create: Make) -> Make:
    """Runs a pipeline of steps to its end; returns the execution and its steps by name."""

    def run(*steps: Any, given: Any = None, **members: Any) -> tuple[dict[str, Any], Steps]:
        name = create(*steps, **members)
        parameters = [{"Name": key, "Value": value} for key, value in (given or {}).items()]
        arn = sagemaker.start_pipeline_execution(PipelineName=name, PipelineParameters=parameters)[
            "PipelineExecutionArn"
        ]
        return wait(sagemaker, arn), steps_of(sagemaker, arn)

    return run


def wait(sagemaker: Any, arn: str, timeout_seconds: float = 120) -> dict[str, Any]:
    deadline = time.monotonic() + timeout_seconds
    while True:
        execution: dict[str, Any] = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        if execution["PipelineExecutionStatus"] in ENDED:
            return execution
        assert time.monotonic() < deadline, execution
        time.sleep(0.05)


def steps_of(sagemaker: Any, arn: str) -> Steps:
    pages = sagemaker.get_paginator("list_pipeline_execution_steps").paginate(PipelineExecutionArn=arn)
    return {step["StepName"]: step for page in pages for step in page["PipelineExecutionSteps"]}
