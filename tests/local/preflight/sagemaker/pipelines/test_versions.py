"""Versions of pipelines, and what of an execution can be changed."""

import json
from typing import Any

from tests.local.conftest import Make, refusal
from tests.local.preflight.sagemaker.pipelines.conftest import ALWAYS, condition, steps_of, wait


def definition(*steps: Any) -> str:
    return json.dumps({"Version": "2020-12-01", "Steps": list(steps)})


def test_each_update_makes_a_version_that_can_be_run(sagemaker: Any, create: Make) -> None:
    name = create(condition("First", ALWAYS))
    second = definition(condition("Second", ALWAYS))
    updated = sagemaker.update_pipeline(PipelineName=name, PipelineDefinition=second)
    arn = updated["PipelineArn"]

    runs = [
        sagemaker.start_pipeline_execution(PipelineName=name, **members)["PipelineExecutionArn"]
        for members in ({}, {"PipelineVersionId": 1})
    ]
    sagemaker.update_pipeline_version(
        PipelineArn=arn, PipelineVersionId=1, PipelineVersionDisplayName="old", PipelineVersionDescription="the first"
    )

    assert updated["PipelineVersionId"] == 2
    assert [wait(sagemaker, each)["PipelineVersionId"] for each in runs] == [2, 1]
    assert [list(steps_of(sagemaker, each)) for each in runs] == [["Second"], ["First"]]
    listed = sagemaker.list_pipeline_versions(PipelineName=name, SortOrder="Ascending")["PipelineVersionSummaries"]
    assert [(each["PipelineVersionId"], each["LastExecutionPipelineExecutionArn"]) for each in listed] == [
        (1, runs[1]),
        (2, runs[0]),
    ]
    assert listed[0]["PipelineVersionDisplayName"] == "old"
    assert sagemaker.describe_pipeline(PipelineName=name)["PipelineDefinition"] == second
    old = sagemaker.describe_pipeline(PipelineName=name, PipelineVersionId=1)
    assert json.loads(old["PipelineDefinition"])["Steps"][0]["Name"] == "First"
    assert old["PipelineVersionDescription"] == "the first"
    assert refusal(sagemaker.describe_pipeline, PipelineName=name, PipelineVersionId=3)[0] == "ResourceNotFound"


def test_an_execution_is_renamed(sagemaker: Any, create: Make) -> None:
    name = create(condition("First", ALWAYS))
    arn = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]

    sagemaker.update_pipeline_execution(
        PipelineExecutionArn=arn,
        PipelineExecutionDescription="why",
        PipelineExecutionDisplayName="mine",
        ParallelismConfiguration={"MaxParallelExecutionSteps": 3},
    )

    described = wait(sagemaker, arn)
    assert (described["PipelineExecutionDescription"], described["PipelineExecutionDisplayName"]) == ("why", "mine")
    assert described["ParallelismConfiguration"] == {"MaxParallelExecutionSteps": 3}
