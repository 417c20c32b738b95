"""`docker compose up` on a clean copy: from nothing to a URL that answers a passenger, and back to nothing."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from preflight.sagemaker.launching.ports import free_port
from tests.docker.conftest import inspect, run

pytestmark = pytest.mark.docker

PASSENGER = {
    "Gender": "Female",
    "Customer Type": "Loyal Customer",
    "Age": 41,
    "Type of Travel": "Business travel",
    "Class": "Business",
    "Flight Distance": 1200,
    "Inflight wifi service": 5,
    "Departure/Arrival time convenient": 4,
    "Ease of Online booking": 5,
    "Gate location": 3,
    "Food and drink": 4,
    "Online boarding": 5,
    "Seat comfort": 5,
    "Inflight entertainment": 5,
    "On-board service": 5,
    "Leg room service": 4,
    "Baggage handling": 5,
    "Checkin service": 4,
    "Inflight service": 5,
    "Cleanliness": 5,
    "Departure Delay in Minutes": 0,
    "Arrival Delay in Minutes": 0,
}
Compose = Callable[..., str]


@pytest.fixture
def compose(checkout: Path, images: dict[str, str]) -> Iterator[Compose]:
    """Runs `docker compose` in a project of the test's own; keywords are environment variables. Down at the end."""
    port = free_port()
    project = images | {"PREFLIGHT_PORT": str(port), "COMPOSE_PROJECT_NAME": f"preflight-test-{port}"}

    def compose(*arguments: str, **env: str) -> str:
        return run("docker", "compose", *arguments, cwd=checkout, env=project | env)

    yield compose
    compose("down", "-v")


def started_by(stack: str) -> list[str]:
    """The commands of the containers that the stack in the container of this name has started and not removed."""
    [port] = re.findall(r"test-(\d+)-", stack)
    label = f"label=preflight.stack={stack}-{port}"
    return run("docker", "ps", "-a", "--filter", label, "--format", "{{.Command}}", "--no-trunc").splitlines()


def docker_lists() -> dict[str, set[str]]:
    """The names of all containers, networks and volumes there are."""
    lists = {
        "containers": ("ps", "-a", "--format", "{{.ID}} {{.Image}} {{.Names}}"),
        "networks": ("network", "ls", "--format", "{{.ID}} {{.Name}}"),
        "volumes": ("volume", "ls", "--format", "{{.Name}}"),
    }
    return {name: set(run("docker", *command).splitlines()) for name, command in lists.items()}


def ask_about_passenger(compose: Compose) -> dict[str, float]:
    """What the URL that `docker compose logs deploy` shows says of the passenger."""
    url = re.findall(r"URL: (\S+)", compose("logs", "deploy"))[-1]
    answer = requests.post(url, json={"passenger": PASSENGER}, timeout=30)
    assert answer.status_code == 200, answer.text
    said: dict[str, float] = answer.json()
    return said


def test_up_ends_with_a_url_that_answers_and_down_leaves_docker_as_it_was(compose: Compose) -> None:
    before = docker_lists()

    compose("up", "-d", "--build", "--wait")

    assert ask_about_passenger(compose)["satisfied"] == 1
    stack = inspect(compose("ps", "-q", "stack").strip())
    assert {published["HostIp"] for [published] in stack["HostConfig"]["PortBindings"].values()} == {"127.0.0.1"}
    assert started_by(stack["Name"].strip("/")) == ['"python -m preflight_container serve"']
    compose("down", "-v")
    left = {name: listed - before[name] for name, listed in docker_lists().items()}
    assert left == {"containers": set(), "networks": set(), "volumes": set()}


def test_without_the_socket_the_stack_runs_processes_and_says_so(compose: Compose) -> None:
    compose("up", "-d", "--wait", PREFLIGHT_DOCKER_SOCKET="/dev/null", ALGORITHM="xgboost")

    assert "The built-in algorithms run as processes instead" in compose("logs", "stack")
    assert ask_about_passenger(compose)["satisfied"] == 1
