"""The folders of a container, below /opt/ml or SAGEMAKER_BASE_DIR.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Folders:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self.base = Path(environ.get("SAGEMAKER_BASE_DIR") or "/opt/ml")
        self.code = self.base / "code"
        self.model = self.base / "model"
        self.input = self.base / "input"
        self.configuration = self.input / "config"
        self.data = self.input / "data"
        self.output = self.base / "output"
        self.output_data = self.output / "data"
        self.intermediate = self.output / "intermediate"

    def read(self, name: str) -> dict[str, Any]:
        """The JSON object in a file of input/config; empty if there is none."""
        path = self.configuration / name
        if not path.exists():
            return {}
        content: dict[str, Any] = json.loads(path.read_text())
        return content
