"""docs/algorithms.md lists every hyperparameter just as the code takes it."""

import re
from pathlib import Path

import pytest

from preflight_container.linear_learner.hyperparameters import TABLE as LINEAR_LEARNER
from preflight_container.xgboost_builtin.hyperparameters import TABLE as XGBOOST

DOCUMENT = Path(__file__).parents[2] / "docs/algorithms.md"


def documented(heading):
    """The cells of each table row under the heading, by hyperparameter."""
    section = DOCUMENT.read_text().partition(f"### {heading}\n")[2].partition("\n#")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \| (.*?) \|$", section, re.MULTILINE)
    return {name: cells for name, *cells in rows}


def as_documented(row):
    status = f"refused: {row.refused}" if row.refused else "implemented"
    status = f"ignored, as on AWS: {row.ignored}" if row.ignored else status
    status = f"same as `{row.alias_of}`" if row.alias_of else status
    status += f" Taken by images of {', '.join(row.versions)} only." if row.versions else ""
    default = "required" if row.required else f"`{row.default}`" if row.default is not None else ""
    return [row.values, default, status]


@pytest.mark.parametrize(
    ("heading", "table"),
    [("Hyperparameters of Linear Learner", LINEAR_LEARNER), ("Hyperparameters of XGBoost", XGBOOST)],
)
def test_the_documentation_lists_every_hyperparameter(heading, table):
    assert documented(heading) == {row.name: as_documented(row) for row in table}
