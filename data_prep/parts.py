"""A table in parts, so that several machines prepare it, and what comes out is what one machine makes of the whole.

First each part's values are counted (``gather``); then each part is encoded by the medians of all parts' training rows
(``encode``). Which rows are for testing is drawn in the order of the whole table: a part knows how many rows come
before it, and the line that it begins at. Put together in order, the parts' files are the whole's.
"""

import csv
import heapq
import io
import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from data_prep.errors import DataError
from data_prep.files import CsvFile
from data_prep.median import Median, median_of, read_pairs, write_pairs
from data_prep.prepare import SPLITS, Labels, Source, Split, count_values, encode_rows, require_something_to_learn
from data_prep.schema import Description, with_medians
from data_prep.table import Row, Table

COUNTS, FACTS = ".counts", ".json"  # what is gathered of a part: values and how often, column by column; the rest
ENCODED = ("train_aws.csv", "test_aws.csv", "test_raw.csv")


@dataclass(frozen=True)
class Part:
    """``rows_before`` it in the table, and the ``line`` (from 1) of the table that follows its own header."""

    name: str
    rows_before: int
    line: int


@dataclass(frozen=True)
class Parts:
    """All parts of the table ``source``, in order."""

    source: str
    parts: tuple[Part, ...]

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Parts":
        document = json.loads(path.read_text(encoding="utf-8"))
        return cls(document["source"], tuple(Part(**part) for part in document["parts"]))


def cut(table: Table, source: str, count: int, folder: Path) -> Parts:
    """Write the table's rows to ``count`` files in ``folder``, each with the header: reads it twice.

    Raises:
        DataError: the table cannot be used, or has fewer rows than that.
    """
    rows = sum(1 for _ in table.rows(lambda _: None))
    if rows < count:
        raise DataError(f"{table.file} has {rows} rows, which are too few for {count} parts.")
    folder.mkdir(parents=True, exist_ok=True)
    with table.file.open() as (binary, _), io.TextIOWrapper(binary, "utf-8-sig", newline="") as file:
        records = _records(file)
        _, header = next(records)
        header = header if header.endswith(("\n", "\r")) else f"{header}\n"
        parts = []
        for place in range(count):
            before = math.ceil(rows * place / count)
            size = math.ceil(rows * (place + 1) / count) - before
            taken = itertools.islice(records, size)
            line, first = next(taken)
            parts.append(Part(f"part-{place:05}.csv", before, line))
            with (folder / parts[-1].name).open("w", encoding="utf-8", newline="") as written:
                written.write(header)
                written.write(first)
                written.writelines(text for _, text in taken)
    return Parts(source, tuple(parts))


def _records(file: IO[str]) -> Iterator[tuple[int, str]]:
    """The line that each record starts at, and its text with the blank lines before it."""
    taken: list[str] = []

    def lines() -> Iterator[str]:
        for line in file:
            taken.append(line)
            yield line

    line = 1
    reader = csv.reader(lines(), strict=True)
    for cells in reader:
        if cells:
            yield line, "".join(taken)
            line += len(taken)
            taken.clear()


class _PartTable(Table):
    """A part, whose rows have the lines that they have in the table."""

    def __init__(self, path: Path, part: Part, source: str, description: Description) -> None:
        super().__init__(CsvFile(path, shown=source), description)
        self._lines_before = part.line - 2  # its own header is line 1

    def rows(self, on_bytes: Any) -> Iterator[Row]:
        for line, cells in super().rows(on_bytes):
            yield line + self._lines_before, cells


def _source(parts: Parts, part: Part, folder: Path, description: Description) -> Source:
    table = _PartTable(folder / part.name, part, parts.source, description)
    return Source({"both": table}, parts.source, rows_before=part.rows_before)


def here(parts: Parts, folder: Path) -> list[Part]:
    """The parts that are in ``folder``."""
    return [part for part in parts.parts if (folder / part.name).is_file()]


def gather(parts: Parts, part: Part, folder: Path, description: Description, output: Path) -> None:
    """Write to ``output`` how often the training rows of a part have each value, and what its labels are.

    Raises:
        DataError: the part cannot be used; the text names line and column of the whole table.
    """
    names = [column["name"] for column in description["columns"]]
    output.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        counters = {name: stack.enter_context(Median()) for name in names}
        count_values(_source(parts, part, folder, description), description, counters, lambda _: None)
        with (output / part.name).with_suffix(COUNTS).open("wb") as file:
            pairs = [write_pairs(file, counters[name].pairs()) for name in names]
    (output / part.name).with_suffix(FACTS).write_text(json.dumps(pairs), encoding="utf-8")


def medians(parts: Parts, gathered: Path, description: Description) -> dict[str, float]:
    """Of all parts' training rows, by column, as if they had been counted in one place.

    Raises:
        DataError: a column has no value in any training row.
    """
    found: dict[str, float] = {}
    with ExitStack() as stack:
        files, sizes = [], []
        for part in parts.parts:
            path = gathered / part.name
            files.append(stack.enter_context(path.with_suffix(COUNTS).open("rb")))
            sizes.append(json.loads(path.with_suffix(FACTS).read_text(encoding="utf-8")))
        for place, column in enumerate(description["columns"]):
            runs = []
            for file, pairs in zip(files, sizes, strict=True):
                start = sum(count for count, _ in pairs[:place])
                runs.append(read_pairs(file, start, start + pairs[place][0]))
            total = sum(pairs[place][1] for pairs in sizes)
            median = median_of(heapq.merge(*runs), total)
            if median is None:
                raise DataError(
                    f"{parts.source}, column '{column['name']}': no training row has a value, so there is no median."
                )
            found[column["name"]] = median
    return found


def encode(
    parts: Parts, part: Part, folder: Path, description: Description, found: Mapping[str, float], output: Path
) -> None:
    """Write a part's share of ``ENCODED``, each to the folder of ``output`` that has the whole file's name, and facts.

    The raw rows' header is the first part's. Raises DataError as ``gather`` does.
    """
    schema = with_medians(description, found, source=parts.source, generated=False)
    made = output / "made"
    made.mkdir(parents=True, exist_ok=True)
    source = _source(parts, part, folder, description)
    summary = encode_rows(source, schema, made, lambda _: None, with_header=part == parts.parts[0])
    for name in ENCODED:
        (output / name).mkdir(exist_ok=True)
        (made / name).rename(output / name / part.name)
    made.rmdir()
    labels = summary.labels["train"]
    facts = {"rows": summary.rows, "lowest": labels.lowest, "highest": labels.highest, "nulls": summary.nulls}
    (output / "facts").mkdir(exist_ok=True)
    (output / "facts" / part.name).with_suffix(FACTS).write_text(json.dumps(facts), encoding="utf-8")
    (output / "schema.json").write_text(json.dumps(schema, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def join(parts: Parts, made: Path, description: Description, output: Path) -> dict[Split, int]:
    """Put together what was made of all parts into ``output``, as one machine writes it. Returns the rows of each side.

    Raises:
        DataError: there is nothing to learn.
    """
    facts: Sequence[dict[str, Any]] = [
        json.loads((made / "facts" / part.name).with_suffix(FACTS).read_text(encoding="utf-8")) for part in parts.parts
    ]
    rows: dict[Split, int] = {side: sum(fact["rows"][side] for fact in facts) for side in SPLITS}
    labels = Labels(lowest=min(fact["lowest"] for fact in facts), highest=max(fact["highest"] for fact in facts))
    require_something_to_learn(parts.source, description["label"], rows, labels)
    schema = json.loads((made / "schema.json").read_text(encoding="utf-8")) | {"rows": rows}
    for name in ENCODED:
        with (output / name).open("wb") as whole:
            for part in parts.parts:
                with (made / name / part.name).open("rb") as share:
                    while piece := share.read(1 << 20):
                        whole.write(piece)
    (output / "schema.json").write_text(json.dumps(schema, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return rows
