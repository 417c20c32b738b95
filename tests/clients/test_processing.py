"""Processing jobs of the SageMaker Python SDK, 2.x and 3.x, as it is."""

from pathlib import Path

import pytest

from preflight.stack import Stack
from tests.clients.conftest import Flow, start
from tests.local.preflight.sagemaker.processing.conftest import build_python_image


@pytest.mark.flow("sagemaker-2", "sagemaker_2_processor.py")
def test_sdk_2_runs_a_processor_with_its_logs(flow: Flow) -> None:
    flow.require_success()
    assert "counting rows of train.csv for the SDK" in flow.output
    assert "job: Completed counted" in flow.output
    assert "rows: 400" in flow.output


@pytest.mark.flow("sagemaker-3", "sagemaker_3_processor.py")
def test_sdk_3_runs_a_processor_with_its_logs(flow: Flow) -> None:
    flow.require_success()
    assert "counting rows of train.csv for the SDK" in flow.output
    assert "job: Completed counted" in flow.output
    assert "listed: True" in flow.output
    assert "rows: 400" in flow.output


@pytest.mark.docker
@pytest.mark.parametrize("sdk", ["2", "3"])
def test_the_sdk_runs_scripts_and_folders_of_them(stack: Stack, tmp_path: Path, sdk: str) -> None:
    build_python_image()
    flow = start(stack, tmp_path, f"sagemaker-{sdk}", f"sagemaker_{sdk}_script_processor.py")

    flow.wait()

    flow.require_success()
    assert "script: one-script 400" in flow.output
    assert "framework: a-folder 400" in flow.output
