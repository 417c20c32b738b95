"""One stack for the whole run, and clients for it. Everything is reached from outside: boto3, HTTP, the CLI."""

import functools
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import docker
import pytest
from botocore.config import Config
from docker.errors import DockerException

from preflight.stack import Stack
from preflight.testing.process import StackProcess

REPOSITORY = Path(__file__).resolve().parents[1]
CONTAINER_IMAGE = "preflight-test/container:latest"
LAUNCHERS = {
    "process": pytest.param("process", id=pytest.HIDDEN_PARAM),
    "docker": pytest.param("docker", id="docker", marks=pytest.mark.docker),
}


@functools.cache
def docker_problem() -> str | None:
    """Why no test can use Docker here; None if one can."""
    try:
        engine = docker.from_env()
        engine.ping()
        engine.close()
    except DockerException as error:
        return f"no Docker engine answers: {error}"
    return None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test marked ``docker`` is skipped without an engine; where PREFLIGHT_REQUIRE_DOCKER is set, it fails."""
    if item.get_closest_marker("docker") and (problem := docker_problem()):
        if os.environ.get("PREFLIGHT_REQUIRE_DOCKER"):
            pytest.fail(problem, pytrace=False)
        pytest.skip(problem)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests marked ``launchers("process", "docker")`` run on a stack of each; the rest on one of processes."""
    if "stack" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("launchers")
        chosen = mark.args if mark else ("process",)
        metafunc.parametrize("stack", [LAUNCHERS[name] for name in chosen], indirect=True, scope="session")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With ``-n 2 --dist loadgroup`` files run side by side, each in one go. What shares something stays together."""
    uses_docker = {item.path for item in items if item.get_closest_marker("docker")}
    for item in items:
        together = "clients" if item.get_closest_marker("flow") else str(item.path)
        item.add_marker(pytest.mark.xdist_group("docker" if item.path in uses_docker else together))


def pytest_report_header() -> str:
    path = "tests/local/preflight/sagemaker/api/test_property.py"
    return f"property test: PREFLIGHT_FUZZ_EXAMPLES=2000 make test ARGS={path} tries more requests"


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """A running stack that ends with this run, also if that is killed; clients talk to ``stack.endpoint_url``."""
    if request.param == "docker":
        build_image(CONTAINER_IMAGE, REPOSITORY, "container/Dockerfile")
    process = StackProcess()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFLIGHT_LAUNCHER", request.param)
        patch.setenv("PREFLIGHT_CONTAINER_IMAGE", CONTAINER_IMAGE)
        patch.setenv("PREFLIGHT_SCALING_MINUTE_SECONDS", "1")
        process.start()
    yield process.stack
    process.stop()


def build_image(name: str, folder: Path, dockerfile: str = "Dockerfile") -> str:
    """The image of ``dockerfile``, which takes a second or two if nothing of it has changed."""
    file = str(folder / dockerfile)
    command = ["docker", "build", "--network=host", "--quiet", "--tag", name, "--file", file, str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr
    return name


@pytest.fixture(scope="session")
def client(stack: Stack) -> Iterator[Callable[..., Any]]:
    """Gives boto3 clients of the stack: ``client("s3")``, ``client("sagemaker", account="111111111111")``."""
    made: list[Any] = []

    @functools.cache
    def make(service: str, account: str = "000000000000", region: str = "us-east-1") -> Any:
        made.append(
            boto3.client(
                service,
                endpoint_url=stack.endpoint_url,
                region_name=region,
                aws_access_key_id=account,
                aws_secret_access_key="test",
                config=Config(retries={"max_attempts": 0}),
            )
        )
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the developer's own AWS settings."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
