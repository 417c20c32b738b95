"""`make demo` looks at all it was given before anything slow begins."""

import os
import subprocess

import pytest

from tests.conftest import REPOSITORY

# `make test` tells the programs it runs, make among them, how it was called itself.
NOT_INSIDE_MAKE = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("data=survey.csv", "make demo has no variable data"),
        ("ROWS=0", "ROWS=0: it is a number of test rows"),
        ("ROWS=many", "ROWS=many: it is a number"),
        ("ALGORITHM=xgb", "it is linear-learner or xgboost"),
        ("FEATURES=all", "it is ordinal or engineered"),
        ("DATA=/nowhere.csv", "DATA=/nowhere.csv is not there"),
        ("CONFIG=other.toml", "CONFIG=other.toml is not a file"),
        ("PORT=99999", "PORT=99999: it is a port"),
    ],
)
def test_what_cannot_be_is_refused_at_once(given: str, said: str) -> None:
    command = ["make", "--no-print-directory", "demo", given]
    asked = subprocess.run(command, cwd=REPOSITORY, env=NOT_INSIDE_MAKE, capture_output=True, text=True, timeout=60)

    assert asked.returncode == 2
    assert asked.stderr.startswith("Error: ") and said in asked.stderr
    assert asked.stdout == "", "nothing was begun"
