"""Requests to show and to try: one held-out row, raw and encoded, and what the API must refuse."""

import csv
from dataclasses import dataclass
from typing import Any, Self

from aws.dataset import Dataset
from aws.errors import InputError


@dataclass(frozen=True)
class Example:
    """One row of the held-out data in both forms that the function takes.

    ``key`` is what a raw row goes under, and ``result`` what its prediction comes back under.
    """

    key: str
    result: str
    row: dict[str, str]
    features: str

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """The first held-out row. Raises ``InputError`` if there is none."""
        try:
            with (dataset.folder / "test_raw.csv").open(newline="", encoding="utf-8-sig") as file:
                raw = {name.strip(): value for name, value in next(csv.DictReader(file)).items()}
            with dataset.test_path.open(newline="", encoding="utf-8") as file:
                features = ",".join(next(csv.reader(file))[1:])
        except (OSError, StopIteration) as error:
            raise InputError(f"{dataset.folder} has no held-out rows. Run `python -m data_prep` again.") from error
        schema = dataset.schema
        return cls(key=schema.key, result=schema.result, row=schema.body(raw)[schema.key], features=features)

    @property
    def raw_body(self) -> dict[str, Any]:
        return {self.key: self.row}

    @property
    def encoded_body(self) -> dict[str, str]:
        return {"data": self.features}
