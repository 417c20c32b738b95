"""What data_prep's schema.json says of a table, as far as a caller of the deployed URL needs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

Kind = Literal["binary", "multiclass", "regression"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Row = Mapping[str, str]


@dataclass(frozen=True)
class Schema:
    """``column`` is what is predicted: one of ``classes``, by their numbers, or a number where there are none.

    A row's ``columns`` are sent under ``key``, and its prediction comes back under ``result``.
    """

    column: str
    kind: Kind
    classes: tuple[str, ...]
    columns: tuple[str, ...]
    key: str
    result: str

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Of the content of schema.json. Raises KeyError, TypeError or ValueError if it is none."""
        label, request = document["label"], document["request"]
        if label["kind"] not in KINDS:
            raise ValueError(f"{label['kind']!r} is no kind of label")
        return cls(
            column=label["column"],
            kind=label["kind"],
            classes=tuple(label["classes"]),
            columns=tuple(column["name"] for column in document["columns"]),
            key=request["key"],
            result=request["result"],
        )

    def body(self, row: Row) -> dict[str, dict[str, str]]:
        """What to send for one raw row: its features."""
        return {self.key: {column: row[column] for column in self.columns}}

    def number_of(self, label: str) -> float:
        """The label of a raw row as the model knows it. Raises ValueError if it is none."""
        return float(self.classes.index(label.strip()) if self.classes else label)
