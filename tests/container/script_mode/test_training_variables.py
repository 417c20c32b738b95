"""What a script is given, against what AWS's training toolkit gave it for the same job (``record_toolkit.py``)."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
# What depends on the machine, and what the recording itself sets.
LEFT_OUT = ("SM_NUM_CPUS", "SM_NUM_GPUS", "SM_NUM_NEURONS", "SM_STUDIO_LOCAL_MODE")


def run_job(base: Path, framework: str, script: Path = HERE / "tell.py", **hyperparameters: str) -> int:
    job = json.loads((HERE / "job.json").read_text())
    (base / "input" / "config").mkdir(parents=True)
    (base / "code").mkdir()
    shutil.copy(script, base / "code" / "train.py")
    job["configuration"]["hyperparameters.json"].update(hyperparameters)
    for name, content in job["configuration"].items():
        (base / "input" / "config" / name).write_text(json.dumps(content))
    environment = {
        **os.environ,
        **job["environment"],
        "SAGEMAKER_BASE_DIR": str(base),
        "PREFLIGHT_FRAMEWORK": framework,
    }
    command = [sys.executable, "-m", "preflight_container.script_mode", "train"]
    return subprocess.run(command, env=environment, cwd=base, timeout=60).returncode


@pytest.fixture
def recorded(tmp_path: Path) -> dict[str, Any]:
    text = (HERE / "toolkit.json").read_text().replace("/opt/ml", str(tmp_path))
    return dict(json.loads(text))


def test_a_script_gets_what_the_toolkit_gives(tmp_path: Path, recorded: dict[str, Any]) -> None:
    assert run_job(tmp_path, "sklearn") == 0

    told = json.loads((tmp_path / "model" / "told.json").read_text())
    for variables in (told["variables"], recorded["variables"]):
        training = json.loads(variables["SM_TRAINING_ENV"])
        variables["SM_TRAINING_ENV"] = {key: training[key] for key in training if f"SM_{key.upper()}" not in LEFT_OUT}
        for name in LEFT_OUT:
            variables.pop(name, None)
    assert told == recorded
