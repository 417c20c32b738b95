"""An archive that tries to leave its folder fails the endpoint, with a sentence; nothing of it stays."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from preflight.stack import Stack

from tests.local.conftest import Make, make_config, make_model, unique
from tests.local.preflight.hostile import HOSTILE, beyond_realpath, member, tar


def leftovers(stack: Stack, endpoint: str) -> list[Path]:
    return [path for path in stack.home.rglob("*") if endpoint in path.name]


@pytest.mark.parametrize("name", ["through a link", "hard link", "long path", "device", "long header"])
def test_a_hostile_model_fails_its_endpoint_and_leaves_nothing(
    stack: Stack, sagemaker: Any, role: str, put: Make, create_endpoint: Make, name: str
) -> None:
    uri = put(f"{unique('hostile')}/model.tar.gz", tar(HOSTILE[name], "w:gz"))

    endpoint = create_endpoint(make_config(sagemaker, make_model(sagemaker, role, uri)))

    assert endpoint["EndpointStatus"] == "Failed"
    assert endpoint["FailureReason"].startswith(f'Failed to extract model data archive from URL "{uri}".')
    assert leftovers(stack, endpoint["EndpointName"]) == []


def test_no_model_writes_a_file_of_this_machine(
    sagemaker: Any, role: str, put: Make, create_endpoint: Make, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    kept.write_text("kept")
    members = beyond_realpath("../" * 40 + str(tmp_path).lstrip("/"), kept.name)
    uri = put(f"{unique('hostile')}/model.tar.gz", tar(members, "w:gz"))

    endpoint = create_endpoint(make_config(sagemaker, make_model(sagemaker, role, uri)))

    assert (endpoint["EndpointStatus"], kept.read_text()) == ("Failed", "kept")


@pytest.mark.slow
def test_a_model_larger_than_its_volume_fails_its_endpoint(
    stack: Stack, sagemaker: Any, role: str, put: Make, create_endpoint: Make
) -> None:
    zeros, _ = member("zeros")
    zeros.size = 2 << 30
    archive = gzip.compress(zeros.tobuf()) + 32 * gzip.compress(bytes(64 << 20)) + gzip.compress(bytes(1024))
    model = make_model(sagemaker, role, put(f"{unique('large')}/model.tar.gz", archive))

    endpoint = create_endpoint(make_config(sagemaker, model, VolumeSizeInGB=1))

    assert endpoint["FailureReason"].endswith("could not be unpacked as tar.gz: it holds more than 1 GiB.")
    assert leftovers(stack, endpoint["EndpointName"]) == []
