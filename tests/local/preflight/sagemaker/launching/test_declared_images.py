"""Containers of somebody's own whose programs are declared: they run as processes under their images' URIs."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from preflight.environments import cache_folder
from preflight.sagemaker.launching.declared_images import DeclaredImages
from preflight.sagemaker.launching.process.private_folders import private_folders
from preflight.stack import Stack
from tests.conftest import REPOSITORY
from tests.local.conftest import Make, make_config, make_model, refusal, unique, wait_for_job

REGISTRY = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
OWN = REPOSITORY / "tests" / "images" / "bring_your_own"

pytestmark = pytest.mark.skipif(bool(private_folders().problem), reason=private_folders().problem)


@pytest.fixture(scope="module")
def images(stack: Stack) -> Iterator[Callable[..., str]]:
    """``preflight images ...`` beside the stack; what it prints, or an AssertionError with it."""

    def run(*arguments: str) -> str:
        result = subprocess.run(
            [sys.executable, "-m", "preflight", "images", *arguments],
            env={**os.environ, "PREFLIGHT_HOME": str(stack.home), "COLUMNS": "300"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        assert result.returncode == 0, result.stdout
        return result.stdout

    before = environments()
    yield run
    for declaration in DeclaredImages(stack.home / "images"):
        run("remove", declaration.name)
    assert environments() <= before


def environments() -> set[Path]:
    """Those of declared images in the cache."""
    return set((cache_folder() / "environments").glob("declared-image-*/"))


@pytest.fixture
def train_image(sagemaker: Any, job_request: Make) -> Make:
    """Runs a job of an image by its name on ECR."""

    def run(name: str, **specification: Any) -> dict[str, Any]:
        image = {"TrainingImage": f"{REGISTRY}/{name}", "TrainingInputMode": "File", **specification}
        request = job_request(hyperparameters={"depth": "3"}, AlgorithmSpecification=image)
        sagemaker.create_training_job(**request)
        return wait_for_job(sagemaker, request["TrainingJobName"])

    return run


def test_a_container_as_in_awss_guide_trains_and_serves_as_declared(
    images: Make, train_image: Make, sagemaker: Any, runtime: Any, role: str, create_endpoint: Make
) -> None:
    requirements = str(OWN / "requirements.txt")
    images("add", "team/middles", "--folder", str(OWN / "program"), "--environment", requirements)

    job = train_image("team/middles:1")
    assert job["TrainingJobStatus"] == "Completed", job["FailureReason"]
    model = make_model(sagemaker, role, job["ModelArtifacts"]["S3ModelArtifacts"], f"{REGISTRY}/team/middles:1")
    endpoint = create_endpoint(make_config(sagemaker, model))

    answer = runtime.invoke_endpoint(EndpointName=endpoint["EndpointName"], ContentType="text/csv", Body="5,1\n0,2\n")
    assert answer["Body"].read() == b"1\n0\n"
    assert not (OWN / "program" / "notes.txt").exists()


def test_a_command_gets_the_arguments_and_the_declared_variables(images: Make, train_image: Make) -> None:
    name, shell = unique("tell"), """sh -c 'echo "$0 $COLOUR" >/opt/ml/output/failure; exit 3'"""
    images("add", f"{name}:2", "--command", shell, "--variable", "COLOUR=light blue")

    assert train_image(f"{name}:2")["FailureReason"] == "AlgorithmError: train light blue, exit code: 3"
    assert "light blue" not in train_image(f"{name}:2", ContainerEntrypoint=["sh", "-c", "exit 4"])["FailureReason"]
    assert name in images()


def test_what_is_not_declared_or_no_more_is_refused_with_the_way_out(
    images: Make, sagemaker: Any, job_request: Make
) -> None:
    name = unique("gone")
    images("add", f"{name}:1", "--command", "true")

    def refused(tag: str) -> tuple[str, str]:
        specification = {"TrainingImage": f"{REGISTRY}/{name}:{tag}", "TrainingInputMode": "File"}
        return refusal(sagemaker.create_training_job, **job_request(AlgorithmSpecification=specification))

    other = refused("2")
    images("remove", f"{name}:1")

    for code, message in (other, refused("1")):
        # With a Docker engine it looks for a local image of that name.
        assert code in ("UnsupportedByPreflight", "ValidationException")
        assert "preflight images add" in message or f"Requested image {REGISTRY}/{name}" in message
    with pytest.raises(AssertionError, match="is not declared"):
        images("remove", f"{name}:1")


def test_an_environment_goes_with_the_last_image_that_needs_it(images: Make, tmp_path: Path) -> None:
    before, requirements, names = environments(), tmp_path / "requirements.txt", (unique("one"), unique("other"))
    requirements.write_text("six==1.17.0\n")
    for name in names:
        images("add", name, "--environment", str(requirements))
    [made] = environments() - before

    images("remove", names[0])
    assert made.exists()
    images("add", names[1])
    assert not made.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("Not A Name",), "is no name of an image"),
        (("forest", "--python", "three"), "is no version of Python"),
        (("forest", "--command", "sh -c 'x"), "is no command line"),
        (("forest", "--variable", "COLOUR"), "is no variable, as NAME=VALUE"),
        (("forest", "--environment", str(REPOSITORY / "setup.sh")), "is no package by name and version"),
        (("forest", "--folder", "/"), "give the program a folder of its own"),
    ],
)
def test_what_cannot_be_declared_is_said_in_words(images: Make, arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        images("add", *arguments)


def test_a_declaration_that_cannot_be_read_is_named(
    images: Make, stack: Stack, sagemaker: Any, job_request: Make
) -> None:
    name = unique("broken")
    images("add", name, "--command", "true")
    [path] = (stack.home / "images").glob(f"{name}.json")
    path.write_text("{")
    specification = {"TrainingImage": f"{REGISTRY}/{name}:1", "TrainingInputMode": "File"}
    try:
        code, message = refusal(sagemaker.create_training_job, **job_request(AlgorithmSpecification=specification))
    finally:
        images("remove", name)

    assert code == "UnsupportedByPreflight"
    assert str(path) in message
