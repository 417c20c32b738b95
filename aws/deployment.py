"""The record of what is deployed, ``build/<project>/<place>/deployment.json``: written by deploy, read by predict.

Beside it are the schema and the held-out rows of the data that was deployed, so that data prepared anew, for another
stack or another try, is not mistaken for it.
"""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ValidationError

from aws.errors import InputError
from aws.target import deploy_command, place
from aws.wanted import Auth


def record_path(build_folder: Path, project: str, target_name: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Where the record of a project is: one for each stack, one for AWS."""
    return build_folder / project / place(target_name, environ) / "deployment.json"


def held_out_folder(record: Path) -> Path:
    """Where the schema and the held-out rows of what is deployed are."""
    return record.parent / "held-out"


class Deployment(BaseModel):
    """Names and addresses of one deployment; enough to use it and to take it down."""

    project: str
    target: str
    account: str
    region: str
    algorithm: str
    source: str
    generated: bool
    data: str
    bucket: str
    training_job_name: str
    model_name: str
    endpoint_config_name: str
    endpoint_name: str
    function_name: str
    rest_api_id: str
    api_url: str
    auth: Auth
    api_key_id: str | None
    asynchronous: bool = False
    metrics: dict[str, float]

    @classmethod
    def read(cls, path: Path, target_name: str) -> Self:
        """Read a record of a target. Raises ``InputError`` when there is none or it is not one."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError as error:
            raise InputError(
                f"{path} is missing: nothing is deployed there yet. Run `{deploy_command(target_name)}`."
                f"{_elsewhere(path)}"
            ) from error
        except (OSError, ValidationError) as error:
            raise InputError(
                f"{path} is not readable as a record. Run `{deploy_command(target_name)}` again."
            ) from error

    @classmethod
    def find(cls, path: Path) -> Self | None:
        """The record if there is a readable one."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            return None

    def write(self, path: Path) -> None:
        """Replace the record in one move: a reader sees the old one or the new one, never half of one."""
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".deployment-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(self.model_dump_json(indent=2) + "\n")
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def _elsewhere(path: Path) -> str:
    """Where the project is deployed, if not here."""
    places = sorted(record.parent.name for record in path.parent.parent.glob(f"*/{path.name}"))
    return f" The project's other records: {', '.join(places)}." if places else ""
