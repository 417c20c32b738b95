"""A folder whose files are replaced all together or not at all."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_prep.errors import DataError

SCHEMA_NAME = "schema.json"
_STAGING = ".preparing-"


@contextmanager
def replaced_files(folder: Path) -> Iterator[Path]:
    """A staging folder inside `folder`; its files take their places in `folder` when the block ends well.

    If it does not, `folder` stays as it was. schema.json goes first and comes back last, so even a crash in between
    leaves no mixture that looks complete. Raises DataError if the folder cannot be used.
    """
    created = _create(folder)
    lock = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(f"{folder} is being written by another data_prep right now.") from None
        for left_over in folder.glob(f"{_STAGING}*"):  # of a run that was killed
            shutil.rmtree(left_over, ignore_errors=True)
        staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=folder))
        try:
            yield staging
            _move(staging, folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except BaseException:
        _remove_empty(created)
        raise
    finally:
        os.close(lock)


def _create(folder: Path) -> list[Path]:
    """Create the folder and return what had to be created, the innermost first."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise DataError(f"{folder} is a file; --output names a folder.") from None
    except OSError as error:
        raise DataError(f"{folder} cannot be created: {error.strerror}.") from error
    if not os.access(folder, os.W_OK):
        raise DataError(f"{folder} cannot be written: permission denied.")
    return missing


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:  # somebody put something there meanwhile
            return


def _move(staging: Path, folder: Path) -> None:
    (folder / SCHEMA_NAME).unlink(missing_ok=True)
    for path in sorted(staging.iterdir(), key=lambda path: path.name == SCHEMA_NAME):
        path.replace(folder / path.name)
