"""Schedule: when a scheduled action is due: ``at(...)``, ``rate(...)`` or ``cron(...)``.

https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html
"""

import calendar
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_CALL = re.compile(r"(at|rate|cron)\((.*)\)")
_RATE = re.compile(r"([1-9]\d{0,8}) (minute|hour|day)s?")
_PART = re.compile(r"(\*|\w+)(?:-(\w+))?(?:/(\d+))?")
_ORDINAL = re.compile(r"(\w+)#([1-5])")
_MINUTE = timedelta(minutes=1)
_LONGEST_LOOK = timedelta(hours=1)  # of a stack that slept: what was due before is over


class BadSchedule(Exception):
    """No schedule that there is."""


Due = Callable[[datetime, datetime], bool]  # whether a moment after the first and up to the second is one of it


def read_schedule(expression: str, timezone: str | None, anchor: datetime) -> Due:
    """``anchor`` is where a rate begins. Raises BadSchedule."""
    found = _CALL.fullmatch(expression.strip())
    if found is None:
        raise BadSchedule(expression)
    zone = _zone(timezone)
    match found[1]:
        case "at":
            return _at(found[2], zone)
        case "rate":
            return _rate(found[2], anchor)
    return _Cron(found[2], zone).is_due


def _zone(name: str | None) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadSchedule(f"time zone {name}") from None


def _at(text: str, zone: tzinfo) -> Due:
    try:
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=zone)
    except ValueError:
        raise BadSchedule(text) from None
    return lambda since, now: since < moment <= now


def _rate(text: str, anchor: datetime) -> Due:
    found = _RATE.fullmatch(text)
    if found is None:
        raise BadSchedule(text)
    try:
        step = timedelta(**{f"{found[2]}s": int(found[1])})
    except OverflowError:
        raise BadSchedule(text) from None
    return lambda since, now: now > anchor and (now - anchor) // step > max(0, (since - anchor) // step)


class _Cron:
    """Minutes, hours, day of the month, month, day of the week, year."""

    def __init__(self, text: str, zone: tzinfo) -> None:
        fields = text.upper().split()
        if len(fields) != 6 or fields[2:5:2].count("?") != 1:
            raise BadSchedule(text)
        self._zone = zone
        self._minutes = _numbers(fields[0], 0, 59)
        self._hours = _numbers(fields[1], 0, 23)
        self._months = _numbers(fields[3], 1, 12, MONTHS)
        self._years = _numbers(fields[5], 1970, 2199)
        self._day = _day_of_month(fields[2]) if fields[4] == "?" else _day_of_week(fields[4])

    def is_due(self, since: datetime, now: datetime) -> bool:
        moment = now.replace(second=0, microsecond=0)
        first = max(since, now - _LONGEST_LOOK)
        while moment > first:
            if self._has(moment.astimezone(self._zone)):
                return True
            moment -= _MINUTE
        return False

    def _has(self, moment: datetime) -> bool:
        return (
            moment.minute in self._minutes
            and moment.hour in self._hours
            and moment.month in self._months
            and moment.year in self._years
            and self._day(moment)
        )


def _day_of_month(field: str) -> Callable[[datetime], bool]:
    if field == "L":
        return lambda moment: moment.day == calendar.monthrange(moment.year, moment.month)[1]
    days = _numbers(field, 1, 31)
    return lambda moment: moment.day in days


def _day_of_week(field: str) -> Callable[[datetime], bool]:
    if found := _ORDINAL.fullmatch(field):
        weekday, ordinal = _number(found[1], 1, 7, WEEKDAYS), int(found[2])
        return lambda moment: _weekday(moment) == weekday and (moment.day - 1) // 7 + 1 == ordinal
    days = _numbers(field, 1, 7, WEEKDAYS)
    return lambda moment: _weekday(moment) in days


def _weekday(moment: datetime) -> int:
    """Sunday is 1."""
    return moment.isoweekday() % 7 + 1


def _numbers(field: str, low: int, high: int, names: tuple[str, ...] = ()) -> set[int]:
    numbers: set[int] = set()
    for part in field.split(","):
        found = _PART.fullmatch(part)
        if found is None:
            raise BadSchedule(field)
        start, end, step = found.groups()
        first = low if start == "*" else _number(start, low, high, names)
        is_open = start == "*" or step is not None
        last = _number(end, low, high, names) if end else (high if is_open else first)
        if last < first or step == "0":
            raise BadSchedule(field)
        numbers |= set(range(first, last + 1, int(step or 1)))
    return numbers


def _number(text: str, low: int, high: int, names: tuple[str, ...]) -> int:
    if text in names:
        return names.index(text) + 1
    if not text.isascii() or not text.isdecimal() or not low <= int(text) <= high:
        raise BadSchedule(text)
    return int(text)
