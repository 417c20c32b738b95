"""Tables to break, and the program run on them as a person runs it."""

import csv
import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from data_prep.sample import write_sample

REPOSITORY = Path(__file__).resolve().parents[2]
DataPrep = Callable[..., subprocess.CompletedProcess[str]]
Cells = list[list[str]]


@pytest.fixture
def data_prep(tmp_path: Path) -> DataPrep:
    """``data_prep("flights.csv", "--seed", 3)`` in the test's folder; the output is in its ``out``."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "data_prep", *map(str, arguments), "--output", "out"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    return run


@pytest.fixture(scope="session")
def passengers(tmp_path_factory: pytest.TempPathFactory) -> Cells:
    """A header and 300 rows of the airline survey's form."""
    path = tmp_path_factory.mktemp("sample") / "sample.csv"
    write_sample(path, rows=300, seed=5)
    return read_csv(path)


def read_csv(path: Path) -> Cells:
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))


def to_csv(cells: Cells) -> str:
    return "".join(",".join(row) + "\n" for row in cells)
