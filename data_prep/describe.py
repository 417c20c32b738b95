"""``python -m data_prep.describe TABLE``: look at a table, and print a configuration with what is unsure as comments.

Standard library and click only: `preflight init` runs it where nothing else is installed.
"""

import json
import math
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from data_prep.errors import DataError, PrepError
from data_prep.files import csv_files
from data_prep.table import Table

MOST_VALUES = 50  # of a category
MOST_CLASSES = 100
MOST_NUMBERED_CLASSES = 20
MOST_REMEMBERED = 1_000
MOSTLY = 0.9
FEWEST_COUNTED = 10  # rows: fewer numbers in a row may be chance
USUAL_LABELS = ("label", "target", "class", "y", "outcome")
USUAL_POSITIVES = ("1", "1.0", "true", "yes", "y", "t", "positive")
ID_NAME = re.compile(r"(^|[^a-z])(id|uuid|guid)$|^(id|index)$", re.IGNORECASE)
DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([T ]\d|$)|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}([T ]\d|$)")


@dataclass
class Seen:
    """What one column holds. ``values`` counts texts, up to ``MOST_REMEMBERED`` of them."""

    name: str
    values: dict[str, int] = field(default_factory=dict)
    rows: int = 0
    numbers: int = 0
    whole: int = 0
    dates: int = 0
    empty: int = 0
    first_empty: int = 0
    lowest: float = math.inf
    highest: float = -math.inf
    counts_up: bool = True
    first_text: tuple[str, int] | None = None
    _before: float | None = None

    def add(self, text: str, line: int) -> None:
        text = text.strip()
        self.rows += 1
        if not text:
            self.empty += 1
            self.first_empty = self.first_empty or line
            self.counts_up = False
            return
        if text in self.values or len(self.values) < MOST_REMEMBERED:
            self.values[text] = self.values.get(text, 0) + 1
        number = _number(text)
        if number is None:
            self.dates += bool(DATE.match(text))
            self.first_text = self.first_text or (text, line)
            self.counts_up = False
            return
        self.numbers += 1
        self.whole += number == int(number)
        self.lowest, self.highest = min(self.lowest, number), max(self.highest, number)
        self.counts_up = self.counts_up and (self._before is None or number == self._before + 1)
        self._before = number

    @property
    def filled(self) -> int:
        return self.rows - self.empty

    @property
    def is_number(self) -> bool:
        return 0 < self.filled == self.numbers

    @property
    def is_whole(self) -> bool:
        return self.is_number and self.whole == self.numbers


@dataclass(frozen=True)
class Line:
    """A line of the configuration, and what its reader should know."""

    text: str
    note: str = ""

    def __str__(self) -> str:
        return f"{self.text}  # {self.note}" if self.note else self.text


def describe(path: Path, label: str | None, name: str, table_path: str) -> str:
    """The text of a preflight.toml for the table at ``path``.

    Raises:
        DataError: it is no table, or has nothing to predict.
    """
    tables = [Table(file) for file in csv_files(path).values()]
    seen = _look_at(tables)
    target = _label_of(tables[0], seen, label)
    lines = [_column(column) for column in seen if column is not target]
    columns = [line for line in lines if line.text.startswith("{")]
    ignored = [line for line in lines if not line.text.startswith("{")]
    if not columns:
        raise DataError(
            f"{path}: no column is left to predict '{target.name}' from. {'; '.join(map(str, ignored[:3]))}"
        )
    return "\n".join(
        [
            "# What the columns of the table are, as they were found. Where a comment stands, please look.",
            "",
            "[data]",
            f"table = {_text(table_path)}",
            "ignored = [",
            *(f"    {line.text},{f'  # {line.note}' if line.note else ''}" for line in ignored),
            "]",
            "columns = [",
            *(f"    {line.text},{f'  # {line.note}' if line.note else ''}" for line in columns),
            "]",
            "",
            *_label(tables[0], target, guessed=label is None),
            "",
            "[deploy]",
            f"name = {_text(name)}",
            "",
        ]
    )


def _look_at(tables: Sequence[Table]) -> list[Seen]:
    seen = [Seen(name) for name in _names(tables[0])]
    for table in tables:
        if table.header != tables[0].header:
            raise DataError(f"{table.file}, line 1: the columns are not those of {tables[0].file}.")
        for line, cells in table.rows(lambda _: None):
            for column, cell in zip(seen, cells, strict=True):
                column.add(cell, line)
    if not seen[0].rows:
        raise DataError(f"{tables[0].file} has no rows below its header.")
    return seen


def _names(table: Table) -> list[str]:
    header, where = table.header, f"{table.file}, line 1"
    if len(header) == 1:
        for separator, words in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
            if separator in header[0]:
                raise DataError(f"{where}: the columns are separated by {words}; save the table with commas.")
        raise DataError(f"{where}: the table has one column, '{header[0]}'; what to predict it from is missing.")
    if all(_number(name) is not None for name in header):
        raise DataError(f"{where}: these are numbers, not names of columns; put a header above them.")
    for name in header:
        if header.count(name) > 1:
            raise DataError(f"{where}: column '{name}' is there {header.count(name)} times.")
    return header


def _label_of(table: Table, seen: Sequence[Seen], wanted: str | None) -> Seen:
    by_name = {column.name: column for column in seen if column.name}
    if wanted is not None and wanted not in by_name:
        known = ", ".join(list(by_name)[:8])
        raise DataError(f"{table.file} has no column '{wanted}' to predict; it has {known}.")
    names = list(by_name)
    found = by_name[wanted or (names[0] if names[0].lower() in USUAL_LABELS else names[-1])]
    choose = "choose another with --label"
    if found.empty:
        where = f"{table.file}, line {found.first_empty}"
        raise DataError(f"{where}: '{found.name}' has no value and is to be predicted; remove such rows, or {choose}.")
    if len(found.values) == 1:
        raise DataError(f"{table.file}: '{found.name}' is always {next(iter(found.values))!r}; {choose}.")
    if not found.is_number and len(found.values) > MOST_CLASSES:
        raise DataError(f"{table.file}: '{found.name}' has too many different texts to be predicted; {choose}.")
    return found


def _column(column: Seen) -> Line:
    """``{ name = ... }``, or the name alone, which is left out."""
    name = _text(column.name)
    if reason := _unusable(column):
        return Line(name, reason)
    if column.is_number:
        note = ""
        if column.is_whole and column.lowest in (0, 1) and 2 <= column.highest <= 10 and len(column.values) > 2:
            highest = f"{column.highest:g}"
            note = f'whole, up to {highest}: kind = "rating", highest = {highest} if they are ratings'
        return Line(f'{{ name = {name}, kind = "number" }}', note)
    values = ", ".join(_text(value) for value in sorted(column.values))
    note = "an order, from low to high, helps" if len(column.values) > 2 else ""
    return Line(f'{{ name = {name}, kind = "category", values = [{values}] }}', note)


def _unusable(column: Seen) -> str:
    """Why a column is left out, in words; nothing if it is not."""
    if not column.name:
        return "it has no name"
    if not column.filled:
        return "it is empty"
    if len(column.values) == 1:
        return f"always {_text(next(iter(column.values)))}"
    all_differ = len(column.values) == min(column.filled, MOST_REMEMBERED)
    if column.counts_up and column.rows >= FEWEST_COUNTED:
        return "it counts the rows"
    if ID_NAME.search(column.name) and all_differ:
        return "an id: every row has its own"
    if column.dates == column.filled:
        return "dates: a model needs numbers made of them"
    if column.is_number:
        return ""
    if column.numbers > MOSTLY * column.filled and column.first_text:
        text, line = column.first_text
        return f"numbers but for {column.filled - column.numbers}, such as {_text(text)} in line {line}: empty these"
    if len(column.values) > MOST_VALUES or (all_differ and column.filled >= FEWEST_COUNTED):
        more = " or more" if len(column.values) == MOST_REMEMBERED else ""
        return f"texts, {len(column.values)}{more} different ones"
    return ""


def _label(table: Table, column: Seen, *, guessed: bool) -> Iterator[str]:
    yield "[data.label]"
    yield str(Line(f"column = {_text(column.name)}", "guessed: --label names another" if guessed else ""))
    classes = sorted(column.values, key=lambda text: (_number(text) or 0.0, text))
    if len(classes) == 2:
        positive, sure = _positive(column)
        negative = next(text for text in classes if text != positive)
        yield str(Line(f"positive = {_text(positive)}", "" if sure else "guessed: the rarer one"))
        yield f"negative = {_text(negative)}"
    elif column.is_number and not (column.is_whole and len(classes) <= MOST_NUMBERED_CLASSES):
        yield 'kind = "regression"'
    else:
        note = 'whole numbers taken for classes: kind = "regression", without classes, if they are amounts'
        yield str(Line('kind = "multiclass"', note if column.is_number else ""))
        yield f"classes = [{', '.join(map(_text, classes))}]"


def _positive(column: Seen) -> tuple[str, bool]:
    """The value that is 1, and whether it says so itself."""
    for text in column.values:
        if text.lower() in USUAL_POSITIVES:
            return text, True
    return min(column.values, key=lambda text: column.values[text]), False


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in text else None


def _text(text: str) -> str:
    """A basic string of TOML."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("table", type=click.Path(path_type=Path))
@click.option(
    "--label", help="The column to predict.  [default: the last, or the first if it is called label, target, class, y]"
)
@click.option("--name", default="preflight", help="The project's name.")
@click.option("--table-path", help="How the configuration names the table.  [default: as given]")
def main(table: Path, label: str | None, name: str, table_path: str | None) -> None:
    """Print a configuration for TABLE: kinds of columns, what is left out, the label; comments where it is unsure."""
    try:
        text = describe(table, label, name, table_path or str(table))
    except PrepError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
    click.echo(text, nl=False)


if __name__ == "__main__":
    main()
