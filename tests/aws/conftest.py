"""A project of one's own on the shared stack, driven by the programs as a person runs them."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.loaders import Loader
from click.testing import CliRunner, Result

from aws import deploy, destroy, pipeline, predict, prepare
from aws.client import Aws
from aws.config import load_settings
from aws.dataset import Dataset
from aws.deployment import record_path
from aws.names import names_of
from aws.planning.plan import Plan
from aws.steps import algorithms
from aws.target import Target
from aws.wanted import Wanted
from preflight.stack import Stack
from tests.aws.faults import Faults

COMMANDS = {
    "deploy": deploy.main,
    "predict": predict.main,
    "destroy": destroy.main,
    "pipeline": pipeline.main,
    "prepare": prepare.main,
}


@dataclass(frozen=True)
class Project:
    """A project with its own name, configuration and record."""

    name: str
    folder: Path
    data: Path
    environ: dict[str, str]

    @property
    def record(self) -> Path:
        return self.record_of("local")

    def record_of(self, target: str) -> Path:
        """Where the record of a target is, as long as AWS_ENDPOINT_URL leads to the stack."""
        return record_path(self.folder / "build", self.name, target, self.environ)

    @property
    def url(self) -> str:
        return str(json.loads(self.record.read_text())["api_url"])

    def configure(self, lines: str = "", **hyperparameters: Any) -> None:
        """Write preflight.toml: ``lines`` of [deploy], and Linear Learner's hyperparameters."""
        chosen = {"predictor_type": "binary_classifier", "epochs": 3} | hyperparameters
        table = "\n".join(f"{key} = {json.dumps(value)}" for key, value in chosen.items())
        text = f'[deploy]\nname = "{self.name}"\n{lines}[deploy.hyperparameters.linear-learner]\n'
        (self.folder / "preflight.toml").write_text(text + table)

    def arguments(self, command: str) -> list[str]:
        arguments = ["--build", str(self.folder / "build"), "--config", str(self.folder / "preflight.toml")]
        return arguments + (["--data", str(self.data)] if command == "deploy" else [])

    def plan(self, *, region: str = "us-east-1", algorithm: str = "linear-learner", **options: Any) -> Plan:
        """The plan as data. ``options`` are those of ``Wanted``."""
        target = self.target(region)
        settings = load_settings(self.folder / "preflight.toml")
        chosen = algorithms.algorithm_named(algorithm, settings)
        wanted = replace(Wanted(settings, chosen, Dataset.load(self.data)), **options)
        return deploy.make_plan(target, names_of(Aws(target), settings), wanted)

    def target(self, region: str = "us-east-1") -> Target:
        """The stack, seen from a region."""
        return Target.named("local", region=region, environ={"AWS_ENDPOINT_URL": self.environ["AWS_ENDPOINT_URL"]})

    def run(self, command: str, *more: str, environ: Mapping[str, str | None] = MappingProxyType({})) -> Result:
        """``environ`` adds variables; None removes one."""
        variables = {**self.environ, **environ}
        return CliRunner(env=variables).invoke(COMMANDS[command], [*self.arguments(command), *more])


def curl_line(output: str) -> str:
    """The command that predict prints to try the URL, over as many lines as it takes."""
    found = re.search(r"^ *(curl (?:.*\\\n)*.*)$", output, re.MULTILINE)
    assert found, output
    return found[1]


class Session(boto3.Session):
    """A boto3 session that shares what it read of AWS's service models with all others; each run makes one."""

    LOADER = Loader()

    def __init__(self, **options: Any) -> None:
        core = botocore.session.get_session()
        core.register_component("data_loader", self.LOADER)
        super().__init__(botocore_session=core, **options)


@pytest.fixture(scope="module", autouse=True)  # other folders have a use for a session of their own
def _service_models_are_read_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boto3, "Session", Session)
        yield


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Faults:
    """What comes between boto3 and the stack from here to the end of the test."""
    faults = Faults()

    class FaultySession(Session):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.events.register("before-send", faults)

    monkeypatch.setattr(boto3, "Session", FaultySession)
    return faults


@pytest.fixture
def on_aws(faults: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the services that only AWS has asked as well; ``faults`` answers for them."""
    named = Target.named
    monkeypatch.setattr(Target, "named", lambda *args, **options: replace(named(*args, **options), is_stack=False))


@pytest.fixture(scope="session")
def prepared_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What data_prep makes of its generated sample."""
    folder = tmp_path_factory.mktemp("prepared")
    subprocess.run([sys.executable, "-m", "data_prep", "--output", str(folder)], check=True, timeout=120)
    return folder


@pytest.fixture(scope="module")
def make_project(
    stack: Stack, prepared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Project]]:
    """Makes projects by name; what they deployed is removed afterwards."""
    made: list[Project] = []
    environ = {
        "AWS_ENDPOINT_URL": stack.endpoint_url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }

    def make(name: str) -> Project:
        project = Project(name, tmp_path_factory.mktemp(name), prepared_data, environ)
        project.configure()
        made.append(project)
        return project

    yield make
    for project in made:
        project.configure()
        destroyed = project.run("destroy", "--yes")
        assert destroyed.exit_code == 0, destroyed.output
