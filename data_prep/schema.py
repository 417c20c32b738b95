"""schema.json: what the columns became, enough to encode one raw record later."""

from collections.abc import Mapping
from typing import Any, Literal

from data_prep.config import Category, Column, DataConfig

Features = Literal["ordinal", "engineered"]
VERSION = 1


def build_schema(
    config: DataConfig, features: Features, medians: Mapping[str, float], *, source: str, generated: bool
) -> dict[str, Any]:
    """The schema of a table. ``medians`` are of the training rows, by column; ``source`` is shown to people."""
    columns = [_column(column, features, medians) for column in config.columns]
    return {
        "version": VERSION,
        "source": source,
        "generated": generated,
        "features": features,
        "feature_names": [name for column in columns for name in _feature_names(column)],
        "label": config.label.model_dump() | {"classes": config.label.classes},
        "request": config.request.model_dump(),
        "ignored": config.ignored,
        "columns": columns,
    }


def _column(column: Column, features: Features, medians: Mapping[str, float]) -> dict[str, Any]:
    described = column.model_dump(exclude={"engineered"})
    described["encodings"] = list(column.engineered) if features == "engineered" else ["value"]
    # The median of an even number of ordered values may lie between two of them; the lower one is a value.
    median = medians[column.name]
    described["median"] = float(int(median)) if isinstance(column, Category) else median
    return described


def _feature_names(column: Mapping[str, Any]) -> list[str]:
    values = column.get("values") or range(column.get("highest", 0) + 1)
    names: list[str] = []
    for encoding in column["encodings"]:
        if encoding == "one_hot":
            names += [f"{column['name']}={value}" for value in values]
        else:
            names.append(column["name"] if encoding == "value" else f"{encoding}({column['name']})")
    return names
