"""Resources: the one lock under which any resource changes, and the tables in which they are, one for each kind.

Every change is told to the observers, in order: EventBridge is one.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from preflight.sagemaker.api.errors import ServiceError
from preflight.sagemaker.api.listing import Listing, PageRequest
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.resources.record import Record
from preflight.sagemaker.resources.tags import Tag, Tags

Description = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """A resource has come, changed or gone. ``kind`` is a resource with its words apart, as events name it.

    ``is_plain``: see ``Kind.has_plain_events``.
    """

    scope: Scope
    kind: str
    arn: str
    description: Description
    tags: Mapping[str, str]
    is_plain: bool = False


class Observer(Protocol):
    """Called under the lock: it must not wait for anything."""

    def __call__(self, change: Change, /) -> None: ...


@dataclass(frozen=True)
class Kind[R: Record]:
    """One kind of resource: how AWS names it, shows it, lists it, and refuses names that are taken or not there.

    ``record`` is what its records are, ``arn_kind`` its word in ARNs, ``event`` its name in events (``Training Job``),
    None if it has none, ``event_detail`` what they say of it, where that is not word for word what Describe says.
    ``has_plain_events``: they have what there is, and times in ISO 8601; those of other kinds have the tags, null for
    what there is not, and times in milliseconds.
    ``searched_as`` is its ResourceType in Search, None if it is not searched for; ``found`` is what Search knows of it,
    where that is not what Describe says.
    """

    record: type[R]
    arn_kind: str
    event: str | None
    listing: Listing
    describe: Callable[[R], Description]
    summarize: Callable[[R], Description]
    taken: Callable[[str], ServiceError]
    missing: Callable[[str], ServiceError]
    event_detail: Callable[[Description], Description] = field(default=lambda description: description)
    has_plain_events: bool = False
    searched_as: str | None = None
    found: Callable[[R], Description] | None = None


class Resources:
    """Every resource of every account and region."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.tags = Tags(self.lock)
        self.tables: list[Table[Any]] = []
        self._observers: list[Observer] = []
        self._searched: dict[str, Callable[[Scope], list[Description]]] = {}

    def observe(self, observer: Observer) -> None:
        self._observers.append(observer)

    def offer(self, resource: str, found: Callable[[Scope], list[Description]]) -> None:
        """Let Search find what there is of a ResourceType."""
        self._searched[resource] = found

    def found(self, scope: Scope, resource: str) -> list[Description] | None:
        """All that Search knows of a ResourceType; None if nobody offers such."""
        offered = self._searched.get(resource)
        return None if offered is None else offered(scope)

    def announce(self, scope: Scope, kind: str, arn: str, description: Description, *, is_plain: bool = False) -> None:
        """Tell the observers that something has changed; call under the lock, so that none overtakes another."""
        change = Change(scope, kind, arn, description, self.tags.of(arn), is_plain)
        for observer in self._observers:
            observer(change)


class Table[R: Record]:
    """The resources of one kind. Names are one whatever their case, as SageMaker's ARNs have them."""

    def __init__(self, resources: Resources, kind: Kind[R]) -> None:
        self._resources = resources
        self._lock = resources.lock
        self.kind = kind
        self._records: dict[Scope, dict[str, R]] = {}
        resources.tables.append(self)
        if kind.searched_as:
            resources.offer(kind.searched_as, self._found)

    def arn(self, scope: Scope, name: str) -> str:
        return scope.arn(self.kind.arn_kind, name)

    def add(self, record: R, tags: Iterable[Tag] = ()) -> None:
        """Take in a new resource with its tags. Raises ServiceError if its name is taken, or a tag is refused."""
        with self._lock:
            self.require_free(record.scope, record.name)
            self._resources.tags.add(record.arn, tags)
            self._of(record.scope)[record.name.lower()] = record
            self.announce(record)

    def take_back(self, record: R, tags: Mapping[str, str]) -> None:
        """Take in a resource that was here before the stack was stopped, with its tags; nobody is told."""
        with self._lock:
            self._of(record.scope)[record.name.lower()] = record
            self._resources.tags.take_back(record.arn, tags)

    def find(self, scope: Scope, name: str) -> R | None:
        with self._lock:
            return self._of(scope).get(name.lower())

    def require(self, scope: Scope, name: str) -> R:
        """The resource of that name. Raises ServiceError, in AWS's words for this kind."""
        if record := self.find(scope, name):
            return record
        raise self.kind.missing(self.arn(scope, name))

    def require_free(self, scope: Scope, name: str) -> None:
        """Raises ServiceError, in AWS's words for this kind, if the name is taken."""
        if self.find(scope, name):
            raise self.kind.taken(self.arn(scope, name))

    def describe(self, scope: Scope, name: str) -> Description:
        with self._lock:
            return self.kind.describe(self.require(scope, name))

    def page(
        self, scope: Scope, request: PageRequest, only: Callable[[Description], bool] = lambda summary: True
    ) -> dict[str, Any]:
        """One page of the summaries that are ``only`` such, as List operations answer."""
        with self._lock:
            summaries = [self.kind.summarize(record) for record in self._of(scope).values()]
        return self.kind.listing.page(filter(only, summaries), request)

    def remove(self, record: R) -> None:
        """Forget the resource and its tags; ``announce`` it if that is an event."""
        with self._lock:
            del self._of(record.scope)[record.name.lower()]
            self._resources.tags.forget(record.arn)

    def announce(self, record: R, more: Mapping[str, Any] | None = None) -> None:
        """Tell that the resource has changed, and ``more``; call under the lock, at the moment that it does."""
        kind = self.kind
        if kind.event is None:
            return
        with self._lock:
            detail = {**kind.event_detail(kind.describe(record)), **(more or {})}
            self._resources.announce(record.scope, kind.event, record.arn, detail, is_plain=kind.has_plain_events)

    def of(self, scope: Scope) -> list[R]:
        with self._lock:
            return list(self._of(scope).values())

    def __iter__(self) -> Iterator[R]:
        """All, of every account and region."""
        with self._lock:
            return iter([record for records in self._records.values() for record in records.values()])

    def _found(self, scope: Scope) -> list[Description]:
        describe = self.kind.found or self.kind.describe
        with self._lock:
            return [{**describe(record), "Tags": self._resources.tags.as_list(record.arn)} for record in self.of(scope)]

    def _of(self, scope: Scope) -> dict[str, R]:
        return self._records.setdefault(scope, {})
