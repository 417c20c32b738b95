"""The algorithms' image alone, as SageMaker runs it: `docker run IMAGE train`, then `serve`, over one folder."""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.docker.conftest import CONTAINER_IMAGE, inspect, run
from tests.local.conftest import separable_rows, unique

pytestmark = pytest.mark.docker

USER = 4321  # neither root nor whoever runs the tests
Start = Callable[..., str]


@pytest.fixture
def ml(tmp_path: Path, images: dict[str, str]) -> Path:
    """A local /opt/ml folder with a training job in it, of a user who is not root."""
    files = {
        "input/config/hyperparameters.json": {"predictor_type": "binary_classifier", "feature_dim": "2", "epochs": "3"},
        "input/config/inputdataconfig.json": {"train": {"ContentType": "text/csv", "TrainingInputMode": "File"}},
        "input/config/resourceconfig.json": {"current_host": "algo-1", "hosts": ["algo-1"]},
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps(content))
    (tmp_path / "input/data/train").mkdir(parents=True)
    (tmp_path / "input/data/train/train.csv").write_text(separable_rows())
    for path in [tmp_path, *tmp_path.rglob("*")]:
        os.chown(path, USER, USER)
    for parent in tmp_path.parents[:3]:  # pytest's own folders are for nobody else
        parent.chmod(0o755)
    return tmp_path


@pytest.fixture
def start(ml: Path) -> Iterator[Start]:
    """Starts the image over the folder in the background; gives the container's name. Removed after the test."""
    started: list[str] = []

    def start(command: str, *options: str) -> str:
        started.append(unique("container"))
        run("docker", "run", "-d", "--name", started[-1], "-v", f"{ml}:/opt/ml", *options, CONTAINER_IMAGE, command)
        return started[-1]

    yield start
    for name in started:
        run("docker", "rm", "-f", "-v", name)


def train(ml: Path) -> None:
    run("docker", "run", "--rm", f"--user={USER}:{USER}", "-v", f"{ml}:/opt/ml", CONTAINER_IMAGE, "train")


def wait_for_log(container: str, text: str) -> None:
    deadline = time.monotonic() + 60
    while text not in (log := run("docker", "logs", container)):
        assert time.monotonic() < deadline and inspect(container)["State"]["Running"], log
        time.sleep(0.1)


def test_trained_as_a_user_the_model_is_the_users_and_serves(ml: Path, start: Start) -> None:
    train(ml)
    assert (ml / "model/model_algo-1").stat().st_uid == USER

    server = start("serve", f"--user={USER}:{USER}", "-p", "127.0.0.1::8080")

    wait_for_log(server, "Listening")
    url = "http://" + run("docker", "port", server, "8080").strip()
    assert requests.get(f"{url}/ping", timeout=5).status_code == 200
    answer = requests.post(f"{url}/invocations", data="4,0", headers={"Content-Type": "text/csv"}, timeout=5)
    assert answer.json()["predictions"][0]["predicted_label"] == 1


def test_sigterm_ends_a_server_with_code_0(ml: Path, start: Start) -> None:
    train(ml)
    server = start("serve")
    wait_for_log(server, "Listening")

    run("docker", "stop", "--time", "30", server)

    assert inspect(server)["State"]["ExitCode"] == 0


def test_sigterm_ends_a_training_job_with_code_143(ml: Path, start: Start) -> None:
    hyperparameters = ml / "input/config/hyperparameters.json"
    hyperparameters.write_text(json.dumps(json.loads(hyperparameters.read_text()) | {"epochs": "10000"}))
    (ml / "input/data/train/train.csv").write_text(separable_rows(20_000))
    job = start("train")
    wait_for_log(job, "#quality_metric")

    run("docker", "stop", "--time", "30", job)

    assert inspect(job)["State"]["ExitCode"] == 143
    assert "stopped by SIGTERM" in run("docker", "logs", job)


def test_the_health_check_asks_the_server(ml: Path, start: Start) -> None:
    train(ml)
    server = start("serve", "-e", "SAGEMAKER_BIND_TO_PORT=8081")
    wait_for_log(server, "Listening on 0.0.0.0:8081")
    check = inspect(CONTAINER_IMAGE)["Config"]["Healthcheck"]["Test"][1:]

    run("docker", "exec", server, *check)

    with pytest.raises(AssertionError, match="ended with 1"):
        run("docker", "exec", "-e", "SAGEMAKER_BIND_TO_PORT=8082", server, *check)
