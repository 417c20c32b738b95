"""The folder that data_prep wrote, seen from here: files to upload and a schema."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from aws.errors import InputError
from aws.schema import Schema


@dataclass(frozen=True)
class Dataset:
    """Prepared data: ``train_aws.csv``, ``test_aws.csv``, ``test_raw.csv``, ``schema.json``."""

    folder: Path
    document: dict[str, Any]
    schema: Schema

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open a folder of data_prep. Raises ``InputError`` if something is missing or is no schema."""
        for name in ("train_aws.csv", "test_aws.csv", "test_raw.csv", "schema.json"):
            if not (folder / name).is_file():
                raise InputError(
                    f"{folder / name} is missing. Run `python -m data_prep` first, or give its output with --data."
                )
        try:
            document = json.loads((folder / "schema.json").read_text(encoding="utf-8"))
            schema = Schema.of(document)
            names = document["feature_names"]
            assert isinstance(names, list) and names
        except (ValueError, KeyError, TypeError, AssertionError) as error:
            raise InputError(
                f"{folder / 'schema.json'} is not a schema of data_prep. Run `python -m data_prep` again."
            ) from error
        return cls(folder, document, schema)

    def keep_held_out(self, folder: Path) -> None:
        """Copy what is needed to ask a deployment of these data: the schema, and the held-out rows in both forms."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("schema.json", "test_aws.csv", "test_raw.csv"):
            shutil.copyfile(self.folder / name, folder / name)

    @property
    def train_path(self) -> Path:
        return self.folder / "train_aws.csv"

    @property
    def test_path(self) -> Path:
        return self.folder / "test_aws.csv"

    @property
    def schema_path(self) -> Path:
        return self.folder / "schema.json"

    @property
    def feature_dim(self) -> int:
        """The number of features of a row, without the label."""
        return len(self.document["feature_names"])

    @property
    def source(self) -> str:
        """Where the rows came from: a file's name, or ``generated sample``."""
        return str(self.document.get("source", "unknown"))

    @property
    def is_generated(self) -> bool:
        return bool(self.document.get("generated", False))
