"""schema.json: what the columns became, enough to encode one raw record later.

First it is a description of the table, by its configuration alone; the medians make a schema of it. Standard library
only, like all that works on rows: a description is enough to prepare a table where pydantic is not.
"""

from collections.abc import Mapping
from typing import Any, Literal

Features = Literal["ordinal", "engineered"]
Description = Mapping[str, Any]


def with_medians(
    description: Description, medians: Mapping[str, float], *, source: str, generated: bool
) -> dict[str, Any]:
    """The schema of a table. ``medians`` are of the training rows, by column; ``source`` is shown to people."""
    origin = {"source": source, "generated": generated}
    columns = [_with_median(column, medians[column["name"]]) for column in description["columns"]]
    return {"version": description["version"], **origin, **description, "columns": columns}


def _with_median(column: Mapping[str, Any], median: float) -> dict[str, Any]:
    # The median of an even number of ordered values may lie between two of them; the lower one is a value.
    return {**column, "median": float(int(median)) if column["kind"] == "category" else median}


def needed_columns(description: Description) -> list[str]:
    """The columns that a table must have."""
    return [*(column["name"] for column in description["columns"]), description["label"]["column"]]


def feature_names(column: Mapping[str, Any]) -> list[str]:
    """What a column's encodings make of it."""
    values = column.get("values") or range(column.get("highest", 0) + 1)
    names: list[str] = []
    for encoding in column["encodings"]:
        if encoding == "one_hot":
            names += [f"{column['name']}={value}" for value in values]
        else:
            names.append(column["name"] if encoding == "value" else f"{encoding}({column['name']})")
    return names
