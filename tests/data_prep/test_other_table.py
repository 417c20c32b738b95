"""Another table is another configuration: tumours instead of passengers."""

import csv
import json
from pathlib import Path

import pytest
from sklearn.datasets import load_breast_cancer

from tests.data_prep.conftest import DataPrep
from tests.data_prep.test_prepare import accuracy

LABEL = '[data.label]\ncolumn = "diagnosis"\npositive = "malignant"\nnegative = "benign"\n'


@pytest.fixture
def tumours(tmp_path: Path) -> Path:
    """scikit-learn's breast cancer data as a CSV, 569 rows of 30 numbers; its configuration is tumours.toml."""
    data = load_breast_cancer()
    with (tmp_path / "tumours.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*data.feature_names, "diagnosis"])
        writer.writerows([*row, data.target_names[label]] for row, label in zip(data.data, data.target, strict=True))
    columns = [f'    {{ name = "{name}", kind = "number", minimum = 0 }},\n' for name in data.feature_names]
    (tmp_path / "tumours.toml").write_text(f"[data]\ncolumns = [\n{''.join(columns)}]\n{LABEL}")
    return tmp_path / "tumours.csv"


def test_another_table_is_a_matter_of_configuration(data_prep: DataPrep, tumours: Path, tmp_path: Path) -> None:
    result = data_prep(tumours, "--config", "tumours.toml")

    assert result.returncode == 0, result.stderr
    schema = json.loads((tmp_path / "out/schema.json").read_text())
    assert len(schema["feature_names"]) == 30
    assert schema["rows"]["train"] + schema["rows"]["test"] == 569
    assert accuracy(tmp_path / "out") > 0.93


@pytest.mark.parametrize(
    ("before", "after", "key"),
    [
        ('kind = "number"', 'kind = "text"', "data.columns.0"),
        ("minimum = 0", "smallest = 0", "smallest"),
        ('positive = "malignant"', 'positive = "benign"', "data.label"),
        ('name = "mean texture"', 'name = "mean radius"', "mean radius"),
        ("[data]", "[datum]", "data"),
        ("columns = [", "columns = [[", "TOML"),
    ],
)
def test_a_mistake_in_the_configuration_is_one_sentence_with_the_key(
    before: str, after: str, key: str, data_prep: DataPrep, tumours: Path, tmp_path: Path
) -> None:
    config = tmp_path / "tumours.toml"
    config.write_text(config.read_text().replace(before, after, 1))

    result = data_prep(tumours, "--config", "tumours.toml")

    assert result.returncode == 2
    assert "tumours.toml" in result.stderr
    assert key in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()
