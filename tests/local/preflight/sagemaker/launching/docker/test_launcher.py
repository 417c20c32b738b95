"""What only the docker launcher can do: containers killed by hand, limits, leftovers, and Docker that is not there."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from preflight.sagemaker.launching.ports import free_port
from preflight.stack import Stack
from tests.conftest import CONTAINER_IMAGE, REPOSITORY, build_image
from tests.local.conftest import Make, make_config, refusal
from tests.local.engine_relay import relay
from tests.local.preflight.sagemaker.training.test_training import start_endless_job

STACK_LABEL = "preflight.stack"

on_docker = pytest.mark.launchers("docker")


@pytest.fixture
def engine() -> Iterator[docker.DockerClient]:
    engine = docker.from_env()
    yield engine
    engine.close()


def serving(engine: docker.DockerClient, endpoint: dict[str, Any]) -> list[Any]:
    """The containers of an endpoint."""
    return engine.containers.list(filters={"label": f"preflight.owner={endpoint['EndpointArn']}"}, ignore_removed=True)


def left_of(engine: docker.DockerClient, stack_id: str) -> list[Any]:
    """Every container, network and volume of a stack."""
    label = {"label": f"{STACK_LABEL}={stack_id}"}
    return [
        *engine.containers.list(all=True, filters=label, ignore_removed=True),
        *engine.networks.list(filters=label),
        *engine.volumes.list(filters=label),
    ]


@on_docker
def test_a_container_killed_by_hand_is_replaced_and_the_endpoint_answers(
    engine: docker.DockerClient, sagemaker: Any, runtime: Any, model: str, create_endpoint: Make
) -> None:
    endpoint = create_endpoint(make_config(sagemaker, model))
    (before,) = serving(engine, endpoint)
    before.kill()

    answer = runtime.invoke_endpoint(EndpointName=endpoint["EndpointName"], ContentType="text/csv", Body="4,1")

    assert json.load(answer["Body"])["predictions"]
    (after,) = serving(engine, endpoint)
    assert after.id != before.id


@on_docker
def test_a_container_has_its_instance_types_limits_listens_on_this_machine_only_and_mounts_nothing_of_it(
    engine: docker.DockerClient, sagemaker: Any, model: str, create_endpoint: Make
) -> None:
    endpoint = create_endpoint(make_config(sagemaker, model, InstanceType="ml.t2.medium"))

    (container,) = serving(engine, endpoint)

    assert container.attrs["HostConfig"]["Memory"] == min(4 << 30, engine.info()["MemTotal"])
    assert container.attrs["HostConfig"]["NanoCpus"] == min(2, engine.info()["NCPU"]) * 10**9
    assert [(mount["Type"], mount["RW"]) for mount in container.attrs["Mounts"]] == [("volume", False)]
    assert {port["HostIp"] for port in container.ports["8080/tcp"]} == {"127.0.0.1"}


@on_docker
def test_deleting_an_endpoint_removes_its_container(
    engine: docker.DockerClient, sagemaker: Any, model: str, create_endpoint: Make
) -> None:
    endpoint = create_endpoint(make_config(sagemaker, model))
    name = endpoint["EndpointName"]
    (container,) = serving(engine, endpoint)

    sagemaker.delete_endpoint(EndpointName=name)
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 40})

    with pytest.raises(docker.errors.NotFound):
        engine.containers.get(container.id)


@on_docker
def test_an_image_that_is_not_there_is_refused_with_how_to_get_it(
    sagemaker: Any, role: str, artifact: str, job_request: Make
) -> None:
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/no-such-image:3"
    specification = {"TrainingImage": image, "TrainingInputMode": "File"}
    container = {"Image": image, "ModelDataUrl": artifact}

    for code, message in (
        refusal(sagemaker.create_training_job, **job_request(AlgorithmSpecification=specification)),
        refusal(sagemaker.create_model, ModelName="absent", PrimaryContainer=container, ExecutionRoleArn=role),
    ):
        assert code == "ValidationException"
        assert message.startswith(f"Requested image {image} not found.")
        assert "docker build -t no-such-image:3 ." in message


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """A stack of this test's own, which runs everything in Docker; down when the test ends."""
    monkeypatch.setenv("PREFLIGHT_LAUNCHER", "docker")
    monkeypatch.setenv("PREFLIGHT_CONTAINER_IMAGE", CONTAINER_IMAGE)
    stack = Stack(port=free_port(), home=tmp_path)
    yield stack
    stack.down()


def wait_for_container(engine: docker.DockerClient, stack: Stack) -> str:
    """The stack's id in Docker, once a container of it runs."""
    deadline = time.monotonic() + 60
    while True:
        mark = stack.folder / "sagemaker" / "docker-stack"
        if mark.exists() and left_of(engine, stack_id := mark.read_text()):
            return stack_id
        assert time.monotonic() < deadline, "no container was started"
        time.sleep(0.1)


@pytest.mark.docker
def test_a_killed_stacks_containers_go_with_its_next_start_and_all_go_with_down(
    engine: docker.DockerClient, own: Stack
) -> None:
    build_image(CONTAINER_IMAGE, REPOSITORY, "container/Dockerfile")
    own.up()
    start_endless_job(own)
    stack_id = wait_for_container(engine, own)
    process = own.process()
    assert process is not None
    process.kill()
    process.wait()
    assert left_of(engine, stack_id)

    own.up()
    assert left_of(engine, stack_id) == []

    start_endless_job(own)
    assert wait_for_container(engine, own) == stack_id
    own.down()
    assert left_of(engine, stack_id) == []


@pytest.mark.docker
def test_down_removes_the_containers_of_a_stack_that_was_killed(engine: docker.DockerClient, own: Stack) -> None:
    build_image(CONTAINER_IMAGE, REPOSITORY, "container/Dockerfile")
    own.up()
    start_endless_job(own)
    stack_id = wait_for_container(engine, own)
    process = own.process()
    assert process is not None
    process.kill()
    process.wait()

    own.down()

    assert left_of(engine, stack_id) == []


@pytest.mark.docker
def test_an_engine_that_has_gone_is_named_to_who_asks_for_a_container(
    own: Stack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with relay(tmp_path / "engine") as docker_host:
        monkeypatch.setenv("DOCKER_HOST", docker_host)
        own.up()
        assert "instead" not in run_cli(own, "status").stdout  # the engine is found, which happens in the background

    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(Exception, match="The Docker engine does not answer as it should"):
        start_endless_job(own)

    monkeypatch.delenv("DOCKER_HOST")  # for the end of the stack


def run_cli(stack: Stack, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"PREFLIGHT_HOME": str(stack.home), "PREFLIGHT_PORT": str(stack.port)} | variables
    command = [sys.executable, "-m", "preflight", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def test_without_an_engine_the_stack_falls_back_to_processes_and_says_so(own: Stack) -> None:
    up = run_cli(own, "up", DOCKER_HOST="tcp://127.0.0.1:9")

    start_endless_job(own)
    status = run_cli(own, "status")

    for said in (up.stdout, status.stdout, own.log_file.read_text()):
        assert "PREFLIGHT_LAUNCHER is docker, but no Docker engine answers" in said
        assert "run as processes instead" in said


def test_an_image_that_needs_docker_is_refused_without_it(own: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    own.up()
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1"

    with pytest.raises(Exception, match="no Docker engine answers") as caught:
        start_endless_job(own, image)

    assert image in str(caught.value)


def test_an_unknown_launcher_is_refused(own: Stack) -> None:
    result = run_cli(own, "up", PREFLIGHT_LAUNCHER="dokcer")

    assert result.returncode == 1
    assert "PREFLIGHT_LAUNCHER is 'dokcer'" in result.stdout
    assert "process or docker" in result.stdout
