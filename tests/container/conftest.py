"""The container's programs as SageMaker runs them: a child process, a base folder, HTTP."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

DEADLINE_SECONDS = 60


def eventually(condition: Callable[[], object]) -> None:
    """Wait until it is true."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@dataclass
class TrainingRun:
    """A base folder to fill, and the job that ran on it."""

    base: Path
    algorithm: str
    channels: dict[str, dict[str, str]] = field(default_factory=dict)
    exit_code: int | None = None
    log: str = ""

    @property
    def model(self) -> Path:
        return self.base / "model"

    @property
    def failure(self) -> str:
        return (self.base / "output/failure").read_text()

    def channel(self, name: str, *files: bytes | str, content_type: str | None = "text/csv", **config: str) -> None:
        """Adds a channel with some files."""
        folder = self.base / "input/data" / name
        folder.mkdir(parents=True, exist_ok=True)
        for number, content in enumerate(files):
            data = content.encode() if isinstance(content, str) else content
            (folder / f"part-{number}").write_bytes(data)
        declared = {"ContentType": content_type} if content_type else {}
        self.channels[name] = {"TrainingInputMode": "File", "RecordWrapperType": "None"} | declared | config

    def start(self, hyperparameters: Mapping[str, str], /, **broken: str) -> "subprocess.Popen[str]":
        """The job's process, running; `broken` replaces the content of configuration files."""
        config = self.base / "input/config"
        config.mkdir(parents=True, exist_ok=True)
        (config / "hyperparameters.json").write_text(json.dumps(hyperparameters))
        (config / "inputdataconfig.json").write_text(json.dumps(self.channels))
        for name, content in broken.items():
            (config / f"{name}.json").write_text(content)
        return subprocess.Popen(
            [sys.executable, "-m", "preflight_container", "train"],
            env={**os.environ, "SAGEMAKER_BASE_DIR": str(self.base), "PREFLIGHT_ALGORITHM": self.algorithm},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, **hyperparameters: str) -> "TrainingRun":
        """Runs the job to its end; a job that fails must say why in the failure file, one that succeeds has none."""
        process = self.start(hyperparameters)
        self.log, _ = process.communicate(timeout=DEADLINE_SECONDS)
        self.exit_code = process.returncode
        assert (self.base / "output/failure").exists() == (self.exit_code != 0), self.log
        return self

    def metric(self, channel: str, name: str) -> float:
        """A final metric from the log, by AWS's line."""
        line = next(x for x in self.log.splitlines() if f"host=algo-1, {channel} {name} <" in x)
        return float(line.rpartition("=")[2])


@dataclass(frozen=True)
class Reply:
    status: int
    content_type: str
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class ModelServer:
    """A serving process and a client for it."""

    port: int
    process: "subprocess.Popen[bytes]"

    def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
            response = connection.getresponse()
            return Reply(response.status, response.headers.get_content_type(), response.read())
        finally:
            connection.close()

    def invoke(self, body: bytes | str, content_type: str | None = "text/csv", accept: str | None = None) -> Reply:
        headers = {"Content-Type": content_type, "Accept": accept}
        data = body.encode() if isinstance(body, str) else body
        return self.request("POST", "/invocations", data, **{k: v for k, v in headers.items() if v is not None})

    def wait(self, path: str = "/ping") -> Reply:
        """The first reply once the server listens."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while True:
            assert self.process.poll() is None, "the server ended"
            try:
                return self.request("GET", path)
            except ConnectionError:
                assert time.monotonic() < deadline, "the server does not listen"
                time.sleep(0.02)


@pytest.fixture(scope="session")
def training_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., TrainingRun]:
    """Makes empty jobs: ``training_run("linear-learner")``."""
    return lambda algorithm="linear-learner": TrainingRun(tmp_path_factory.mktemp("job"), algorithm)


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[..., ModelServer]]:
    """Starts servers on a base folder: ``serve(base)``; they end with the session."""
    processes = []

    def start(base: Path, **environment: str) -> ModelServer:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        settings = {"SAGEMAKER_BASE_DIR": str(base), "SAGEMAKER_BIND_TO_PORT": str(port)}
        process = subprocess.Popen(
            [sys.executable, "-m", "preflight_container", "serve"],
            env={**os.environ, "PREFLIGHT_BIND_ADDRESS": "127.0.0.1", **settings, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        processes.append(process)
        server = ModelServer(port, process)
        server.wait()
        return server

    yield start
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        process.wait(timeout=DEADLINE_SECONDS)


@dataclass(frozen=True)
class Table:
    """A small real data set: labels of shape (n,), features of shape (n, feature_dim), split in two."""

    labels: np.ndarray
    features: np.ndarray
    held_out_labels: np.ndarray
    held_out_features: np.ndarray

    def csv(self, *, held_out: bool = False) -> str:
        """The rows with the label first."""
        labels, features = (self.held_out_labels, self.held_out_features) if held_out else (self.labels, self.features)
        return "".join(",".join(map(repr, row)) + "\n" for row in np.column_stack([labels, features]).tolist())

    def rows(self, count: int) -> str:
        """The first held-out rows without a label."""
        return "".join(",".join(map(repr, row)) + "\n" for row in self.held_out_features[:count].tolist())


def _table(name: str) -> Table:
    from sklearn import datasets
    from sklearn.model_selection import train_test_split

    features, labels = getattr(datasets, f"load_{name}")(return_X_y=True)
    x, held_x, y, held_y = train_test_split(features.astype(np.float32), labels, random_state=0)
    return Table(y, x, held_y, held_x)


@pytest.fixture(scope="session")
def cancer() -> Table:
    """569 tumours with 30 measurements; 1 is benign."""
    return _table("breast_cancer")


@pytest.fixture(scope="session")
def wine() -> Table:
    """178 wines with 13 measurements, 3 classes."""
    return _table("wine")


@pytest.fixture(scope="session")
def diabetes() -> Table:
    """442 patients with 10 measurements and a progress figure from 25 to 346."""
    return _table("diabetes")


@pytest.fixture(scope="session")
def linear_run(training_run: Callable[..., TrainingRun], cancer: Table) -> TrainingRun:
    """A finished binary Linear Learner job."""
    run = training_run("linear-learner")
    run.channel("train", cancer.csv())
    run.channel("test", cancer.csv(held_out=True))
    run.run(predictor_type="binary_classifier", feature_dim="30")
    assert run.exit_code == 0, run.log
    return run


@pytest.fixture(scope="session")
def xgboost_run(training_run: Callable[..., TrainingRun], cancer: Table) -> TrainingRun:
    """A finished binary XGBoost job."""
    run = training_run("xgboost")
    run.channel("train", cancer.csv())
    run.channel("validation", cancer.csv(held_out=True))
    run.run(num_round="20", objective="binary:logistic", eval_metric="error,logloss")
    assert run.exit_code == 0, run.log
    return run


@pytest.fixture(scope="session")
def linear_server(serve: Callable[..., ModelServer], linear_run: TrainingRun) -> ModelServer:
    return serve(linear_run.base)


@pytest.fixture(scope="session")
def xgboost_server(serve: Callable[..., ModelServer], xgboost_run: TrainingRun) -> ModelServer:
    return serve(xgboost_run.base)
