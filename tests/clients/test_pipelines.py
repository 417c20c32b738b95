"""Pipelines of the SageMaker Python SDK as it is."""

import re

import pytest

from preflight.sagemaker.launching.framework_images import framework_images
from preflight.sagemaker.launching.process.private_folders import private_folders
from tests.clients.conftest import Flow
from tests.clients.test_sagemaker_sdk import needs_sklearn

EVALUATED = ["AbaloneProcess", "AbaloneTrain", "AbaloneEval", "AbaloneMSECond"]


@needs_sklearn
@pytest.mark.flow("sagemaker-2", "sagemaker_2_pipeline.py")
def test_sdk_2_runs_the_templates_pipeline_to_each_of_its_ends(flow: Flow) -> None:
    require_each_end(flow, {"AbaloneRegister-RegisterModel", "Abalone-CreateModel", "AbaloneTransform"})


@needs_sklearn
@pytest.mark.flow("sagemaker-3", "sagemaker_3_pipeline.py")
def test_sdk_3_runs_the_templates_pipeline_to_each_of_its_ends(flow: Flow) -> None:
    require_each_end(flow, {"AbaloneRegister", "Abalone", "AbaloneTransform"})


def require_each_end(flow: Flow, if_good: set[str]) -> None:
    """``if_good``: the steps of the branch that a good model takes."""
    flow.require_success()
    _, good, bad, broken = re.split(r"^execution: ", flow.output, flags=re.MULTILINE)
    assert (good.split()[0], bad.split()[0], broken.split()[0]) == ("Succeeded", "Failed", "Failed")
    assert set(re.findall(r"^step: (\S+) Succeeded *$", good, re.MULTILINE)) == {*EVALUATED, *if_good}
    assert re.findall(r"^step: (\S+) Succeeded cached", bad, re.MULTILINE) == EVALUATED[:3]
    assert "step: AbaloneMSEFail Failed  MSE is above 0.0001" in bad
    assert "AbaloneTransform" not in bad
    assert "step: AbaloneProcess Failed  ClientError: " in broken
    assert "AbaloneTrain" not in broken
    assert "transformed: 80 True" in flow.output
    assert "registered: 1 PendingManualApproval" in flow.output


BASE = next(image for image in framework_images() if image.name == "base-python:310")


@pytest.mark.skipif(
    not BASE.has_python or bool(private_folders().problem),
    reason=private_folders().problem or f"{BASE.name} needs Python {BASE.python}",
)
@pytest.mark.flow(BASE.name, "sagemaker_2_step.py")
def test_sdk_2_runs_functions_as_steps_in_its_base_image(flow: Flow) -> None:
    flow.require_success()
    assert flow.output.splitlines()[-1] == "result: 9"
