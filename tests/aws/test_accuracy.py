"""The whole flow on the real survey: how good the URL's answers are on passengers it was not trained on."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.aws.conftest import Project

AIRLINE = os.environ.get("PREFLIGHT_AIRLINE_CSV")


@pytest.mark.skipif(AIRLINE is None, reason="PREFLIGHT_AIRLINE_CSV names no file")
@pytest.mark.parametrize(
    ("algorithm", "features", "at_least"),
    [("linear-learner", "ordinal", 0.87), ("linear-learner", "engineered", 0.925), ("xgboost", "ordinal", 0.95)],
)
def test_the_url_answers_as_well_as_the_algorithm_can(
    make_project: Callable[[str], Project], tmp_path: Path, algorithm: str, features: str, at_least: float
) -> None:
    command = [sys.executable, "-m", "data_prep", str(AIRLINE), "--features", features, "--output", str(tmp_path)]
    subprocess.run(command, check=True, timeout=120)
    made = make_project(f"real-{algorithm}-{features}")
    project = Project(made.name, made.folder, tmp_path, made.environ)
    (project.folder / "preflight.toml").write_text(f'[deploy]\nname = "real-{algorithm}-{features}"\n')

    deployed = project.run("deploy", "--algorithm", algorithm)
    assert deployed.exit_code == 0, deployed.output
    answers = json.loads(project.run("predict", "--rows", "1000", "--json").stdout)

    assert answers["accuracy"] >= at_least, answers
