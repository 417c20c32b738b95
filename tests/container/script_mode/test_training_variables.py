"""What a script is given, against what AWS's training toolkit gave it for the same job (``record_toolkit.py``)."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.container.script_mode.job import HERE, Job

# What depends on the machine, and what the recording itself sets.
LEFT_OUT = ("SM_NUM_CPUS", "SM_NUM_GPUS", "SM_NUM_NEURONS", "SM_STUDIO_LOCAL_MODE")
# What XGBoost's older toolkit does not know of.
NEWER = {"SM_CURRENT_INSTANCE_TYPE", "SM_INSTANCE_GROUPS", "SM_IS_HETERO", "SM_NUM_NEURONS"}


def told_by(base: Path, framework: str) -> dict[str, Any]:
    (base / "code").mkdir()
    (base / "code" / "train.py").write_text((HERE / "tell.py").read_text())
    assert Job(base).run(framework) == 0
    return dict(json.loads((base / "model" / "told.json").read_text()))


@pytest.fixture
def recorded(tmp_path: Path) -> dict[str, Any]:
    text = (HERE / "toolkit.json").read_text().replace("/opt/ml", str(tmp_path))
    return dict(json.loads(text))


def test_a_script_gets_what_the_toolkit_gives(tmp_path: Path, recorded: dict[str, Any]) -> None:
    told = told_by(tmp_path, "sklearn")

    for variables in (told["variables"], recorded["variables"]):
        training = json.loads(variables["SM_TRAINING_ENV"])
        variables["SM_TRAINING_ENV"] = {key: training[key] for key in training if f"SM_{key.upper()}" not in LEFT_OUT}
        for name in LEFT_OUT:
            variables.pop(name, None)
    assert told == recorded


def test_a_script_in_xgboosts_image_gets_less(tmp_path: Path, recorded: dict[str, Any]) -> None:
    told = told_by(tmp_path, "xgboost")

    assert told["arguments"] == recorded["arguments"]
    assert not NEWER & told["variables"].keys()
    assert told["variables"]["SM_HPS"] == recorded["variables"]["SM_HPS"]
