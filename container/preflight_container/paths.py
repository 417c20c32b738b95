"""The folders SageMaker gives a container, below `/opt/ml` or wherever SAGEMAKER_BASE_DIR says.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from preflight_container.errors import AlgorithmError, CustomerError


@dataclass(frozen=True)
class Paths:
    """The folder layout below one base folder."""

    base: Path

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Paths":
        return cls(Path(environ.get("SAGEMAKER_BASE_DIR") or "/opt/ml"))

    @property
    def hyperparameters(self) -> Path:
        return self.base / "input/config/hyperparameters.json"

    @property
    def input_data_config(self) -> Path:
        return self.base / "input/config/inputdataconfig.json"

    @property
    def resource_config(self) -> Path:
        return self.base / "input/config/resourceconfig.json"

    @property
    def checkpoint_config(self) -> Path:
        return self.base / "input/config/checkpointconfig.json"

    @property
    def data(self) -> Path:
        return self.base / "input/data"

    @property
    def model(self) -> Path:
        return self.base / "model"

    @property
    def failure(self) -> Path:
        return self.base / "output/failure"

    @property
    def scratch(self) -> Path:
        """For what does not fit in memory; never uploaded."""
        return self.base / "tmp"

    def read_object(self, path: Path) -> dict[str, Any]:
        """The JSON object in one of the configuration files. Raises AlgorithmError when there is none."""
        try:
            content = json.loads(path.read_text())
        except (OSError, ValueError, RecursionError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise AlgorithmError(f"{self.shown(path)} cannot be read: {reason}") from error
        if not isinstance(content, dict):
            raise AlgorithmError(f"{self.shown(path)} must hold a JSON object.")
        return content

    def of_container(self, path: str) -> Path:
        """Where a path of the container, such as `/opt/ml/checkpoints`, really is.

        Raises:
            CustomerError: it is outside `/opt/ml`, which only a container of its own has for itself.
        """
        if self.base == Path("/opt/ml"):
            return Path(path)
        inside = PurePosixPath(os.path.normpath(path))
        if not inside.is_relative_to("/opt/ml"):
            raise CustomerError(f"The path {path} is not supported by Preflight without Docker; use one below /opt/ml.")
        return self.base / inside.relative_to("/opt/ml")

    def shown(self, path: Path) -> str:
        """The path as it is inside a SageMaker container, for messages that a person reads."""
        return f"/opt/ml/{path.relative_to(self.base)}" if path.is_relative_to(self.base) else str(path)
