"""Images built from a clean copy of the repository, once a session, under names of the tests' own."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
STACK_IMAGE = "preflight/stack:test"
CONTAINER_IMAGE = "preflight/container:test"
IMAGES = {"PREFLIGHT_STACK_IMAGE": STACK_IMAGE, "PREFLIGHT_CONTAINER_IMAGE": CONTAINER_IMAGE}


def run(*command: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """What a command prints; one that fails fails the test with all it has said."""
    result = subprocess.run(
        command, cwd=cwd, env=os.environ | (env or {}), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert result.returncode == 0, f"{' '.join(map(str, command))} ended with {result.returncode}:\n{result.stdout}"
    return result.stdout


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh clone, with the changes of the working tree."""
    folder = tmp_path_factory.mktemp("checkout")
    files = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=REPOSITORY)
    for name in files.split("\0"):
        if name and (REPOSITORY / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def images(checkout: Path) -> dict[str, str]:
    """The settings that name both images, which are built by then."""
    run("docker", "compose", "build", cwd=checkout, env=IMAGES)
    return IMAGES


def inspect(name: str) -> dict:  # type: ignore[type-arg]
    """A container or an image as Docker describes it."""
    description: dict = json.loads(run("docker", "inspect", name))[0]  # type: ignore[type-arg]
    return description
