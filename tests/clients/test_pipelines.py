"""Pipelines of the SageMaker Python SDK as it is."""

import re

import pytest

from tests.clients.conftest import Flow


@pytest.mark.flow("sagemaker-2", "sagemaker_2_pipeline.py")
def test_sdk_2_runs_a_pipeline_to_either_branch(flow: Flow) -> None:
    flow.require_success()
    good, _, bad = flow.output.partition("execution: Failed")
    assert "execution: Succeeded" in good
    assert set(re.findall(r"^step: (\S+) Succeeded", good, re.MULTILINE)) == {
        *("Prepare", "Train", "Evaluate", "Check", "Register-RegisterModel", "Make-CreateModel"),
    }
    assert "step: TooHigh Failed MSE is above 0.1" in bad
    assert "Make-CreateModel" not in bad
