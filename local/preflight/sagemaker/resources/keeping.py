"""Keeping: what of the resources outlives the stack, as documents that a person can read.

Each record of each table is one JSON file, ``<account>/<region>/<kind>/<name>.json``. All are compared with what was
written every few seconds and at the end, so whoever changes a record has nothing to do for it, and a kind of resource
is kept as soon as it has a Table. A document is read by name of its members: what a later Preflight has beside them
takes its default.
"""

import dataclasses
import hashlib
import json
import logging
import shutil
import threading
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel

from preflight import kept_files
from preflight.sagemaker.api.shape import Shape
from preflight.sagemaker.resources.record import Record
from preflight.sagemaker.resources.table import Resources, Table

LOG = logging.getLogger(__name__)

Document = dict[str, Any]

FOLDER = "sagemaker"  # below the folder of all that a stack keeps
FORMAT = 1
INTERVAL_SECONDS = 2.0
LARGEST_SHARE = 0.02  # of the time: looking for changes takes no more
MAX_NAME_CHARACTERS = 160


class Keeper:
    """Keeps ``resources`` below ``home``, the folder of all that the stack keeps."""

    def __init__(self, resources: Resources, home: Path) -> None:
        self._resources = resources
        self._home = home
        self._folder = home / FOLDER
        self.problem = ""  # why some of it cannot be written
        self._written: dict[Path, int] = {}
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._live, name="keep-resources", daemon=True)

    def restore(self) -> list[str]:
        """Fill the tables with what was kept; returns what is to be said of documents that cannot be read.

        Those are set aside. Those of kinds that this Preflight does not know stay.
        """
        notes = []
        if self._folder.exists() and not self._folder.is_dir():
            place = kept_files.set_aside(self._folder, self._home)
            notes.append(f"What was kept of SageMaker is no folder, and is in {place}.")
        for table in self._resources.tables:
            for path in sorted(self._folder.glob(f"*/*/{_file_name(table.kind.arn_kind)}/[!.]*.json")):
                try:
                    record, tags = _read(path, table.kind.record)
                except Exception as error:  # whatever is in it
                    place = kept_files.set_aside(path, self._home)
                    notes.append(f"The {table.kind.arn_kind} in {path.name} could not be read, and is in {place}.")
                    LOG.warning("%s %s", notes[-1], error)
                else:
                    table.take_back(record, tags)
                    self._written[path] = _fingerprint(record, tags)
        return notes

    def start(self) -> None:
        """Write down from now on what changes."""
        self._thread.start()

    def close(self) -> None:
        """Write down what there is now, and no more after that."""
        self._is_over.set()
        self._thread.join()
        self._save()

    def _live(self) -> None:
        pause = INTERVAL_SECONDS
        while not self._is_over.wait(pause):
            started = time.monotonic()
            self._save()
            pause = max(INTERVAL_SECONDS, (time.monotonic() - started) / LARGEST_SHARE)

    def _save(self) -> None:
        there, problem = set(), ""
        for table in self._resources.tables:
            for record in sorted(table, key=lambda record: record.creation_time):
                path = self._path(table, record)
                there.add(path)
                try:
                    self._save_one(path, table, record)
                except Exception as error:  # a full disk; the next time may be better
                    problem = problem or f"{record.arn}, and maybe more of SageMaker, is not kept: {error}"
        for path in self._written.keys() - there:
            path.unlink(missing_ok=True)
            del self._written[path]
        if problem and problem != self.problem:
            LOG.warning("%s", problem)
        self.problem = problem

    def _save_one(self, path: Path, table: Table[Any], record: Record) -> None:
        with self._resources.lock:
            tags = self._resources.tags.of(record.arn)
            fingerprint = _fingerprint(record, tags)
            if self._written.get(path) == fingerprint:
                return
            document = document_of(table, record, tags)
        whole = {"checksum": _checksum(document), **document}
        kept_files.write(path, json.dumps(whole, indent=1, ensure_ascii=False).encode())
        self._written[path] = fingerprint

    def _path(self, table: Table[Any], record: Record) -> Path:
        scope = record.scope
        kind, name = _file_name(table.kind.arn_kind), _file_name(record.name.lower())
        return self._folder / scope.account_id / scope.region / kind / f"{name}.json"


def forget(home: Path | None) -> None:
    """Nothing is kept of any resource any more; call when there is no Keeper."""
    if home:
        shutil.rmtree(home / FOLDER, ignore_errors=True)


def document_of(table: Table[Any], record: Record, tags: Mapping[str, str]) -> Document:
    """What is written down of a resource; call under the resources' lock."""
    return {"format": FORMAT, "kind": table.kind.arn_kind, "tags": dict(tags), "record": _plain(record)}


def read_document[R: Record](document: Document, kind: type[R]) -> tuple[R, Mapping[str, str]]:
    """The record of ``document``, and its tags. Raises whatever is wrong with it."""
    return kind.model_validate(document["record"]), {str(key): str(value) for key, value in document["tags"].items()}


def _file_name(name: str) -> str:
    """``name`` as a file can have it: without slashes, and not too long."""
    written = quote(name, safe="")
    if len(written) <= MAX_NAME_CHARACTERS:
        return written
    return f"{written[:MAX_NAME_CHARACTERS]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def _read(path: Path, kind: type[Record]) -> tuple[Record, Mapping[str, str]]:
    document = json.loads(path.read_bytes())
    if "checksum" in document and document.pop("checksum") != _checksum(document):
        raise ValueError("its checksum is another")
    if set(document) != {"format", "kind", "tags", "record"}:
        raise ValueError("it has other members")
    return read_document(document, kind)


def _checksum(document: Document) -> str:
    """Of what it says, however that is written; who changes it by hand takes its checksum out."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _fingerprint(record: Record, tags: Mapping[str, str]) -> int:
    """Changes when anything of the record does; good in this process only."""
    return hash((record.model_dump_json(), tuple(tags.items())))


def _plain(value: Any) -> Any:
    """``value`` as JSON has it. Of a request what was asked for, of a record all: its defaults are not tomorrow's."""
    if isinstance(value, Shape):
        return _plain(value.as_asked())
    if isinstance(value, BaseModel):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _plain(dataclasses.asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value
