"""PyTorch's own client, and a script of PyTorch's: in AWS's versions if their environment is there, else in others."""

import re
from pathlib import Path

import pytest

from preflight.sagemaker.launching.framework_images import framework_images
from preflight.sagemaker.launching.process.private_folders import private_folders
from preflight.testing.process import StackProcess
from tests.clients.conftest import TIMEOUT_SECONDS, start

PYTORCH = next(image for image in framework_images() if image.name == "pytorch:2.5.1")
IS_MADE = PYTORCH.environment.is_made() or PYTORCH.substitute.is_made()
pytestmark = pytest.mark.skipif(
    not IS_MADE or bool(private_folders().problem),
    reason=private_folders().problem or f"no PyTorch is there: preflight frameworks install {PYTORCH.name}",
)


@pytest.mark.slow
@pytest.mark.xdist_group("clients")
def test_sdk_2_prepares_trains_on_two_instances_and_serves_with_scripts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFLIGHT_FRAMEWORK_VERSIONS", "nearest")
    with StackProcess() as process:
        flow = start(process.stack, tmp_path, "sagemaker-2", "sagemaker_2_pytorch.py")
        flow.process.wait(2 * TIMEOUT_SECONDS)

    flow.require_success()
    assert PYTORCH.environment.is_made() or "The packages of pytorch:2.5.1 could not be had; torch 2." in flow.output
    assert flow.output.count("hosts agree: True") == 2
    assert "prepared: b'3.0'" in flow.output
    assert re.search(r"answer: \[.*True.*, .*False.*\]", flow.output)
    assert re.search(r"json: application/json \[\[[0-9.e-]+\]\]", flow.output)
    assert re.search(r"csv: text/csv [0-9.e-]+ -[0-9.e-]+", flow.output)
    assert "xml: 500 Content type application/xml is not supported by this framework." in flow.output
    assert re.search(r"failure: .*ErrorMessage \".*ValueError: there is no such number of epochs", flow.output)
