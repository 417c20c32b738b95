"""One raw record to the numbers a model reads: the same code when training and when serving.

Standard library only, and nothing but a schema to go by: ``data_prep`` uses it on every row, and the Lambda's zip
holds this file and the ``schema.json`` that data_prep wrote, so that both sides encode alike.

A schema's column says how it is read (``kind``) and which features come of it (``encodings``):

=========  ==========================================================================================
kind       read as
=========  ==========================================================================================
number     a finite number within ``minimum`` and ``maximum``; null or empty is the ``median``
rating     a whole number from 0 to ``highest``; null or empty is the ``median``
category   one of ``values``, as its place in them, from 0; null or empty is the ``median`` place
=========  ==========================================================================================

Encodings: ``value`` (as read), ``log1p``, ``one_hot`` (one feature for each value).
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

_MEMO_LIMIT = 10_000  # texts remembered for each column; a table's values repeat


class EncodingError(ValueError):
    """A record cannot be encoded. ``field`` is the column at fault, or None if it is the record as a whole."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class Encoder:
    """Encodes records of one schema."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.feature_names: list[str] = list(schema["feature_names"])
        self._columns = [_Column(column) for column in schema["columns"]]
        label = schema["label"]
        self._label_column: str = label["column"]
        self._labels = {value: number for number, value in enumerate(label["classes"])}  # none for a number
        self._known = {column.name for column in self._columns} | {self._label_column, *schema["ignored"]}

    def encode(self, record: Mapping[str, Any]) -> list[float]:
        """The features of one raw record, in the order of ``feature_names``.

        Values are numbers or the text of a CSV. Ignored columns and the label may be there or not.

        Raises:
            EncodingError: a column is missing, unknown, or holds what it cannot; the sentence names it.
        """
        if not isinstance(record, Mapping):
            raise EncodingError("A record must be an object with one value for each column.")
        for name in record:
            if name not in self._known:
                raise EncodingError(f"{name!r} is not a column of this table.", str(name))
        features: list[float] = []
        for column in self._columns:
            if column.name not in record:
                raise EncodingError(f"{column.name!r} is missing.", column.name)
            features += column.encode(record[column.name])
        return features

    def encode_texts(self, texts: Iterable[str]) -> str:
        """One line of CSV from the raw texts of the columns, in the schema's order: ``encode`` for whole tables."""
        return ",".join([column.encode_text(text) for column, text in zip(self._columns, texts, strict=True)])

    def encode_label(self, value: object) -> float:
        """The number of a class (of two: 1 for the positive one), or the number itself. Raises EncodingError."""
        if not self._labels:
            return _read_number(value, {"name": self._label_column, "kind": "number", "minimum": None, "maximum": None})
        label = self._labels.get(str(value).strip())
        if label is None:
            known = ", ".join(map(repr, self._labels))
            raise EncodingError(f"{value!r} is not a known label; known are {known}.", self._label_column)
        return label


def format_row(values: Iterable[float]) -> str:
    """CSV text of one record's features; whole numbers without a decimal point."""
    return ",".join([_format(value) for value in values])


def read_value(value: object, column: Mapping[str, Any]) -> float | None:
    """``value`` (a number, or text) as its column reads it; None for a null or empty one.

    Raises:
        EncodingError: it is not what the column holds.
    """
    if isinstance(value, str):
        value = value.strip()
    if value is None or value == "":
        return None
    return _read_category(value, column) if column["kind"] == "category" else _read_number(value, column)


def _read_category(value: object, column: Mapping[str, Any]) -> float:
    values: list[str] = column["values"]
    if isinstance(value, bool) or str(value) not in values:
        known = ", ".join(map(repr, values))
        raise EncodingError(f"{column['name']!r} must be one of {known}, not {_shown(value)}.", column["name"])
    return float(values.index(str(value)))


def _read_number(value: object, column: Mapping[str, Any]) -> float:
    name = column["name"]
    if isinstance(value, bool) or not isinstance(value, int | float | str) or "_" in str(value):
        raise EncodingError(f"{name!r} must be a number, not {_shown(value)}.", name)
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise EncodingError(f"{name!r} must be a number, not {_shown(value)}.", name) from None
    if not math.isfinite(number):
        raise EncodingError(f"{name!r} must be a finite number, not {_shown(value)}.", name)
    low, high = (0, column["highest"]) if column["kind"] == "rating" else (column["minimum"], column["maximum"])
    if column["kind"] == "rating" and not number.is_integer():
        raise EncodingError(f"{name!r} must be a whole number from {low} to {high}, not {_shown(value)}.", name)
    if (low is not None and number < low) or (high is not None and number > high):
        raise EncodingError(f"{name!r} must be {_bounds(low, high)}, not {_shown(value)}.", name)
    return number


def _bounds(low: float | None, high: float | None) -> str:
    if low is None:
        return f"{high:g} or less"
    return f"{low:g} or more" if high is None else f"from {low:g} to {high:g}"


class _Column:
    """One column, compiled: its reader, its encodings, and the texts it has seen."""

    def __init__(self, column: Mapping[str, Any]) -> None:
        self.name: str = column["name"]
        self._column = column
        count = len(column["values"]) if column["kind"] == "category" else column.get("highest", 0) + 1
        self._encodings: list[Callable[[float], list[float]]] = [_encoding(name, count) for name in column["encodings"]]
        self._memo: dict[str, str] = {}

    def encode(self, value: object) -> list[float]:
        number = read_value(value, self._column)
        if number is None:
            number = self._column["median"]
        return [feature for encoding in self._encodings for feature in encoding(number)]

    def encode_text(self, text: str) -> str:
        """``encode`` as CSV text, with the texts seen before remembered."""
        known = self._memo.get(text)
        if known is None:
            known = format_row(self.encode(text))
            if len(self._memo) < _MEMO_LIMIT:
                self._memo[text] = known
        return known


def _encoding(name: str, count: int) -> Callable[[float], list[float]]:
    if name == "one_hot":
        # A median may lie between two values; the nearest one stands for it.
        return lambda number: [float(place == round(number)) for place in range(count)]
    if name == "log1p":
        return lambda number: [math.log1p(number)]
    return lambda number: [number]


def _format(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _shown(value: object) -> str:
    text = "null" if value is None else repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
