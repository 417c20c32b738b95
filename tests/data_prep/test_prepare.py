"""From a table to files that SageMaker's algorithms read."""

import json
import os
import statistics
import subprocess
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from data_prep.encoder import Encoder, format_row
from tests.data_prep.conftest import Cells, DataPrep, read_csv, to_csv

AIRLINE = os.environ.get("PREFLIGHT_AIRLINE_CSV")


def accuracy(folder: Path) -> float:
    """Of a logistic regression on the test rows."""
    train, test = (np.loadtxt(folder / f"{side}_aws.csv", delimiter=",") for side in ("train", "test"))
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return float(model.fit(train[:, 1:], train[:, 0]).score(test[:, 1:], test[:, 0]))


def test_without_data_a_sample_is_generated_and_said_to_be(data_prep: DataPrep, tmp_path: Path) -> None:
    result = data_prep()

    schema = json.loads((tmp_path / "out/schema.json").read_text())
    assert result.returncode == 0
    assert "generated" in result.stdout
    assert schema["generated"] is True
    assert schema["source"] == "generated sample"
    assert len(schema["feature_names"]) == 22
    assert len(read_csv(tmp_path / "out/sample.csv")[0]) == 25
    assert accuracy(tmp_path / "out") > 0.75


def test_the_same_seed_gives_the_same_files_and_another_seed_others(data_prep: DataPrep, tmp_path: Path) -> None:
    seen = []
    for seed in (3, 3, 4):
        assert data_prep("--seed", seed).returncode == 0
        seen.append((tmp_path / "out/train_aws.csv").read_bytes())
    assert seen[0] == seen[1] != seen[2]


def test_one_csv_is_split_without_losing_a_row(data_prep: DataPrep, passengers: Cells, tmp_path: Path) -> None:
    (tmp_path / "flights.csv").write_text(to_csv(passengers))

    assert data_prep("flights.csv", "--test-fraction", 0.3).returncode == 0

    header, *raw = read_csv(tmp_path / "out/test_raw.csv")
    train, test = (read_csv(tmp_path / f"out/{side}_aws.csv") for side in ("train", "test"))
    assert header == passengers[0]
    assert all(row in passengers for row in raw)
    assert len(train) + len(test) == 300
    assert 60 < len(test) == len(raw) < 120
    assert [row[0] for row in test] == [str(int(row[-1] == "satisfied")) for row in raw]


def test_medians_come_from_the_training_rows_alone(data_prep: DataPrep, passengers: Cells, tmp_path: Path) -> None:
    header, *rows = passengers
    delay = header.index("Arrival Delay in Minutes")
    train = [[*row[:delay], str(minutes), *row[delay + 1 :]] for minutes, row in enumerate(rows)]
    train[0][delay] = ""
    test = [[*row[:delay], "" if place == 0 else "999", *row[delay + 1 :]] for place, row in enumerate(rows)]
    (tmp_path / "kaggle").mkdir()
    (tmp_path / "kaggle/train.csv").write_text(to_csv([header, *train]))
    (tmp_path / "kaggle/test.csv").write_text(to_csv([header, *test]))

    assert data_prep("kaggle").returncode == 0

    median = statistics.median(range(1, 300))
    for side in ("train", "test"):
        assert float(read_csv(tmp_path / f"out/{side}_aws.csv")[0][-1]) == median


def test_a_raw_row_encoded_by_the_schema_is_the_row_trained_on(data_prep: DataPrep, tmp_path: Path) -> None:
    for features in ("ordinal", "engineered"):
        assert data_prep("--features", features).returncode == 0
        encoder = Encoder(json.loads((tmp_path / "out/schema.json").read_text()))
        header, *raw = read_csv(tmp_path / "out/test_raw.csv")
        records = [dict(zip(header, row, strict=True)) for row in raw]
        lines = (tmp_path / "out/test_aws.csv").read_text().splitlines()

        assert lines == [f"{encoder.encode_label(r['satisfaction'])},{format_row(encoder.encode(r))}" for r in records]
        assert len(encoder.feature_names) == lines[0].count(",")


def test_an_engineered_rating_is_one_hot_with_its_zero(data_prep: DataPrep, tmp_path: Path) -> None:
    assert data_prep("--features", "engineered").returncode == 0

    names = json.loads((tmp_path / "out/schema.json").read_text())["feature_names"]
    rows = np.loadtxt(tmp_path / "out/train_aws.csv", delimiter=",")
    ratings = [1 + names.index(f"Cleanliness={rating}") for rating in range(6)]
    assert set(rows[:, ratings].sum(axis=1)) == {1.0}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_byte_order_mark_and_either_line_end_are_fine(
    newline: str, data_prep: DataPrep, passengers: Cells, tmp_path: Path
) -> None:
    (tmp_path / "flights.csv").write_text(to_csv(passengers), encoding="utf-8-sig", newline=newline)

    assert data_prep("flights.csv").returncode == 0

    assert b"\r" not in (tmp_path / "out/train_aws.csv").read_bytes()
    assert read_csv(tmp_path / "out/test_raw.csv")[0] == passengers[0]


@pytest.mark.skipif(AIRLINE is None, reason="PREFLIGHT_AIRLINE_CSV names no file")
@pytest.mark.parametrize(("features", "at_least"), [("ordinal", 0.86), ("engineered", 0.93)])
def test_a_linear_model_learns_the_real_survey(
    features: str, at_least: float, data_prep: DataPrep, tmp_path: Path
) -> None:
    result: subprocess.CompletedProcess[str] = data_prep(AIRLINE, "--features", features)

    assert result.returncode == 0, result.stderr
    assert accuracy(tmp_path / "out") >= at_least
