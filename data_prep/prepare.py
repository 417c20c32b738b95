"""The whole way of the data: look at every row once, then write every row once.

The first pass checks each value and counts, so that the medians of the training rows are known; the second encodes.
Neither keeps rows, so memory does not grow with the table.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Literal, Protocol

from data_prep.config import DataConfig
from data_prep.encoder import SCHEMA_VERSION, Encoder, EncodingError, column_reader, format_row
from data_prep.errors import DataError
from data_prep.median import MedianCounter
from data_prep.output import SCHEMA_NAME
from data_prep.table import OnBytes, Row, Table

Features = Literal["ordinal", "engineered"]


class Rows(Protocol):
    """Where rows come from. Iterating again gives the same rows, each as (is it a test row, table, row)."""

    name: str
    tables: list[Table]
    test_table: Table

    def __call__(self, on_bytes: OnBytes) -> Iterator[tuple[bool, Table, Row]]: ...


class SplitFile:
    """One CSV; each row is a test row with the probability `test_fraction`, drawn from `seed`."""

    def __init__(self, path: Path, config: DataConfig, *, seed: int, test_fraction: float) -> None:
        self.name = path.name
        self.test_table = Table(path, config)
        self.tables = [self.test_table]
        self._seed = seed
        self._test_fraction = test_fraction

    def __call__(self, on_bytes: OnBytes) -> Iterator[tuple[bool, Table, Row]]:
        draw = Random(f"split {self._seed}").random
        for row in self.test_table.rows(on_bytes):
            yield draw() < self._test_fraction, self.test_table, row


class SplitFolder:
    """A folder with train.csv and test.csv, as Kaggle has it: split already."""

    def __init__(self, path: Path, config: DataConfig) -> None:
        self.name = path.resolve().name
        self.tables = [Table(path / name, config) for name in ("train.csv", "test.csv")]
        self.test_table = self.tables[1]

    def __call__(self, on_bytes: OnBytes) -> Iterator[tuple[bool, Table, Row]]:
        for table in self.tables:
            for row in table.rows(on_bytes):
                yield table is self.test_table, table, row


@dataclass
class Survey:
    """What the first pass found. `labels` counts (is it a test row, 0 or 1); `nulls` counts by column."""

    medians: dict[str, float] = field(default_factory=dict)
    nulls: Counter[str] = field(default_factory=Counter)
    labels: Counter[tuple[bool, int]] = field(default_factory=Counter)

    def rows(self, *, test: bool) -> int:
        """How many rows are test rows, or training rows."""
        return self.labels[test, 0] + self.labels[test, 1]


def prepare(
    rows: Rows,
    config: DataConfig,
    output: Path,
    *,
    features: Features,
    generated: bool,
    report: Callable[[str], OnBytes],
) -> tuple[dict[str, Any], Survey]:
    """Write train_aws.csv, test_aws.csv, test_raw.csv and schema.json to `output`; return the schema and the survey.

    `report` is called with what each pass does, and gives what takes the bytes read. Raises DataError.
    """
    columns = [column.model_dump(exclude={"engineered"}, exclude_none=True) for column in config.columns]
    survey = _look(rows, columns, config, report("Checking"))
    _require_both_classes(rows, config, survey)
    engineered = features == "engineered"
    for column, declared in zip(columns, config.columns, strict=True):
        column["encodings"] = list(declared.engineered) if engineered else ["value"]
        column["median"] = survey.medians[declared.name]
    schema: dict[str, Any] = {
        "version": SCHEMA_VERSION,
        "source": "generated sample" if generated else rows.name,
        "generated": generated,
        "features": features,
        "feature_names": [],
        "label": config.label.model_dump(),
        "ignored": config.ignored,
        "columns": columns,
        "crosses": _crosses(columns, config.crossed_with) if engineered else [],
        "rows": {"train": survey.rows(test=False), "test": survey.rows(test=True)},
    }
    encoder = Encoder(schema)
    schema["feature_names"] = encoder.feature_names
    _write(rows, encoder, config, output, report("Encoding"))
    (output / SCHEMA_NAME).write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return schema, survey


def _look(rows: Rows, columns: list[dict[str, Any]], config: DataConfig, on_bytes: OnBytes) -> Survey:
    # A label needs no medians, so the encoder's own rule can check it before they are known.
    label = Encoder(_label_schema(config))
    survey = Survey()
    with ExitStack() as stack:
        counters = {column["name"]: stack.enter_context(closing(MedianCounter())) for column in columns}
        plans = {
            table: [
                (column["name"], table.header.index(column["name"]), column_reader(column), counters[column["name"]])
                for column in columns
            ]
            for table in rows.tables
        }
        positions = {table: table.header.index(config.label.column) for table in rows.tables}
        for is_test, table, (line, cells) in rows(on_bytes):
            try:
                for name, position, read, counter in plans[table]:
                    value = read(cells[position])
                    if value is None:
                        survey.nulls[name] += 1
                    elif not is_test:
                        counter.add(value)
                survey.labels[is_test, label.encode_label(cells[positions[table]])] += 1
            except EncodingError as error:
                raise DataError(f"{table.path}, line {line}: column {error}") from error
        for test, kind in ((False, "training"), (True, "test")):
            if not survey.rows(test=test):
                path = rows.tables[-1 if test else 0].path
                raise DataError(f"{path}: there is no {kind} row; {_advice(rows)}.")
        for column in columns:
            name = column["name"]
            if not counters[name].count:
                path = rows.tables[0].path
                raise DataError(f"{path}: column '{name}' is empty in all training rows; it has no median to fill in.")
            survey.medians[name] = counters[name].median(discrete=column["kind"] != "number")
    return survey


def _write(rows: Rows, encoder: Encoder, config: DataConfig, output: Path, on_bytes: OnBytes) -> None:
    label = config.label.column
    with (
        (output / "train_aws.csv").open("w", encoding="utf-8", newline="") as train,
        (output / "test_aws.csv").open("w", encoding="utf-8", newline="") as test,
        (output / "test_raw.csv").open("w", encoding="utf-8", newline="") as raw,
    ):
        raw.write(_csv_line(rows.test_table.raw_header))
        for is_test, table, (line, cells) in rows(on_bytes):
            record = dict(zip(table.header, cells, strict=True))
            try:
                text = f"{encoder.encode_label(record[label])},{format_row(encoder.encode(record))}\n"
            except EncodingError as error:
                raise DataError(f"{table.path}, line {line}: column {error}") from error
            if is_test:
                test.write(text)
                raw.write(_csv_line(cells))
            else:
                train.write(text)


def _csv_line(cells: list[str]) -> str:
    if any(character in cell for cell in cells for character in ',"\r\n'):
        cells = [f'"{cell.replace('"', '""')}"' for cell in cells]
    return ",".join(cells) + "\n"


def _label_schema(config: DataConfig) -> dict[str, Any]:
    return {"version": SCHEMA_VERSION, "columns": [], "crosses": [], "ignored": [], "label": config.label.model_dump()}


def _crosses(columns: list[dict[str, Any]], categories: list[str]) -> list[list[str]]:
    one_hot = [column["name"] for column in columns if "one_hot" in column["encodings"]]
    return [[name, category] for category in categories for name in one_hot if name != category]


def _require_both_classes(rows: Rows, config: DataConfig, survey: Survey) -> None:
    for label, name in ((0, config.label.negative), (1, config.label.positive)):
        if not survey.labels[False, label]:
            raise DataError(
                f"{rows.tables[0].path}: column '{config.label.column}' is never '{name}' in a training row; "
                "a model needs both classes to learn from."
            )


def _advice(rows: Rows) -> str:
    return "add rows" if len(rows.tables) > 1 else "add rows, or take another --test-fraction or --seed"
