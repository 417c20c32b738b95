"""Which version of a framework runs where its Python or its packages are missing: none, or the nearest that can."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from preflight.function_runtimes import interpreters
from preflight.sagemaker.launching.framework_images import FrameworkImage, framework_images

REGISTRY = "683313688378.dkr.ecr.us-east-1.amazonaws.com"

SCRIPT = """
import sys
from pathlib import Path
from preflight.sagemaker.launching.container import ContainerSpec
from preflight.sagemaker.launching.framework_images import framework_images
from preflight.sagemaker.launching.process.launcher import ProcessLauncher
from preflight.sagemaker.launching.programs import EnvironmentMissing, Programs

missing = next(image for image in framework_images() if not image.has_python)
uri = f"683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:{missing.tags[0]}"
launcher = ProcessLauncher(Programs(sys.argv[1]))
print(Programs(sys.argv[1]).require(uri, "us-east-1").warning)
unknown = uri.partition(":")[0] + ":0.20.0-cpu-py3"
print(getattr(Programs(sys.argv[1]).find(unknown, "us-east-1"), "warning", "none"))
print(Programs(sys.argv[1]).find(unknown.replace("cpu", "gpu"), "us-east-1"))
spec = ContainerSpec(image=uri, region="us-east-1", owner_arn="", folder=Path.cwd() / "ml", on_line=print)
if sys.argv[1] == "exact":
    try:
        launcher.launch(spec)
    except EnvironmentMissing as error:
        print(error.message)
"""


def said(folder: Path, versions: str, **settings: str) -> str:
    """What is said on a machine that has only the Python that runs this, and those of ``settings``."""
    environment = {
        "PATH": "/nothing",
        "HOME": str(folder),
        "PREFLIGHT_CACHE": str(folder / "cache"),
        "UV_PYTHON_DOWNLOADS": "never",
        **settings,
    }
    command = [sys.executable, "-c", SCRIPT, versions]
    result = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_version_itself_or_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    text = said(tmp_path, "exact")

    assert "The image runs on Python 3.8, which is not on this machine and could not be fetched." in text
    assert "uv python install 3.8" in text
    assert "PREFLIGHT_FRAMEWORK_VERSIONS=nearest" in text
    assert text.splitlines()[1:3] == ["none", "None"]


def test_the_nearest_version_if_asked_and_a_warning(tmp_path: Path) -> None:
    there = next((each for each in interpreters() if each.version in ((3, 9), (3, 10))), None)
    if there is None:
        pytest.skip("neither Python 3.9 nor 3.10 is on this machine")
    version = ".".join(map(str, there.version))
    folder = tmp_path / "pyenv" / "versions" / f"{version}.0" / "bin"
    folder.mkdir(parents=True)
    (folder / f"python{version}").symlink_to(there.path)

    text = said(tmp_path, "nearest", PYENV_ROOT=str(tmp_path / "pyenv"))

    assert text.startswith("sklearn:0.23-1 runs on Python 3.8, which is not on this machine; sklearn:1.")
    assert f"on Python {version} takes its place (PREFLIGHT_FRAMEWORK_VERSIONS is nearest)." in text
    unknown, of_another_machine = text.splitlines()[1:3]
    assert unknown.startswith(
        "sagemaker-scikit-learn:0.20.0-cpu-py3 is a version that Preflight does not have; sklearn:1."
    )
    assert of_another_machine == "None"


PACKAGES = """
import sys
from pathlib import Path
from preflight.sagemaker.launching.container import ContainerSpec
from preflight.sagemaker.launching.process.launcher import ProcessLauncher
from preflight.sagemaker.launching.programs import EnvironmentMissing, Programs

image = sys.argv[1]
launcher = ProcessLauncher(Programs("exact"))
spec = ContainerSpec(image=image, region="us-east-1", owner_arn="", folder=Path.cwd(), on_line=print, arguments=["no"])
try:
    launcher.launch(spec).terminate(0)
except EnvironmentMissing as error:
    print("REFUSED", error.message)
"""


def installable() -> FrameworkImage:
    image = next((each for each in framework_images() if each.framework == "sklearn" and each.has_python), None)
    if image is None:
        pytest.skip("no Python of an image of scikit-learn is on this machine")
    return image


def test_packages_that_cannot_be_had_are_refused_with_the_way_out(tmp_path: Path) -> None:
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME")},
        **{"UV_NO_INDEX": "1", "UV_NO_CACHE": "1", "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull},
        "PREFLIGHT_CACHE": str(tmp_path / "cache"),
    }
    image = f"{REGISTRY}/sagemaker-scikit-learn:{installable().tags[0]}"
    command = [sys.executable, "-c", PACKAGES, image]
    result = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    said = result.stdout
    assert result.returncode == 0, result.stderr

    assert said.startswith("Setting up the environment")
    assert "REFUSED The environment 'sklearn-" in said
    assert "PREFLIGHT_FRAMEWORK_VERSIONS=nearest takes the newest that can be had." in said
