"""`predict --batch`: a file scored by a transform job and joined with its rows, planned, found again, taken down."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.aws.conftest import Project


@pytest.fixture(scope="module", params=["linear-learner", "xgboost"])
def deployed(make_project: Callable[[str], Project], request: pytest.FixtureRequest) -> Project:
    project = make_project(f"batch-{request.param}")
    result = project.run("deploy", "--algorithm", request.param)
    assert result.exit_code == 0, result.output
    return project


def batch(project: Project, *more: str) -> Any:
    config = str(project.folder / "preflight.toml")
    return project.run("predict", "--batch", str(project.data / "test_aws.csv"), "--config", config, *more)


def test_every_row_comes_back_with_its_answer_by_a_job_that_runs_once(deployed: Project) -> None:
    rows = len((deployed.data / "test_aws.csv").read_text().splitlines())
    planned = batch(deployed, "--plan").output
    first = batch(deployed, "--json")
    assert first.exit_code == 0, first.output
    scored = json.loads(first.stdout)
    assert "CreateTransformJob" in planned
    assert scored["rows"] == rows == len(Path(scored["path"]).read_text().splitlines())
    assert scored["accuracy"] > 0.6
    assert "There is nothing to change." in batch(deployed, "--plan").output


def test_on_aws_the_plan_has_a_price_and_nothing_runs_unasked(deployed: Project) -> None:
    on_aws = json.loads(deployed.record.read_text()) | {"target": "aws"}
    record = deployed.record_of("aws")
    record.parent.mkdir(exist_ok=True)
    record.write_text(json.dumps(on_aws))
    deployed.configure("[deploy.batch]\ninstance_count = 2\n")  # another job than the one that may have run
    result = batch(deployed, "--target", "aws")
    assert result.exit_code == 2
    assert "Price: $0.02 for 2 x ml.m5.large, 5 min at $0.115/h" in result.output
    assert "Nothing was changed" in result.output


def test_a_file_that_is_none_or_has_raw_rows_is_a_sentence(deployed: Project, tmp_path: Path) -> None:
    config = str(deployed.folder / "preflight.toml")
    for file in (tmp_path / "none.csv", deployed.data / "test_raw.csv"):
        result = deployed.run("predict", "--batch", str(file), "--config", config)
        assert result.exit_code == 2
        assert "cannot be read" in result.output


def test_destroy_takes_the_jobs_logs_and_results_too(deployed: Project, client: Callable[..., Any]) -> None:
    assert batch(deployed).exit_code == 0
    result = deployed.run("destroy", "--yes")
    assert "Transform logs" in result.output
    streams = client("logs").describe_log_streams(
        logGroupName="/aws/sagemaker/TransformJobs", logStreamNamePrefix=f"{deployed.name}-"
    )
    assert streams["logStreams"] == []
