"""List operations: filter, sort and page, the same for every resource."""

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.api.shape import Shape

Item = dict[str, Any]


class PageRequest(Shape):
    """The members that every List operation has. What some can filter by is in those below."""

    next_token: str | None = None
    max_results: int | None = None
    sort_by: str = "CreationTime"
    sort_order: str | None = None

    @property
    def part_of_name(self) -> str | None:
        """NameContains."""
        return None

    @property
    def created(self) -> tuple[datetime | None, datetime | None]:
        """CreationTimeAfter and CreationTimeBefore."""
        return None, None

    @property
    def status(self) -> str | None:
        """StatusEquals, of a resource that has states."""
        return None

    @property
    def modified(self) -> tuple[datetime | None, datetime | None]:
        """LastModifiedTimeAfter and LastModifiedTimeBefore."""
        return None, None


class ListRequest(PageRequest):
    """Of nearly every resource."""

    name_contains: str | None = None
    creation_time_after: datetime | None = None
    creation_time_before: datetime | None = None

    @property
    def part_of_name(self) -> str | None:
        return self.name_contains

    @property
    def created(self) -> tuple[datetime | None, datetime | None]:
        return self.creation_time_after, self.creation_time_before


class ListByStatusRequest(ListRequest):
    """Of a resource that has states and changes."""

    status_equals: str | None = None
    last_modified_time_after: datetime | None = None
    last_modified_time_before: datetime | None = None

    @property
    def status(self) -> str | None:
        return self.status_equals

    @property
    def modified(self) -> tuple[datetime | None, datetime | None]:
        return self.last_modified_time_after, self.last_modified_time_before


class Order(NamedTuple):
    """What a token is good for."""

    result_key: str
    sort_by: str
    sort_order: str


@dataclass(frozen=True)
class Listing:
    """How one List operation answers.

    ``name_key``, ``status_key`` and ``time_key`` are keys of a summary; ``result_key`` holds the summaries.
    ``more_columns`` are what else SortBy may name, each with what sorts a summary that has it; others are left out.
    With ``status_after_page`` StatusEquals takes away from a page of MaxResults, as ListTrainingJobs documents.
    """

    result_key: str
    name_key: str
    status_key: str | None = None
    time_key: str = "CreationTime"
    default_order: str = "Descending"
    default_page: int = 10
    status_after_page: bool = False
    more_columns: Mapping[str, Callable[[Item], str | None]] = field(default_factory=dict)

    def page(self, summaries: Iterable[Item], request: PageRequest) -> dict[str, Any]:
        """One page of ``summaries``, with ``NextToken`` if more follow.

        NameContains takes away from a page of MaxResults, too: a page can be empty and still not the last, and who
        reads no further finds nothing. AWS does not document it; it is in boto3's issues 2838 and 4020.

        A token names the last row it gave, so that rows made or deleted meanwhile move no other row; it is good for
        the list and the order it was given for.
        """
        order = Order(self.result_key, request.sort_by, request.sort_order or self.default_order)
        sort_key = self._sort_key(order.sort_by)
        descending = order.sort_order == "Descending"
        column = self.more_columns.get(order.sort_by)
        found = (row for row in filter(self._early_filter(request), summaries) if column is None or column(row))
        rows = sorted(found, key=sort_key, reverse=descending)
        if token := request.next_token:
            last = _read_token(token, order)
            rows = [row for row in rows if _is_after(_token_key(sort_key(row)), last, descending)]
        size = request.max_results or self.default_page
        answer: dict[str, Any] = {self.result_key: list(filter(self._late_filter(request), rows[:size]))}
        if len(rows) > size:
            answer["NextToken"] = _write_token(order, _token_key(sort_key(rows[size - 1])))
        return answer

    def _sort_key(self, sort_by: str) -> Callable[[Item], tuple[Any, str]]:
        if more := self.more_columns.get(sort_by):
            return lambda row: (more(row), row[self.name_key])
        column = {"Name": self.name_key, "Status": self.status_key or self.name_key}.get(sort_by, self.time_key)
        return lambda row: (row[column], row[self.name_key])

    def _early_filter(self, request: PageRequest) -> Callable[[Item], bool]:
        """What rows are taken from."""
        tests: list[Callable[[Item], bool]] = []
        if not self._takes_status_late(request):
            tests += self._status_tests(request)
        for column, (after, before) in ((self.time_key, request.created), ("LastModifiedTime", request.modified)):
            if after:
                tests.append(_is_later(column, after))
            if before:
                tests.append(_is_earlier(column, before))
        return lambda row: all(test(row) for test in tests)

    def _late_filter(self, request: PageRequest) -> Callable[[Item], bool]:
        """What is shown of the rows taken."""
        tests: list[Callable[[Item], bool]] = []
        if self._takes_status_late(request):
            tests += self._status_tests(request)
        if part := request.part_of_name:
            tests.append(lambda row: part.lower() in row[self.name_key].lower())
        return lambda row: all(test(row) for test in tests)

    def _takes_status_late(self, request: PageRequest) -> bool:
        return self.status_after_page and request.max_results is not None

    def _status_tests(self, request: PageRequest) -> list[Callable[[Item], bool]]:
        status, key = request.status, self.status_key
        return [lambda row: row[key] == status] if status and key else []


def _is_later(column: str, moment: datetime) -> Callable[[Item], bool]:
    return lambda row: _to_millisecond(row[column]) > moment


def _is_earlier(column: str, moment: datetime) -> Callable[[Item], bool]:
    return lambda row: _to_millisecond(row[column]) < moment


def _to_millisecond(moment: datetime) -> datetime:
    """As answers show it: a filter on a time that was answered is to meet it."""
    return datetime.fromtimestamp(round(moment.timestamp(), 3), UTC)


def _token_key(key: tuple[Any, str]) -> list[str]:
    first = key[0].isoformat(timespec="microseconds") if isinstance(key[0], datetime) else key[0]
    return [first, key[1]]


def _is_after(key: list[str], last: list[str], descending: bool) -> bool:
    return key < last if descending else key > last


def _write_token(order: Order, key: list[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps([*order, *key]).encode()).decode()


def _read_token(token: str, order: Order) -> list[str]:
    try:
        parts = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, RecursionError):
        parts = None
    if (
        not isinstance(parts, list)
        or len(parts) != len(order) + 2
        or not all(isinstance(part, str) for part in parts)
        or tuple(parts[: len(order)]) != order
    ):
        raise invalid_token()
    return parts[len(order) :]


def invalid_token() -> ValidationException:
    return ValidationException(guessed("Invalid NextToken."))
