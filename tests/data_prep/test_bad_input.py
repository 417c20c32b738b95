"""Bad input gets one sentence with file, line and column, exit code 2, and leaves what was there."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from data_prep.sample import write_sample
from tests.data_prep.conftest import Cells, DataPrep, to_csv

AGE = 4
SOME_ROW = 6  # on line 7


def with_cell(column: int, value: str) -> Callable[[Cells], str]:
    def change(cells: Cells) -> str:
        rows = [row.copy() for row in cells]
        rows[SOME_ROW][column] = value
        return to_csv(rows)

    return change


def text(change: Callable[[str], str]) -> Callable[[Cells], str]:
    return lambda cells: change(to_csv(cells))


BAD_TABLES = [
    ("a text", with_cell(AGE, "old"), ["line 7", "'Age'", "'old'"]),
    ("NaN", with_cell(AGE, "NaN"), ["line 7", "'Age'"]),
    ("infinity", with_cell(AGE, "inf"), ["line 7", "'Age'"]),
    ("a number below its minimum", with_cell(AGE, "-1"), ["line 7", "'Age'", "'-1'"]),
    ("a rating of 6", with_cell(8, "6"), ["line 7", "'Inflight wifi service'", "'6'"]),
    ("an undeclared category", with_cell(6, "First"), ["line 7", "'Class'", "'First'", "'Eco Plus'"]),
    ("an unknown label", with_cell(-1, "happy"), ["line 7", "'satisfaction'", "'happy'"]),
    ("no label", with_cell(-1, ""), ["line 7", "'satisfaction'"]),
    ("an open quote", with_cell(3, '"Loyal'), ["line 7", "never closed"]),
    ("a short row", lambda cells: to_csv([*cells[:6], cells[6][:-1], *cells[7:]]), ["line 7", "24 cells"]),
    ("a long row", lambda cells: to_csv([*cells[:6], [*cells[6], "x"], *cells[7:]]), ["line 7", "26 cells"]),
    ("a missing column", lambda cells: to_csv([row[:4] + row[5:] for row in cells]), ["line 1", "'Age' is missing"]),
    ("a doubled column", lambda cells: to_csv([[*row, row[4]] for row in cells]), ["line 1", "'Age'", "2 times"]),
    ("a new column", lambda cells: to_csv([[*row, f"x{row[4]}"] for row in cells]), ["line 1", "not declared"]),
    ("semicolons", text(lambda table: table.replace(",", ";")), ["line 1", "semicolons"]),
    ("tabs", text(lambda table: table.replace(",", "\t")), ["line 1", "tabs"]),
    ("nothing", text(lambda table: ""), ["empty"]),
    ("a header alone", text(lambda table: table.splitlines()[0]), ["no row"]),
    ("one class", lambda cells: to_csv([row for row in cells if row[-1] != "satisfied"]), ["'satisfaction'", "every"]),
]


@pytest.mark.parametrize(("change", "said"), [row[1:] for row in BAD_TABLES], ids=[row[0] for row in BAD_TABLES])
def test_a_table_with_a_fault_is_refused_with_its_place(
    change: Callable[[Cells], str], said: list[str], data_prep: DataPrep, passengers: Cells, tmp_path: Path
) -> None:
    (tmp_path / "flights.csv").write_text(change(passengers))

    result = data_prep("flights.csv")

    assert result.returncode == 2
    for part in ["flights.csv", *said]:
        assert part in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_table_that_is_not_utf8_is_refused(
    encoding: str, data_prep: DataPrep, passengers: Cells, tmp_path: Path
) -> None:
    table = to_csv(passengers).replace("Female", "Weiblich, männlich", 1)
    (tmp_path / "flights.csv").write_text(table, encoding=encoding)

    result = data_prep("flights.csv")

    assert result.returncode == 2
    assert "flights.csv, line" in result.stderr
    assert "not UTF-8 text" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_missing_file_and_a_folder_without_train_csv_are_named(data_prep: DataPrep, tmp_path: Path) -> None:
    (tmp_path / "kaggle").mkdir()

    for data, said in (("nowhere.csv", "nowhere.csv"), ("kaggle", "train.csv")):
        result = data_prep(data)
        assert result.returncode == 2
        assert said in result.stderr


def test_a_failed_run_leaves_the_last_good_output(data_prep: DataPrep, passengers: Cells, tmp_path: Path) -> None:
    assert data_prep().returncode == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    (tmp_path / "flights.csv").write_text(to_csv(passengers) + "a row that is none\n")

    assert data_prep("flights.csv").returncode == 2

    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_ctrl_c_leaves_nothing_half_written(tmp_path: Path) -> None:
    write_sample(tmp_path / "flights.csv", rows=60_000, seed=1)
    command = [sys.executable, "-m", "data_prep", "flights.csv", "--output", "out"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        deadline = time.monotonic() + 30
        while not list(tmp_path.glob("out/.preparing-*/train_aws.csv")):  # until the second pass is writing
            assert process.poll() is None, "it ended before it could be interrupted"
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=30)[0]

    assert process.returncode == 130
    assert "Traceback" not in output
    assert not (tmp_path / "out").exists()
