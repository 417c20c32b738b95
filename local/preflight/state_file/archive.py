"""The file: a zip of documents, requests and the bytes that these send.

manifest.json         what wrote it, and what it left out
sagemaker/<n>.json    a document for each of SageMaker's resources
requests/<n>.json     requests of one service, in the order in which they are sent
bytes/<n>             the bodies that requests have
"""

import contextlib
import json
import re
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from preflight.unpacking import UnpackError, unpack_zip

FORMAT = 1
_MANIFEST = "manifest.json"
_MEMBER = re.compile(r"manifest\.json|(sagemaker|requests)/\d+\.json|bytes/\d+")
_MAX_JSON_BYTES = 64 * 1024 * 1024  # of one member, which is read as a whole
_CHUNK_BYTES = 1024 * 1024


class FileProblem(Exception):
    """A file that is no state file, or not one for this Preflight; the text says why."""


class Writer:
    """A new file at ``path``, which is there as a whole once ``write`` has ended."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._counts: dict[str, int] = {}

    @classmethod
    @contextlib.contextmanager
    def open(cls, path: Path) -> Iterator["Writer"]:
        """Raises OSError; nothing is left at ``path`` then but what was there."""
        new = path.with_name(f".{path.name}.new")
        try:
            with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                yield cls(archive)
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)

    def put_bytes(self, chunks: Iterable[bytes]) -> str:
        """Returns what requests call them."""
        name = self._next("bytes")
        with self._archive.open(f"bytes/{name}", "w", force_zip64=True) as member:
            for chunk in chunks:
                member.write(chunk)
        return name

    def put_document(self, document: Any) -> None:
        self._put(f"sagemaker/{self._next('sagemaker')}.json", document)

    def put_requests(self, requests: Any) -> None:
        self._put(f"requests/{self._next('requests')}.json", requests)

    def put_manifest(self, left_out: Iterable[str]) -> None:
        manifest = {"format": FORMAT, "preflight": version("preflight-sagemaker"), "left_out": list(left_out)}
        self._put(_MANIFEST, manifest)

    def _put(self, name: str, content: Any) -> None:
        self._archive.writestr(name, json.dumps(content, indent=1, ensure_ascii=False))

    def _next(self, kind: str) -> str:
        self._counts[kind] = number = self._counts.get(kind, 0) + 1
        return str(number)


class Reader:
    """What an unpacked file holds."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    @contextlib.contextmanager
    def open(cls, path: Path, max_bytes: int) -> Iterator["Reader"]:
        """Check every member and unpack it, ``max_bytes`` at most, into a folder that is gone at the end.

        Raises:
            FileProblem
            OSError: there is no such file.
        """
        with tempfile.TemporaryDirectory(prefix="preflight-import-") as folder:
            with path.open("rb"):
                pass
            try:
                _require_known_members(path)
                unpack_zip(path, Path(folder), max_bytes=max_bytes)
            except (UnpackError, zipfile.BadZipFile) as error:
                raise FileProblem(f"{path} cannot be unpacked: {error}") from None
            reader = cls(Path(folder))
            manifest = reader._read(_MANIFEST)
            if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
                raise FileProblem(f"{path} is no file of `preflight state export`, or one of a newer Preflight.")
            yield reader

    def documents(self) -> list[Any]:
        return [self._read(f"sagemaker/{path.name}") for path in self._in_order("sagemaker")]

    def requests(self) -> list[Any]:
        """The lists of requests, in order."""
        return [self._read(f"requests/{path.name}") for path in self._in_order("requests")]

    def bytes_path(self, name: str) -> Path:
        """Raises FileProblem if there are no such bytes."""
        path = self._folder / "bytes" / name
        if not name.isdecimal() or not path.is_file():
            raise FileProblem(f"A request sends bytes that are not in the file: {name[:80]!r}.")
        return path

    def _in_order(self, kind: str) -> list[Path]:
        return sorted((self._folder / kind).glob("*.json"), key=lambda path: int(path.stem))

    def _read(self, name: str) -> Any:
        path = self._folder / name
        try:
            if path.stat().st_size > _MAX_JSON_BYTES:
                raise FileProblem(f"{name} in it is larger than any that Preflight writes.")
            return json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            raise FileProblem(f"{name} in it cannot be read: {error}") from None


def chunks_of(stream: Any) -> Iterator[bytes]:
    """What botocore reads, piece by piece."""
    yield from stream.iter_chunks(_CHUNK_BYTES)


def _require_known_members(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        names = [member.filename for member in archive.infolist()]
        links = [
            member.filename for member in archive.infolist() if (member.external_attr >> 16) & 0o170000 == 0o120000
        ]
    if strange := [name for name in names if not _MEMBER.fullmatch(name)] or links:
        raise FileProblem(f"{strange[0][:80]!r} in it is nothing that `preflight state export` writes.")
    if len(set(names)) < len(names):
        raise FileProblem("A name is in it twice.")
