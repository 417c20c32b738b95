"""A container between its start and its end, as the launcher shows it to a job: pipes, folders, networks, ends."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import psutil
import pytest
import urllib3

from preflight.sagemaker.api.errors import ValidationException
from preflight.sagemaker.launching.container import Container, ContainerSpec, Limits
from preflight.sagemaker.settings import Settings
from tests.conftest import REPOSITORY, build_image
from tests.local.conftest import LINEAR_LEARNER

pytestmark = pytest.mark.docker

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/preflight-test/plain:1"  # a user of its own, uid 4711
Run = Callable[..., Container]


@pytest.fixture(scope="module")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from preflight.sagemaker.launching.docker.engine import Engine
    from preflight.sagemaker.launching.docker.launcher import create_docker_launcher

    build_image("preflight-test/plain:1", REPOSITORY / "tests" / "images" / "plain")
    settings = Settings("http://127.0.0.1:4566", tmp_path_factory.mktemp("state"))
    launcher = create_docker_launcher(Engine.connect(), settings)
    yield launcher
    launcher.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a job has in its ``/opt/ml`` at the start."""
    for name in ("input/data", "model", "output/data"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def run(launcher: Any, folder: Path, lines: list[str]) -> Iterator[Run]:
    """Runs a shell script as a job's container."""
    started: list[Container] = []

    def run(script: str, **members: Any) -> Container:
        spec = ContainerSpec(
            **{
                "image": IMAGE,
                "region": "us-east-1",
                "owner_arn": "arn:aws:sagemaker:us-east-1:000000000000:training-job/test",
                "folder": folder,
                "on_line": lines.append,
                "entrypoint": ["sh", "-c", script],
                "brought_back": ["model", "output"],
                "limits": Limits(instance_type="ml.m5.large"),
                **members,
            }
        )
        started.append(launcher.launch(spec))
        return started[-1]

    yield run
    for container in started:
        container.stop(0)


def wait_for_line(lines: list[str], line: str) -> None:
    deadline = time.monotonic() + 30
    while line not in lines:
        assert time.monotonic() < deadline, lines
        time.sleep(0.05)


def test_what_the_images_user_writes_is_ours_on_this_side(run: Run, folder: Path) -> None:
    container = run("id -u > /opt/ml/model/uid; mkdir -m 700 /opt/ml/model/private; echo why > /opt/ml/output/failure")

    assert container.wait(60) == 0
    assert (folder / "model" / "uid").read_text() == "4711\n"
    assert (folder / "output" / "failure").read_text() == "why\n"
    assert {path.stat().st_uid for path in folder.rglob("*")} == {os.getuid()}


def test_a_link_that_leaves_the_folder_is_left_out_and_named(run: Run, folder: Path, lines: list[str]) -> None:
    container = run("ln -s /etc/passwd /opt/ml/model/way-out; echo fine > /opt/ml/model/model")

    assert container.wait(60) == 0
    assert [path.name for path in (folder / "model").iterdir()] == ["model"]
    assert any("/opt/ml/model: 'way-out'" in line for line in lines)


def test_each_epochs_pipe_is_fed_and_one_closed_early_holds_up_nothing(
    run: Run, folder: Path, lines: list[str]
) -> None:
    os.mkfifo(folder / "input" / "data" / "train_0")
    pipe = "/opt/ml/input/data/train"
    container = run(f"head -c 3 {pipe}_0; echo; until [ -p {pipe}_1 ]; do sleep 0.1; done; wc -c < {pipe}_1; sleep 60")

    container.feed("input/data/train_0", (b"abc" * 1_000_000 for _ in range(20)))
    container.feed("input/data/train_1", (b"x" * 1_000_000 for _ in range(3)))

    wait_for_line(lines, "3000000")
    assert lines[0] == "abc"
    assert container.poll() is None


def test_feeding_ends_with_the_container(run: Run) -> None:
    container = run("exit 4")

    container.feed("input/data/train_0", iter([b"nobody reads this"]))

    assert container.wait(60) == 4


def test_checkpoints_are_seen_while_the_job_runs(run: Run, folder: Path, lines: list[str]) -> None:
    container = run("mkdir /opt/ml/checkpoints; echo 1 > /opt/ml/checkpoints/epoch; echo saved; sleep 60")
    wait_for_line(lines, "saved")

    container.fetch("checkpoints")

    assert (folder / "checkpoints" / "epoch").read_text() == "1\n"
    assert container.poll() is None


def test_hosts_of_one_job_reach_each_other_by_name_and_their_network_goes_with_them(
    launcher: Any, run: Run, lines: list[str]
) -> None:
    labelled = {"label": f"preflight.stack={launcher._stack_id}"}
    serve = run("cd /opt/ml/input && python3 -m http.server 8000", network="job", hostname="algo-1")
    ask = (
        "import time, urllib.request as u\n"
        "for _ in range(100):\n"
        "    try: print(u.urlopen('http://algo-1:8000').status); break\n"
        "    except OSError: time.sleep(0.1)\n"
    )
    asked = run(f'hostname; python3 -c "{ask}"', network="job", hostname="algo-2")

    assert asked.wait(60) == 0
    assert {"algo-2", "200"} <= set(lines)
    serve.stop(0)
    engine = docker.from_env()
    assert engine.networks.list(filters=labelled) == []
    engine.close()


def test_terminate_sends_sigterm_and_kills_after_the_grace(run: Run, lines: list[str]) -> None:
    polite = run("trap 'exit 7' TERM; echo ready; while :; do sleep 0.1; done")
    wait_for_line(lines, "ready")
    deaf = run("trap '' TERM; echo deaf; while :; do sleep 0.1; done")
    wait_for_line(lines, "deaf")

    polite.terminate(60)
    deaf.terminate(1)

    assert (polite.wait(30), deaf.wait(30)) == (7, 137)


def test_a_serverless_container_has_the_memory_it_was_given(run: Run, lines: list[str]) -> None:
    limit = "cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes"
    container = run(limit, limits=Limits(memory_mb=512))

    assert container.wait(60) == 0
    assert lines == [str(512 << 20)]


def test_a_container_is_reached_at_the_port_it_listens_on(run: Run) -> None:
    container = run("cd /opt/ml && exec python3 -m http.server 15001", port=15001)

    host, port = container.address
    retries = urllib3.Retry(20, backoff_factor=0.1, backoff_max=1)
    assert urllib3.request("GET", f"http://{host}:{port}/", retries=retries).status == 200


def test_the_built_in_algorithms_need_their_image_and_are_told_how_to_build_it(tmp_path: Path) -> None:
    from preflight.sagemaker.launching.docker.engine import Engine
    from preflight.sagemaker.launching.docker.launcher import create_docker_launcher

    settings = Settings("http://127.0.0.1:4567", tmp_path, container_image="preflight-test/absent:1")
    launcher = create_docker_launcher(Engine.connect(), settings)

    with pytest.raises(ValidationException, match="docker build -f container/Dockerfile -t preflight-test/absent:1"):
        launcher.require_image(LINEAR_LEARNER, "us-east-1")


def test_what_has_ended_holds_no_connection_to_the_engine(run: Run, lines: list[str]) -> None:
    this = psutil.Process()
    assert run("exit 3").wait(60) == 3
    before = this.num_fds()

    ended = [run("exit 0"), run("", entrypoint=["/no/such/program"]), run("exit 1")]

    assert [container.wait(60) for container in ended] == [0, 127, 1]
    assert this.num_fds() <= before


def test_waiting_has_a_limit(run: Run) -> None:
    container = run("sleep 60")

    with pytest.raises(subprocess.TimeoutExpired):
        container.wait(0.1)
