"""Our own container as an image: built here from container/, pushed to ECR, tagged by what is in it."""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import docker
from docker.errors import APIError, BuildError, DockerException

from aws.client import Aws
from aws.errors import InputError, ResourceError
from aws.names import Names
from aws.planning.plan import Call
from aws.report import Step
from aws.steps.algorithms import registry
from aws.target import Target

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
DOCKERFILE = "container/Dockerfile"
BUILD_LINES = 15
PLATFORM = "linux/amd64"  # of the instances that train; an engine on ARM would build for itself


@dataclass(frozen=True)
class OwnImage:
    """An image of the local engine. Its tag is the start of its id, so another content is another image."""

    id: str

    @property
    def tag(self) -> str:
        return self.id.removeprefix("sha256:")[:12]


def build_image(names: Names, target: Target) -> OwnImage:
    """Build container/ and name it as the project's repository; nothing leaves this machine.

    The local stack finds the image by that name. Raises ``InputError`` without an engine, and ``ResourceError`` with
    the last lines of a build that fails.
    """
    if not (PROJECT_FOLDER / DOCKERFILE).is_file():
        raise InputError(f"{PROJECT_FOLDER} has no {DOCKERFILE}: our own container is built in a clone of Preflight.")
    platform = None if target.is_stack else PLATFORM
    engine = _engine()
    try:
        built, _ = engine.images.build(path=str(PROJECT_FOLDER), dockerfile=DOCKERFILE, rm=True, platform=platform)
        image = OwnImage(str(built.id))
        built.tag(names.repository, image.tag)
    except BuildError as error:
        lines = [str(line.get("stream", "")).rstrip() for line in error.build_log if line.get("stream", "").strip()]
        said = "".join(f"\n  {line}" for line in lines[-BUILD_LINES:])
        raise ResourceError(f"The image of {DOCKERFILE} cannot be built: {error.msg}{said}") from error
    except (APIError, TypeError) as error:
        raise ResourceError(f"The image of {DOCKERFILE} cannot be built: {error}") from error
    finally:
        engine.close()
    return image


def _engine() -> docker.DockerClient:
    try:
        return docker.from_env(version="auto")
    except DockerException as error:
        raise InputError(
            f"--algorithm container builds an image, and no Docker engine answers ({error}). "
            "Start one, or train a built-in algorithm: --algorithm linear-learner or xgboost."
        ) from error


def ensure_image(aws: Aws, names: Names, image: OwnImage, step: Step) -> str:
    """Have the image in the project's ECR repository. Returns its URI.

    The stack has no registry: there the URI stands for the local image of the same name.
    https://docs.aws.amazon.com/sagemaker/latest/dg/docker-containers-adapt-your-own.html
    """
    step.result = f"{names.repository}:{image.tag}"
    host = registry(aws.account_id, aws.target.region)
    if not aws.target.is_stack:
        _ensure_repository(aws, names)
        _ensure_pushed(aws, names, image, step)
    return f"{host}/{names.repository}:{image.tag}"


def find_repository(aws: Aws, names: Names) -> dict[str, Any] | None:
    """The project's repository, if there is one."""
    found = aws.find("ecr", "DescribeRepositories", repositoryNames=[names.repository])
    return found["repositories"][0] if found else None


def _ensure_repository(aws: Aws, names: Names) -> None:
    if find_repository(aws, names) is None:
        aws.change(
            "ecr",
            "CreateRepository",
            why="it does not exist",
            repositoryName=names.repository,
            imageTagMutability="IMMUTABLE",  # a tag is a content here
            tags=names.tag_list,
        )


def _ensure_pushed(aws: Aws, names: Names, image: OwnImage, step: Step) -> None:
    wanted = {"repositoryName": names.repository, "imageIds": [{"imageTag": image.tag}]}
    if aws.find("ecr", "DescribeImages", **wanted) is None:
        push = {"image": image.id, "repository": names.repository, "tag": image.tag}
        why = "this image is not in the repository"
        aws.perform(Call("docker", "push", push, why), lambda: _push(aws, names, image, step))


def _push(aws: Aws, names: Names, image: OwnImage, step: Step) -> dict[str, Any]:
    """Push by the local engine, logged in to ECR.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html
    """
    login = _login(aws)
    name = f"{login['serveraddress']}/{names.repository}"
    engine = _engine()
    try:
        engine.images.get(image.id).tag(name, image.tag)
        try:
            for line in engine.api.push(name, image.tag, stream=True, decode=True, auth_config=login):
                if "error" in line:
                    raise ResourceError(f"{name}:{image.tag} was not pushed: {line['error']}")
                step.show(f"pushing: {line.get('status', '')}")
        finally:
            engine.images.remove(f"{name}:{image.tag}")  # the name only; the image stays
    except APIError as error:
        raise ResourceError(f"{name}:{image.tag} was not pushed: {error}") from error
    finally:
        engine.close()
    return {}


def _login(aws: Aws) -> dict[str, str]:
    """A user, a password that is good for twelve hours and kept nowhere, and the account's registry."""
    answer = aws.find("ecr", "GetAuthorizationToken") or {}
    [granted] = answer["authorizationData"]
    username, _, password = base64.b64decode(granted["authorizationToken"]).decode().partition(":")
    return {"username": username, "password": password, "serveraddress": urlsplit(granted["proxyEndpoint"]).netloc}
