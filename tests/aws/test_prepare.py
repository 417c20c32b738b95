"""`prepare --instances N`: data_prep by processing jobs on several hosts, to the bytes of one; planned, taken down."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.aws.conftest import Project
from tests.aws.test_pipeline import describe, pytestmark  # noqa: F401 - it needs the same image

FILES = ("train_aws.csv", "test_aws.csv", "test_raw.csv")


@pytest.fixture(scope="module")
def project(make_project: Callable[[str], Project]) -> Project:
    project = make_project("shared-out")
    describe(project)
    return project


def test_three_hosts_make_the_files_of_one_and_nothing_is_left_to_do(
    project: Project, prepared_data: Path, client: Callable[..., Any]
) -> None:
    table, made = str(prepared_data / "sample.csv"), project.folder / "build" / project.name / "data"

    planned = project.run("prepare", table, "--instances", "3", "--target", "aws", "--plan")
    run = project.run("prepare", table, "--instances", "3")
    again = project.run("prepare", table, "--instances", "3", "--plan")

    assert run.exit_code == 0, run.output
    assert "Price: $0.06 for 2 jobs on 3 x ml.m5.large" in planned.stdout
    assert "There is nothing to change." in again.stdout
    for name in FILES:
        assert (made / name).read_bytes() == (prepared_data / name).read_bytes(), name
    one = json.loads((prepared_data / "schema.json").read_text())
    assert json.loads((made / "schema.json").read_text()) == one | {"source": "sample.csv", "generated": False}
    streams = client("logs").describe_log_streams(
        logGroupName="/aws/sagemaker/ProcessingJobs", logStreamNamePrefix="shared-out-encode-"
    )["logStreams"]
    assert len(streams) == 3  # each host had a part


def test_a_bad_row_is_named_by_its_line_in_the_whole_table_and_destroy_leaves_nothing(
    project: Project, prepared_data: Path, tmp_path: Path
) -> None:
    lines = (prepared_data / "sample.csv").read_text().splitlines()
    lines[5000] = lines[5000].replace("ale,", "xyz,", 1)
    (tmp_path / "bad.csv").write_text("\n".join(lines))

    refused = project.run("prepare", str(tmp_path / "bad.csv"))
    too_few = project.run("prepare", str(tmp_path / "bad.csv"), "--instances", "0")
    destroyed = project.run("destroy", "--yes")

    assert refused.exit_code == 1
    assert "bad.csv, line 5001, column 'Gender'" in refused.stderr
    assert too_few.exit_code == 2
    assert "Processing logs" in destroyed.stdout and "a last look found none" in destroyed.stdout
