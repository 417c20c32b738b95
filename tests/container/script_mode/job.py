"""A job of a script, as the folders of a container."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PROGRAMS = HERE.parents[2] / "container"


@dataclass
class Job:
    """``files`` are the script's own, in the code folder; ``job.json`` has the rest. ``python`` runs it."""

    base: Path
    files: dict[str, str] = field(default_factory=dict)
    python: str = sys.executable

    def run(self, framework: str, **hyperparameters: Any) -> int:
        """Train; the exit code."""
        job = json.loads((HERE / "job.json").read_text())
        for folder in ("input/config", "code"):
            (self.base / folder).mkdir(parents=True, exist_ok=True)
        for name, text in self.files.items():
            (self.base / "code" / name).write_text(text)
        files = job["configuration"]
        if hyperparameters:
            own = {"sagemaker_program": "train.py"} | hyperparameters
            files["hyperparameters.json"] = {name: json.dumps(value) for name, value in own.items()}
        elif self.files:
            files["hyperparameters.json"] = {"sagemaker_program": '"train.py"'}
        for name, content in files.items():
            (self.base / "input" / "config" / name).write_text(json.dumps(content))
        settings = {"SAGEMAKER_BASE_DIR": str(self.base), "PREFLIGHT_FRAMEWORK": framework}
        environment = {**os.environ, **job["environment"], **settings, "PYTHONPATH": str(PROGRAMS)}
        command = [self.python, "-m", "preflight_container.script_mode", "train"]
        return subprocess.run(command, env=environment, cwd=self.base, timeout=60).returncode

    @property
    def failure(self) -> str:
        return (self.base / "output" / "failure").read_text()
