"""A function's code on this machine's disk: its own, its layers', and a folder whose code is still being written."""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from localstack.services.lambda_.invocation.lambda_models import ArchiveCode, S3Code
from localstack.utils.archives import get_unzipped_size

from preflight.unpacking import UnpackError, unpack_zip

UNZIPPED_LIMIT_BYTES = 262_144_000  # of a function with its layers
_NOT_CODE = ("__pycache__", ".git", ".venv")


class CodeProblem(Exception):
    """A .zip file that cannot be a function's code, or a layer; the text says why."""


def unpack(archive: str | Path, folder: str | Path, overwrite: bool = True) -> None:
    """Unpack a .zip file into ``folder`` and nowhere else; in the place of LocalStack's ``unzip``.

    Raises:
        CodeProblem
    """
    try:
        unpack_zip(Path(archive), Path(folder), max_bytes=UNZIPPED_LIMIT_BYTES)
    except UnpackError as error:
        raise CodeProblem(f"Could not unzip the code: {error}") from error


def unpack_layers(layers: Iterable[S3Code], folder: Path, *, code: Path) -> None:
    """Make ``folder`` what /opt is on AWS: the layers in their order, the later ones over the earlier.

    Raises:
        CodeProblem: also if they are too large together with what the folder ``code`` holds; nothing is left then.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    size_bytes = sum(path.stat().st_size for path in code.rglob("*") if path.is_file())
    try:
        for layer in layers:
            with tempfile.NamedTemporaryFile(dir=folder.parent) as archive:
                layer._download_archive_to_file(archive)
                size_bytes += get_unzipped_size(archive.name)
                if size_bytes > UNZIPPED_LIMIT_BYTES:
                    raise CodeProblem(
                        "Function code combined with layers exceeds the maximum allowed size of "
                        f"{UNZIPPED_LIMIT_BYTES} bytes. The actual size is {size_bytes} bytes or more."
                    )
                unpack(archive.name, folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def state_of(code: ArchiveCode) -> object:
    """What changes when somebody changes the code; None for code that nobody can change."""
    return sorted(_files(code.get_unzipped_code_location())) if code.is_hot_reloading() else None


def _files(folder: Path) -> Iterator[tuple[Any, ...]]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in _NOT_CODE]
        for name in names:
            path = os.path.join(place, name)  # noqa: PTH118 - before every invocation
            try:
                seen = os.stat(path)  # noqa: PTH116
            except FileNotFoundError:
                continue
            yield path, seen.st_mtime_ns, seen.st_size, seen.st_ino
