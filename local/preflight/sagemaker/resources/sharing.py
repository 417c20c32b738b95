"""Sharing: resources as documents that other stacks take in.

A document may be a stranger's, so nothing in it is believed: it is read as data, its names must lead nowhere else, and
what it describes must be at rest. So nothing starts to work because it was taken in.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.resources.keeping import FORMAT, Document, document_of, read_document
from preflight.sagemaker.resources.record import Record
from preflight.sagemaker.resources.table import Resources, Table

_ACCOUNT = re.compile(r"\d{12}")
_REGION = re.compile(r"[a-z]{2,3}(-[a-z]+)+-\d")
_NAME = re.compile(r"[\w][\w.:/+=@ -]*")


class NotTaken(Exception):
    """A document that this stack does not take in; the text says which, and why."""


@dataclass(frozen=True)
class Shared:
    """``left_out`` names what is still at work."""

    documents: list[Document]
    left_out: list[str]


def documents(resources: Resources) -> Shared:
    """All that there is and rests."""
    shared = Shared([], [])
    with resources.lock:
        for table in resources.tables:
            for record in sorted(table, key=lambda record: record.creation_time):
                if record.is_settled:
                    shared.documents.append(document_of(table, record, resources.tags.of(record.arn)))
                else:
                    shared.left_out.append(record.arn)
    return shared


def take_in(resources: Resources, found: Iterable[Document], *, is_trial: bool = False) -> list[Record]:
    """Enter what ``found`` describes, all or nothing; nobody is told of it. Returns the new records.

    A trial changes nothing, and only says whether it could be done.

    Raises:
        NotTaken: a document cannot be read, leads elsewhere, or describes what is here already, or is at work.
    """
    tables = {table.kind.arn_kind: table for table in resources.tables}
    with resources.lock:
        taken = [_read(document, tables) for document in found]
        names = [(table.kind.arn_kind, record.scope, record.name.lower()) for table, record, _ in taken]
        if len(set(names)) < len(names):
            raise NotTaken("A resource is described twice.")
        for table, record, _ in taken:
            if table.find(record.scope, record.name):
                raise NotTaken(f"{record.arn} is here already.")
        for table, record, tags in taken if not is_trial else ():
            table.take_back(record, tags)
    return [record for _, record, _ in taken]


def _read(document: Any, tables: dict[str, Table[Any]]) -> tuple[Table[Any], Record, dict[str, str]]:
    try:
        if document["format"] != FORMAT:
            raise NotTaken(f"A document has the form {document['format']!r}: another Preflight has written it.")
        table = tables[document["kind"]]
        record, tags = read_document(document, table.kind.record)
    except NotTaken:
        raise
    except Exception as error:  # whatever is in it
        kind = document.get("kind") if isinstance(document, dict) else None
        raise NotTaken(f"A document of the kind {str(kind)[:80]!r} cannot be read: {type(error).__name__}.") from error
    for problem in _problems(document, record):
        raise NotTaken(f"The {document['kind']} {record.name[:80]!r} is not taken: {problem}")
    return table, record, dict(tags)


def _problems(document: Document, record: Record) -> Iterator[str]:
    scope: Scope = record.scope
    if not (_ACCOUNT.fullmatch(scope.account_id) and _REGION.fullmatch(scope.region) and scope.owns(record.arn)):
        yield "its account, region and ARN do not belong together."
    if not _NAME.fullmatch(record.name):
        yield "no resource can have that name."
    for name in _names(document):
        if name.startswith("/") or ".." in name.split("/") or "\0" in name:
            yield f"{name[:80]!r} in it leads out of its folder."
    if not record.is_settled:
        yield "it is at work."


def _names(value: Any) -> Iterator[str]:
    """Every value that is called a name, however deep; folders are made of some."""
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, str) and key.lower().endswith("name"):
                yield item
            else:
                yield from _names(item)
    elif isinstance(value, list):
        for item in value:
            yield from _names(item)
