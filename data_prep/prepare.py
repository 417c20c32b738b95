"""The two passes over a table: first the medians of the training rows, then every row encoded and written."""

import csv
import json
import math
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TextIO

from data_prep.encoder import Encoder, EncodingError, format_row, read_value
from data_prep.errors import DataError
from data_prep.files import Side
from data_prep.median import Median
from data_prep.output import replaced_files
from data_prep.schema import Description, with_medians
from data_prep.table import Table

Split = Literal["train", "test"]
SPLITS: tuple[Split, Split] = ("train", "test")
OnBytes = Callable[[int], None]
_MEMO_LIMIT = 10_000  # texts remembered for each column; a table's values repeat


@dataclass(frozen=True)
class Source:
    """Where the rows come from: one table that is split by ``seed``, or one for each side.

    ``name`` is what people are told; ``generated`` says that nobody flew. ``rows_before`` it are in the table that this
    is a part of.
    """

    tables: Mapping[Side, Table]
    name: str
    generated: bool = False
    seed: int = 1
    test_fraction: float = 0.2
    rows_before: int = 0

    @property
    def size_bytes(self) -> int:
        return sum(table.size_bytes for table in self.tables.values())

    def rows(self, on_bytes: OnBytes) -> Iterator[tuple[Split, Table, int, list[str]]]:
        """Every row with its side, table and line; the same sides on every pass."""
        draw = random.Random(self.seed).random
        for _ in range(self.rows_before):
            draw()
        for side, table in self.tables.items():
            for line, cells in table.rows(on_bytes):
                split: Split = ("test" if draw() < self.test_fraction else "train") if side == "both" else side
                yield split, table, line, cells

    def table_of(self, split: Split) -> Table:
        return self.tables["both"] if "both" in self.tables else self.tables[split]


@dataclass
class Labels:
    """The labels of one side: how many rows are of each class, and the bounds of all."""

    counts: Counter[float] = field(default_factory=Counter)
    lowest: float = math.inf
    highest: float = -math.inf

    def add(self, label: float, *, is_class: bool) -> None:
        if is_class:
            self.counts[label] += 1
        self.lowest, self.highest = min(self.lowest, label), max(self.highest, label)


@dataclass
class Summary:
    """What came out. ``rows`` and ``labels`` are by side; ``nulls`` is how many cells the medians filled."""

    feature_names: list[str]
    rows: dict[Split, int] = field(default_factory=lambda: {"train": 0, "test": 0})
    labels: dict[Split, Labels] = field(default_factory=lambda: {"train": Labels(), "test": Labels()})
    nulls: int = 0


def prepare(source: Source, description: Description, output: Path, on_bytes: OnBytes) -> Summary:
    """Write train_aws.csv, test_aws.csv, test_raw.csv and schema.json to ``output``; all of them or none.

    A generated sample is kept there too, as sample.csv.

    Memory does not grow with the number of rows. ``on_bytes`` is told of every byte read, twice the source's size.

    Raises:
        DataError: a file cannot be used; the text names file, line and column.
    """
    with replaced_files(output) as folder:
        medians = _medians(source, description, on_bytes)
        schema = with_medians(description, medians, source=source.name, generated=source.generated)
        summary = encode_rows(source, schema, folder, on_bytes)
        for split in SPLITS:
            if not summary.rows[split]:
                raise _no_rows(str(source.table_of(split).file), split)
        file = source.table_of("train").file
        require_something_to_learn(str(file), description["label"], summary.rows, summary.labels["train"])
        schema["rows"] = summary.rows
        if source.generated:
            shutil.copyfile(source.table_of("train").file.path, folder / "sample.csv")
        (folder / "schema.json").write_text(json.dumps(schema, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return summary


def count_values(source: Source, description: Description, counters: Mapping[str, Median], on_bytes: OnBytes) -> int:
    """Add every value of the training rows to its column's counter. Returns how many rows there were.

    Raises DataError as ``prepare`` does.
    """
    columns = {column["name"]: column for column in description["columns"]}
    places = {table.file: [(name, table.header.index(name)) for name in columns] for table in source.tables.values()}
    known: dict[str, dict[str, float | None]] = {name: {} for name in columns}
    rows = 0
    for split, table, line, cells in source.rows(on_bytes):
        if split == "test":
            continue
        rows += 1
        for name, place in places[table.file]:
            text, memo = cells[place], known[name]
            if text not in memo:
                if len(memo) >= _MEMO_LIMIT:
                    memo.clear()
                memo[text] = _value(text, columns[name], table, line)
            if (number := memo[text]) is not None:
                counters[name].add(number)
    return rows


def _medians(source: Source, description: Description, on_bytes: OnBytes) -> dict[str, float]:
    medians: dict[str, float] = {}
    with ExitStack() as stack:
        counters = {column["name"]: stack.enter_context(Median()) for column in description["columns"]}
        if not count_values(source, description, counters, on_bytes):
            raise _no_rows(str(source.table_of("train").file), "train")
        for name, counter in counters.items():
            median = counter.result()
            if median is None:
                file = source.table_of("train").file
                raise DataError(f"{file}, column '{name}': no training row has a value, so there is no median.")
            medians[name] = median
    return medians


def _value(text: str, column: Mapping[str, Any], table: Table, line: int) -> float | None:
    try:
        return read_value(text, column)
    except EncodingError as error:
        raise _located(error, table, line) from None


def encode_rows(
    source: Source, schema: Mapping[str, Any], folder: Path, on_bytes: OnBytes, *, with_header: bool = True
) -> Summary:
    """Write train_aws.csv, test_aws.csv and test_raw.csv; the last ``with_header``, or without. Raises DataError."""
    encoder = Encoder(schema)
    summary = Summary(encoder.feature_names)
    names = [column["name"] for column in schema["columns"]]
    places = {
        table.file: (table.header.index(schema["label"]["column"]), [table.header.index(name) for name in names])
        for table in source.tables.values()
    }
    with ExitStack() as stack:

        def create(name: str) -> TextIO:
            return stack.enter_context((folder / name).open("w", encoding="utf-8", newline=""))

        aws: dict[Split, TextIO] = {"train": create("train_aws.csv"), "test": create("test_aws.csv")}
        raw = csv.writer(create("test_raw.csv"), lineterminator="\n")
        if with_header:
            raw.writerow(source.table_of("test").raw_header)
        for split, table, line, cells in source.rows(on_bytes):
            label_place, feature_places = places[table.file]
            texts = [cells[place] for place in feature_places]
            try:
                label = encoder.encode_label(cells[label_place])
                features = encoder.encode_texts(texts)
            except EncodingError as error:
                raise _located(error, table, line) from None
            aws[split].write(f"{format_row([label])},{features}\n")
            if split == "test":
                raw.writerow(cells)
            summary.rows[split] += 1
            summary.labels[split].add(label, is_class=schema["label"]["kind"] != "regression")
            summary.nulls += sum(not text.strip() for text in texts)
    return summary


def _located(error: EncodingError, table: Table, line: int) -> DataError:
    column = f", column '{error.field}'" if error.field else ""
    return DataError(f"{table.file}, line {line}{column}: {error}")


def _no_rows(file: str, split: Split) -> DataError:
    return DataError(f"{file}: no row below the header is for the {split} file.")


def require_something_to_learn(file: str, label: Mapping[str, Any], rows: Mapping[Split, int], labels: Labels) -> None:
    """``labels`` are of the training rows. Raises DataError if a side has no rows, or all have one label."""
    for split in SPLITS:
        if not rows[split]:
            raise _no_rows(file, split)
    if labels.lowest == labels.highest:
        only = label["classes"][int(labels.lowest)] if label["classes"] else f"{labels.lowest:g}"
        needed = "other values are needed" if label["kind"] != "binary" else "both values are needed"
        raise DataError(f"{file}, column '{label['column']}': every training row is {only!r}; {needed}.")
