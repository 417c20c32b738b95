"""A project of one's own on the shared stack, driven by the programs as a person runs them."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from aws import deploy, destroy, predict
from local.stack import Stack

COMMANDS = {"deploy": deploy.main, "predict": predict.main, "destroy": destroy.main}


@dataclass(frozen=True)
class Project:
    """A project with its own name, configuration and record."""

    folder: Path
    data: Path
    environ: dict[str, str]

    @property
    def record(self) -> Path:
        return self.folder / "build" / "local" / "deployment.json"

    def configure(self, name: str, **hyperparameters: Any) -> None:
        chosen = {"predictor_type": "binary_classifier", "epochs": 3} | hyperparameters
        lines = [f"{key} = {json.dumps(value)}" for key, value in chosen.items()]
        text = f'[deploy]\nname = "{name}"\n[deploy.hyperparameters.linear-learner]\n'
        (self.folder / "preflight.toml").write_text(text + "\n".join(lines))

    def arguments(self, command: str) -> list[str]:
        arguments = ["--build", str(self.folder / "build")]
        if command != "predict":
            arguments += ["--config", str(self.folder / "preflight.toml")]
        return arguments + (["--data", str(self.data)] if command == "deploy" else [])

    def run(self, command: str, *more: str) -> Result:
        return CliRunner(env=self.environ).invoke(COMMANDS[command], [*self.arguments(command), *more])


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
    environ = {"AWS_ENDPOINT_URL": stack.endpoint_url, "AWS_DEFAULT_REGION": "us-east-1"}

    def make(name: str) -> Project:
        project = Project(tmp_path_factory.mktemp(name), prepared_data, environ)
        project.configure(name)
        made.append(project)
        return project

    yield make
    for project in made:
        assert project.run("destroy", "--yes").exit_code == 0
