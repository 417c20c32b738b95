"""The report that predict writes: whole in itself, true to the model, and safe whatever a table's names are."""

import base64
import csv
import hashlib
import json
import random
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from aws.evaluation import curves
from aws.evaluation.answers import Answer
from tests.aws.conftest import Project
from tests.aws.test_other_tables import prepared_with

EVIL = "</script><script>alert(1)</script>"
COLUMNS = [f"size {EVIL}", "<img src=x onerror=alert(2)>", "plain & simple"]
LABEL = f"is {EVIL}"


class Page(HTMLParser):
    """What a browser would make of the page: its elements, its text, its scripts by their type."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        self._in_script = tag == "script"
        if self._in_script:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts[-1] += data
        else:
            self.text += data

    @property
    def charts(self) -> dict[str, dict[str, Any]]:
        return {chart["label"]: chart for chart in json.loads(self.scripts[0])}


def page_of(project: Project) -> Page:
    return Page(project.record.with_name("report.html").read_text(encoding="utf-8"))


@pytest.fixture
def hostile_table(tmp_path: Path) -> Path:
    """Two classes that the first column decides alone; every name is an attack."""
    draw = random.Random(1)
    path = tmp_path / "table.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*COLUMNS, LABEL])
        for _ in range(300):
            row = [draw.gauss(0, 1) for _ in COLUMNS]
            writer.writerow([*row, "<b>yes</b>" if row[0] > 0 else "no"])
    return path


@pytest.mark.parametrize("algorithm", ["linear-learner", "xgboost"])
def test_names_of_a_table_are_text_and_the_model_tells_what_it_goes_by(
    make_project: Callable[[str], Project], hostile_table: Path, algorithm: str
) -> None:
    label = f'[data.label]\ncolumn = {json.dumps(LABEL)}\npositive = "<b>yes</b>"\nnegative = "no"\n'
    project = prepared_with(make_project(f"hostile-{algorithm[:3]}"), hostile_table, COLUMNS, label)
    assert project.run("deploy", "--algorithm", algorithm).exit_code == 0

    shown = project.run("predict", "--rows", "60").stdout

    assert f"Report: {project.record.with_name('report.html')}" in shown
    page = page_of(project)
    assert LABEL in page.text and "<b>yes</b>" in page.text
    assert {tag for tag, _ in page.tags}.isdisjoint({"img", "b", "iframe", "link"})
    [data, *programs] = page.scripts
    assert len(programs) == 2 and "alert" in data
    [policy] = [given["content"] or "" for tag, given in page.tags if tag == "meta" and "http-equiv" in given]
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in programs]
    assert re.findall(r"'sha256-([^']+)'", policy) == hashes, "nothing else may run"
    assert not [given for _, given in page.tags if "src" in given or "href" in given], "all is in the one file"
    bars = page.charts["Features"]["traces"][0]
    strongest = dict(zip(bars["x"], bars["text"], strict=True))[max(bars["x"], key=abs)]
    assert strongest == COLUMNS[0].replace("<", "&lt;").replace(">", "&gt;")
    assert {"ROC curve", "Precision-recall curve", "Calibration", "Latency"} <= set(page.charts)


def test_a_model_file_that_is_no_longer_there_leaves_the_rest(
    make_project: Callable[[str], Project], hostile_table: Path
) -> None:
    label = f'[data.label]\ncolumn = {json.dumps(LABEL)}\npositive = "<b>yes</b>"\nnegative = "no"\n'
    project = prepared_with(make_project("no-file"), hostile_table, COLUMNS, label)
    assert project.run("deploy").exit_code == 0
    deployment = json.loads(project.record.read_text())
    sagemaker, s3 = project.target().client("sagemaker"), project.target().client("s3")
    model = sagemaker.describe_model(ModelName=deployment["model_name"])["PrimaryContainer"]["ModelDataUrl"]
    s3.put_object(Bucket=deployment["bucket"], Key=model.split("/", 3)[3], Body=b"no archive")

    asked = project.run("predict", "--rows", "1")

    assert asked.exit_code == 0, asked.output
    page = page_of(project)
    assert "The model's file does not tell it" in page.text
    assert "These need rows of both classes" in page.text


def test_curves_are_those_of_scikit_learn() -> None:
    draw = random.Random(2)
    labels = [draw.random() < 0.3 for _ in range(400)]
    scores = [round(draw.betavariate(3 if label else 2, 3), 2) for label in labels]  # with ties
    answers = [Answer(float(label), 0, (score,), 0.01) for label, score in zip(labels, scores, strict=True)]

    cuts = curves.cuts(answers)

    assert curves.area_under_roc(cuts) == pytest.approx(roc_auc_score(labels, scores))
    assert curves.average_precision(cuts) == pytest.approx(average_precision_score(labels, scores))
    assert sum(found.rows for found in curves.calibration(answers)) == 400
