"""Our own container: built here, pushed to ECR where there is one, trained and served on; gone after destroy."""

import base64
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import docker
import pytest
from rich.console import Console

from aws.client import Aws
from aws.config import DeploySettings
from aws.names import Names, names_of
from aws.planning.planner import Planner
from aws.report import Step
from aws.steps.own_image import OwnImage, build_image, ensure_image
from aws.target import Target
from tests.aws.conftest import Project
from tests.aws.engine import running_engine
from tests.aws.faults import Faults
from tests.aws.registry import Registry, running_registry
from tests.aws.test_plan import require_valid

STEP = Step("Image", Console(quiet=True), None)
PASSWORD = "a-secret-for-twelve-hours"
ABSENT = ("RepositoryNotFoundException", "The repository with name 'own/container' does not exist in the registry")
REPOSITORY = {"repositoryName": "own/container", "repositoryArn": "arn:aws:ecr:us-east-1:1:repository/own/container"}


@pytest.fixture
def target(faults: Faults, make_project: Callable[[str], Project], on_aws: None) -> Target:
    """A target with ECR; ``faults`` answers for it."""
    return make_project("own").target()


@pytest.fixture
def names(target: Target) -> Names:
    return names_of(Aws(target), DeploySettings(name="own"))


@pytest.fixture
def image() -> Iterator[OwnImage]:
    """A small image of the local engine, named as a build names it."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("file"))
    engine = docker.from_env()
    image_id = json.loads(engine.api.import_image_from_data(archive.getvalue()))["status"]
    image = OwnImage(image_id)
    engine.images.get(image_id).tag("own/container", image.tag)
    yield image
    engine.images.remove(image_id, force=True)
    engine.close()


@pytest.fixture
def registry(faults: Faults) -> Iterator[Registry]:
    """A registry whose login ECR gives."""
    token = base64.b64encode(f"AWS:{PASSWORD}".encode()).decode()
    with running_registry(PASSWORD) as registry:
        granted = {"authorizationToken": token, "proxyEndpoint": f"http://{registry.address}"}
        faults.answer("GetAuthorizationToken", {"authorizationData": [granted]})
        yield registry


def test_ecrs_own_model_allows_what_is_planned(target: Target, names: Names, faults: Faults) -> None:
    faults.refuse("DescribeRepositories", *ABSENT)
    faults.refuse("DescribeImages", *ABSENT)
    planner = Planner(target)

    uri = ensure_image(planner, names, OwnImage("sha256:0123456789abcdef"), STEP)

    create, push = planner.calls
    require_valid(target, create)
    assert str(push) == "docker push"
    assert uri == "000000000000.dkr.ecr.us-east-1.amazonaws.com/own/container:0123456789ab"


@pytest.mark.docker
def test_the_image_is_pushed_with_ecrs_login_and_under_no_new_local_name(
    target: Target, names: Names, faults: Faults, image: OwnImage, registry: Registry
) -> None:
    faults.refuse("DescribeRepositories", *ABSENT)
    faults.answer("CreateRepository", {"repository": REPOSITORY})
    faults.refuse("DescribeImages", "ImageNotFoundException", "The image does not exist.")

    ensure_image(Aws(target), names, image, STEP)

    assert registry.tags == [f"own/container:{image.tag}"]
    engine = docker.from_env()
    assert engine.images.get(image.id).tags == [f"own/container:{image.tag}"]
    engine.close()


@pytest.mark.parametrize(("is_stack", "platform"), [(False, ["linux/amd64"]), (True, [])])
def test_what_goes_to_aws_is_built_for_its_instances_whatever_the_engine_runs_on(
    target: Target, names: Names, monkeypatch: pytest.MonkeyPatch, is_stack: bool, platform: list[str]
) -> None:
    with running_engine() as engine:
        monkeypatch.setenv("DOCKER_HOST", engine.url)

        image = build_image(names, replace(target, is_stack=is_stack))

    assert image.id == engine.IMAGE_ID
    assert engine.builds[0].get("platform", []) == platform


def test_an_image_that_is_there_is_not_pushed_again(target: Target, names: Names, faults: Faults) -> None:
    faults.answer("DescribeRepositories", {"repositories": [REPOSITORY]})
    faults.answer("DescribeImages", {"imageDetails": [{"imageTags": ["0123456789ab"]}]})
    planner = Planner(target)

    ensure_image(planner, names, OwnImage("sha256:0123456789abcdef"), STEP)

    assert planner.calls == []


def test_destroy_deletes_the_repository_with_its_images(
    make_project: Callable[[str], Project], faults: Faults, on_aws: None
) -> None:
    faults.answer("DescribeRepositories", {"repositories": [REPOSITORY]})
    faults.answer("ListTagsForResource", {"tags": [{"Key": "preflight:project", "Value": "own"}]})
    faults.answer("DeleteRepository", {"repository": REPOSITORY})
    faults.refuse("DescribeRepositories", *ABSENT)
    faults.answer("GetResources", {"ResourceTagMappingList": []})

    result = make_project("own").run("destroy", "--yes", "--target", "aws")

    assert result.exit_code == 0, result.output
    assert "Image repository own/container" in " ".join(result.stdout.split())
    assert "DeleteRepository" in result.stdout


def test_without_docker_it_says_what_to_start(
    make_project: Callable[[str], Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")

    result = make_project("undocked").run("deploy", "--algorithm", "container")

    assert result.exit_code == 2
    assert "builds an image, and no Docker engine answers" in result.stderr
    assert "--algorithm linear-learner or xgboost" in result.stderr


@pytest.mark.docker
@pytest.mark.slow
def test_our_own_container_trains_and_serves(make_project: Callable[[str], Project]) -> None:
    project = make_project("byoc")

    deployed = project.run("deploy", "--algorithm", "container")

    assert deployed.exit_code == 0, deployed.output
    answers: dict[str, Any] = json.loads(project.run("predict", "--rows", "20", "--json").stdout)
    assert (answers["algorithm"], answers["rows"]) == ("container", 20)
    assert "There is nothing to change." in project.run("deploy", "--algorithm", "container", "--plan").stdout
    engine = docker.from_env()
    for image in engine.images.list("byoc/container"):
        name = next(tag for tag in image.tags if tag.startswith("byoc/"))
        engine.images.remove(name, force=True)  # the name, not the image, which the endpoint's container may still use
    engine.close()
