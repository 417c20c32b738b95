"""Where the bytes of a table are: in a CSV file, in one packed by gzip, or inside a zip archive such as Kaggle's."""

import gzip
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, cast

from data_prep.errors import DataError

Side = Literal["train", "test", "both"]
SIDES: tuple[Side, Side] = ("train", "test")
UNPACKING_ERRORS = (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""What the standard library raises for damaged archives, and for encrypted ones."""


@dataclass(frozen=True)
class CsvFile:
    """A table's bytes; as text, what people are told of it, or ``shown``. ``member`` is its name in a zip archive."""

    path: Path
    member: str = ""
    shown: str = ""

    def __str__(self) -> str:
        if self.shown:
            return self.shown
        return f"{self.path}, {self.member}" if self.member else str(self.path)

    @property
    def size_bytes(self) -> int:
        """Of what ``open`` counts through: of a gzip file packed, of a member unpacked."""
        if not self.member:
            return self.path.stat().st_size
        with zipfile.ZipFile(self.path) as archive:
            return archive.getinfo(self.member).file_size

    @contextmanager
    def open(self) -> Iterator[tuple[IO[bytes], Callable[[], int]]]:
        """The unpacked bytes, never all of them in memory; and what tells how far they have been read."""
        if self.member:
            with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as unpacked:
                yield unpacked, unpacked.tell
            return
        with self.path.open("rb") as file:
            if self.path.suffix == ".gz":
                with gzip.GzipFile(fileobj=file) as unpacked_file:
                    yield cast(IO[bytes], unpacked_file), file.tell
            else:
                yield file, file.tell


def csv_files(path: Path) -> dict[Side, CsvFile]:
    """The tables at ``path``: ``train`` and ``test`` of a folder or archive that has both, else ``both`` in one.

    Raises:
        DataError: there is nothing, or not these.
    """
    if path.is_dir():
        return {side: CsvFile(_in_folder(path, side)) for side in SIDES}
    if not path.exists():
        raise DataError(f"{path} is not there.")
    if not path.is_file():
        raise DataError(f"{path} is not a file.")
    return _in_archive(path) if path.suffix == ".zip" else {"both": CsvFile(path)}


def _in_folder(folder: Path, side: str) -> Path:
    for name in (f"{side}.csv", f"{side}.csv.gz"):
        if (folder / name).is_file():
            return folder / name
    raise DataError(f"{folder} has no {side}.csv; a folder needs train.csv and test.csv.")


def _in_archive(path: Path) -> dict[Side, CsvFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".csv") and "__MACOSX/" not in name]
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{path} cannot be read as a zip archive: {error}.") from error
    sides = {side: [name for name in names if name.rpartition("/")[2] == f"{side}.csv"] for side in SIDES}
    if all(len(found) == 1 for found in sides.values()):
        return {side: CsvFile(path, found[0]) for side, found in sides.items()}
    if len(names) == 1:
        return {"both": CsvFile(path, names[0])}
    held = ", ".join(names[:5]) or "no CSV file"
    raise DataError(f"{path} holds {held}: it needs one CSV file, or train.csv and test.csv.")
