"""Read a CSV file row by row, and say in one sentence where it is not one."""

import csv
import io
from collections.abc import Callable, Iterator
from typing import TextIO

from data_prep.errors import DataError
from data_prep.files import UNPACKING_ERRORS, CsvFile
from data_prep.schema import Description, needed_columns

LONGEST_LINE = 1_000_000  # characters; a longer one is no table, and must not fill the memory
ROWS_PER_REPORT = 5_000
_UNREADABLE = "\N{REPLACEMENT CHARACTER}"

Row = tuple[int, list[str]]
"""The line in the file that a row starts at (from 1), and its cells."""

OnBytes = Callable[[int], None]
"""Takes the number of bytes read since it was called last."""


class Table:
    """A CSV file: UTF-8, separated by commas, with a header. Reading it takes the memory of a few rows.

    `header` holds the names of the columns as they are used, `raw_header` as they are written. Without a
    `description` its columns may be any. Raises DataError if the file is missing, empty, or lacks or doubles a column
    that `description` names.
    """

    def __init__(self, file: CsvFile, description: Description | None = None) -> None:
        self.file = file
        self.size_bytes = file.size_bytes
        self.header: list[str] = []
        for _, cells in self._records():
            self.raw_header = cells
            self.header = [cell.strip() for cell in cells]
            break
        else:
            raise DataError(f"{file} is empty.")
        if description is not None:
            self._check_header(description)

    def rows(self, on_bytes: OnBytes) -> Iterator[Row]:
        """Every row below the header. Calls `on_bytes` now and then with the bytes read since the last call.

        Raises DataError at the first row that is not a row of this table.
        """
        records = self._records(on_bytes)
        next(records)
        width = len(self.header)
        for line, cells in records:
            if len(cells) != width:
                raise DataError(f"{self.file}, line {line}: {self._ragged(cells)}.")
            yield line, cells

    def _records(self, on_bytes: OnBytes = lambda _: None) -> Iterator[Row]:
        """Every record of the file that is not blank, the header first."""
        line, reported = 1, 0
        try:
            with self.file.open() as (binary, position_of), io.TextIOWrapper(binary, "utf-8-sig", newline="") as file:
                reader = csv.reader(self._lines(file), strict=True)
                for count, cells in enumerate(reader):
                    if cells:
                        yield line, cells
                    line = reader.line_num + 1
                    if count % ROWS_PER_REPORT == 0:
                        position = position_of()
                        on_bytes(position - reported)
                        reported = position
                on_bytes(self.size_bytes - reported)
        except UnicodeDecodeError as error:
            raise DataError(self._not_utf8()) from error
        except csv.Error as error:
            raise DataError(f"{self.file}, line {line}: {_csv_problem(error)}.") from error
        except UNPACKING_ERRORS as error:
            raise DataError(f"{self.file} cannot be unpacked: {error}.") from error
        except OSError as error:
            raise DataError(f"{self.file} cannot be read: {error.strerror or error}.") from error

    def _lines(self, file: TextIO) -> Iterator[str]:
        number = 0
        while line := file.readline(LONGEST_LINE):
            number += 1
            if len(line) == LONGEST_LINE:
                raise DataError(f"{self.file}, line {number}: the line is longer than {LONGEST_LINE:,} characters.")
            yield line

    def _check_header(self, description: Description) -> None:
        needed = needed_columns(description)
        missing = [name for name in needed if name not in self.header]
        where = f"{self.file}, line 1"
        if missing:
            separator = _other_separator(self.header, needed)
            if separator:
                raise DataError(f"{where}: the columns are separated by {separator}; save the table with commas.")
            others = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
            verb = "are" if others else "is"
            raise DataError(
                f"{where}: column '{missing[0]}'{others} {verb} missing. "
                "A table with other columns needs a --config of its own (docs/data.md)."
            )
        for name in self.header:
            if self.header.count(name) > 1:
                raise DataError(f"{where}: column '{name}' is there {self.header.count(name)} times.")
            if name not in needed and name not in description["ignored"]:
                raise DataError(f"{where}: column '{name}' is not declared; add it to the columns or to `ignored`.")

    def _ragged(self, cells: list[str]) -> str:
        width = len(self.header)
        cells_in_words = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
        if len(cells) < width:
            return f"the row has {cells_in_words} and ends before column '{self.header[len(cells)]}' (of {width})"
        return f"the row has {cells_in_words}, {len(cells) - width} more after its last column '{self.header[-1]}'"

    def _not_utf8(self) -> str:
        """Find the spot again, byte by byte: the decoder only knows its place within a block."""
        header: list[str] = []
        with self.file.open() as (file, _):
            for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), b""), start=1):
                cells = line.decode("utf-8", errors="replace").strip().split(",")
                header = header or cells
                try:
                    line.decode("utf-8")
                except UnicodeDecodeError:
                    names = [name for name, cell in zip(header, cells, strict=False) if _UNREADABLE in cell]
                    is_plain = number > 1 and b'"' not in line  # in quotes, a comma separates nothing
                    column = f", column '{names[0]}'" if is_plain and names else ""
                    return f"{self.file}, line {number}{column}: not UTF-8 text; save the table as UTF-8."
        return f"{self.file} is not UTF-8 text; save the table as UTF-8."


def _csv_problem(error: csv.Error) -> str:
    if "unexpected end of data" in str(error) or "field larger" in str(error):
        return "a quoted cell starts here and is never closed"
    if "expected after" in str(error):
        return "a quoted cell goes on after its closing quote"
    return f"not a row of a CSV ({error})"


def _other_separator(header: list[str], needed: list[str]) -> str | None:
    """The separator that would make the header right, in words."""
    text = ",".join(header)
    for separator, words in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        found = {name.strip().strip('"') for name in text.split(separator)}
        if len(found.intersection(needed)) > len(set(header).intersection(needed)):
            return words
    return None
