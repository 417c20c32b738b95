"""Steps that do not run again: by the cache, and by selective execution."""

from typing import Any

import pytest

from tests.local.conftest import Make, refusal, unique
from tests.local.preflight.sagemaker.pipelines.conftest import ALWAYS, condition, fail, get, steps_of, wait
from tests.local.preflight.sagemaker.pipelines.test_executions import processing


def execute(sagemaker: Any, name: str, **members: Any) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The ARN of an execution at its end, itself and its steps."""
    arn = sagemaker.start_pipeline_execution(PipelineName=name, **members)["PipelineExecutionArn"]
    return arn, wait(sagemaker, arn), steps_of(sagemaker, arn)


def test_a_cached_step_takes_over_what_an_earlier_one_has_done(
    sagemaker: Any, create: Make, bucket: str, role: str
) -> None:
    step = processing("Eval", bucket, role, CacheConfig={"Enabled": True, "ExpireAfter": "p30d"})
    step["Arguments"]["Environment"] = {"WHO": get("Parameters.Who")}
    where = get("Steps.Eval.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri")
    name = create(step, fail("Say", where), parameters=[{"Name": "Who", "Type": "String", "DefaultValue": "a"}])

    first, _, ran = execute(sagemaker, name)
    _, _, hit = execute(sagemaker, name, PipelineParameters=[{"Name": "Who", "Value": "a"}])
    _, _, missed = execute(sagemaker, name, PipelineParameters=[{"Name": "Who", "Value": "b"}])

    assert ran["Eval"]["StepStatus"] == "Succeeded", ran
    assert "CacheHitResult" not in ran["Eval"]
    assert hit["Eval"]["CacheHitResult"] == {"SourcePipelineExecutionArn": first}
    assert hit["Eval"]["StepStatus"] == "Succeeded"
    assert hit["Eval"]["Metadata"] == ran["Eval"]["Metadata"]
    assert hit["Say"]["FailureReason"] == ran["Say"]["FailureReason"]
    assert "CacheHitResult" not in missed["Eval"]
    assert missed["Eval"]["Metadata"] != ran["Eval"]["Metadata"]


@pytest.mark.parametrize("text", ["30 days", "P", "PT", ""])
def test_a_cache_needs_a_duration(sagemaker: Any, create: Make, bucket: str, role: str, text: str) -> None:
    step = processing("Eval", bucket, role, CacheConfig={"Enabled": True, "ExpireAfter": text})

    assert refusal(create, step)[0] == "ValidationException"


def test_selected_steps_take_the_others_from_their_source(sagemaker: Any, create: Make, bucket: str, role: str) -> None:
    where = get("Steps.Eval.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri")
    said = fail("Say", {"Std:Join": {"On": " ", "Values": [get("Parameters.Who"), where]}})
    name = create(
        processing("Eval", bucket, role),
        condition("Middle", ALWAYS, DependsOn=["Eval"]),
        condition("Other", ALWAYS),
        {**said, "DependsOn": ["Middle"]},
        parameters=[{"Name": "Who", "Type": "String", "DefaultValue": "a"}],
    )
    source, _, ran = execute(sagemaker, name, PipelineParameters=[{"Name": "Who", "Value": "b"}])
    selected = {"SourcePipelineExecutionArn": source, "SelectedSteps": [{"StepName": "Say"}]}

    _, execution, steps = execute(sagemaker, name, SelectiveExecutionConfig=selected)

    assert execution["SelectiveExecutionConfig"] == selected
    assert steps.keys() == {"Eval", "Middle", "Say"}
    assert steps["Eval"]["SelectiveExecutionResult"] == {"SourcePipelineExecutionArn": source}
    assert steps["Eval"]["Metadata"] == ran["Eval"]["Metadata"]
    assert steps["Say"]["FailureReason"] == ran["Say"]["FailureReason"]
    assert steps["Say"]["FailureReason"].startswith("b ")
    assert "SelectiveExecutionResult" not in steps["Say"]


def test_a_selection_that_cannot_run_is_refused(sagemaker: Any, create: Make) -> None:
    name = create(condition("A", ALWAYS), condition("B", ALWAYS, DependsOn=["A"]), fail("C", "no", DependsOn=["B"]))
    source, _, _ = execute(sagemaker, name)

    def refused(*names: str, **members: str) -> tuple[str, str]:
        config = {"SelectedSteps": [{"StepName": each} for each in names], **members}
        code, words = refusal(sagemaker.start_pipeline_execution, PipelineName=name, SelectiveExecutionConfig=config)
        return code, words

    by_source = {"SourcePipelineExecutionArn": source}
    assert refused("B") == (
        "ValidationException",
        "Invalid SourcePipelineExecutionArn: null. The selected steps [B] have dependencies on [A]",
    )
    assert refused("A", "C", **by_source)[0] == "ValidationException"
    assert refused(unique("X"), **by_source)[0] == "ValidationException"
    assert refused("B", SourcePipelineExecutionArn=source[:-1] + "-")[0] == "ValidationException"
