"""Tables of three classes and of numbers go the whole way, too: from a packed CSV to a URL that answers."""

import csv
import gzip
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from sklearn.datasets import load_diabetes, load_wine

from tests.aws.conftest import Project


def write_table(path: Path, data: Any, column: str) -> None:
    """scikit-learn's ``data`` as a CSV, packed as the name of ``path`` says."""
    names = getattr(data, "target_names", None)
    plain = path.parent / "table.csv"
    with plain.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*data.feature_names, column])
        labels = data.target if names is None else names[data.target]
        writer.writerows([*row, label] for row, label in zip(data.data, labels, strict=True))
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(plain.read_bytes()))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(plain, "archive/table.csv")


def prepared(project: Project, table: Path) -> Project:
    """The project with the configuration that `preflight init` writes for its table, prepared by data_prep."""
    made = project.folder / project.name
    init = [sys.executable, "-m", "preflight", "init", str(table), str(made)]
    done = subprocess.run(init, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.copyfile(made / "preflight.toml", project.folder / "preflight.toml")
    return _prepare(project, table)


def prepared_with(project: Project, table: Path, columns: Iterable[str], label: str) -> Project:
    """The project with its own table, whose ``columns`` are numbers, prepared by data_prep."""
    names = "".join(f'{{ name = {json.dumps(name)}, kind = "number" }}, ' for name in columns)
    config = project.folder / "preflight.toml"
    deploy = f'[deploy]\nname = "{project.name}"\n'
    config.write_text(f"[data]\ncolumns = [{names}]\n{label}{deploy}")
    return _prepare(project, table)


def _prepare(project: Project, table: Path) -> Project:
    config, folder = project.folder / "preflight.toml", project.folder / "data"
    command = [sys.executable, "-m", "data_prep", str(table), "--config", str(config), "--output", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return replace(project, data=folder)


def figures(project: Project, *options: str) -> dict[str, Any]:
    asked = project.run("predict", "--json", "--rows", "40", *options)
    assert asked.exit_code == 0, asked.output
    found: dict[str, Any] = json.loads(asked.stdout)
    return found


@pytest.mark.parametrize("algorithm", ["linear-learner", "xgboost"])
def test_three_classes(make_project: Callable[[str], Project], tmp_path: Path, algorithm: str) -> None:
    wine = load_wine()
    write_table(tmp_path / "wine.csv.gz", wine, "cultivar")
    project = prepared(make_project(f"wine-{algorithm[:3]}"), tmp_path / "wine.csv.gz")

    deployed = project.run("deploy", "--algorithm", algorithm)

    assert deployed.exit_code == 0, deployed.output
    measured = figures(project)
    assert measured["classes"] == ["class_0", "class_1", "class_2"]
    assert sum(map(sum, measured["confusion"])) == measured["rows"]
    assert measured["accuracy"] > 0.85
    report = Path(measured["report"]).read_text(encoding="utf-8")
    assert "Confusion matrix" in report and "said class_2" in report and "By class" in report
    row = dict(zip(wine.feature_names, map(float, wine.data[0]), strict=True))
    answer = requests.post(project.url, json={"record": row}, timeout=30).json()
    assert answer["label"] == "class_0" and set(answer["scores"]) == set(wine.target_names)


@pytest.mark.parametrize("algorithm", ["linear-learner", "xgboost"])
def test_a_number_on_a_stack_that_plays_aws(
    make_project: Callable[[str], Project], tmp_path: Path, algorithm: str
) -> None:
    diabetes = load_diabetes()
    write_table(tmp_path / "archive.zip", diabetes, "progression")
    project = prepared(make_project(f"sugar-{algorithm[:3]}"), tmp_path / "archive.zip")
    options = ["--target", "aws", "--algorithm", algorithm, "--yes"]

    deployed = project.run("deploy", *options)
    again = project.run("deploy", *options, "--plan")

    assert deployed.exit_code == 0, deployed.output
    assert "There is nothing to change." in again.stdout
    measured = figures(project, "--target", "aws")
    report = Path(measured["report"]).read_text(encoding="utf-8")
    assert "Predicted and true" in report and "Mean absolute error" in report and "ROC curve" not in report
    assert 0 < measured["mean_absolute_error"] <= measured["root_mean_squared_error"] < 80
    shown = project.run("predict", "--target", "aws", "--rows", "5").stdout
    assert "mean absolute error" in shown and "accuracy" not in shown


def test_a_model_of_another_kind_than_the_label_is_refused(
    make_project: Callable[[str], Project], tmp_path: Path
) -> None:
    wine = load_wine()
    write_table(tmp_path / "wine.csv.gz", wine, "cultivar")
    project = prepared(make_project("wrong-kind"), tmp_path / "wine.csv.gz")
    with (project.folder / "preflight.toml").open("a") as file:
        file.write('[deploy.hyperparameters.linear-learner]\npredictor_type = "regressor"\n')

    refused = project.run("deploy")

    assert refused.exit_code == 2
    assert "predictor_type = 'regressor'" in refused.stderr and "is multiclass" in refused.stderr
