"""Properties of a resource by the names that Search gives them.

A name is a path of members in the record that botocore's model has for a result: ``InputDataConfig.ChannelName``.
``Tags.team``, ``HyperParameters.eta``, ``Metrics.accuracy`` and ``Parameters.x`` are what a resource has of its own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from botocore.model import ListShape, MapShape, Shape, StructureShape

from preflight.sagemaker.api.errors import ValidationException

Sort = Literal["text", "number", "moment", "other"]  # "other" may be text that reads as a number

_OWN_NAMES: Mapping[str, Sort] = {
    "Tags": "text",
    "Metrics": "number",
    "Parameters": "other",
    "HyperParameters": "other",
}
_SORTS: Mapping[str, Sort] = {
    "string": "text",
    "integer": "number",
    "long": "number",
    "float": "number",
    "double": "number",
    "timestamp": "moment",
}


@dataclass(frozen=True)
class Property:
    """``path`` leads to it through members and keys; lists on the way have it in each item."""

    path: tuple[str, ...]
    sort: Sort

    def values(self, facts: Any) -> list[Any]:
        """All it has in what ``facts`` knows of a resource."""
        return list(_values(facts, self.path))


def find_property(shape: StructureShape, name: str) -> Property:
    """The property of resources of ``shape``; its first letter may be small, as in the SDK's ``metrics.accuracy.max``.

    Raises:
        ValidationException: they have none of that ``name``.
    """
    written = name[:1].upper() + name[1:]
    head, _, rest = written.partition(".")
    if rest and head in _OWN_NAMES and _has_own_names(shape, head):
        return Property((head, rest), _OWN_NAMES[head])
    found = _find(shape, written.split("."))
    if found is None:
        raise unknown_property(name)
    return found


def unknown_property(name: str) -> ValidationException:
    return ValidationException(f"Unknown property name: {name}")


def list_items(shape: StructureShape, name: str) -> StructureShape:
    """The structure of the items of a list. Raises ValidationException if ``name`` is not one of such."""
    below: Shape | None = shape
    for part in name.split("."):
        below = below.members.get(part) if isinstance(below, StructureShape) else None
    if not isinstance(below, ListShape) or not isinstance(below.member, StructureShape):
        raise unknown_property(name)
    return below.member


def facts_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """What filters see of a record: what it names itself stands under its name."""
    facts = dict(record)
    facts["Tags"] = {tag["Key"]: tag["Value"] for tag in record.get("Tags", ())}
    if "FinalMetricDataList" in record:
        facts["Metrics"] = {metric["MetricName"]: metric["Value"] for metric in record["FinalMetricDataList"]}
    elif "Metrics" in record:
        facts["Metrics"] = dict(_statistics(record["Metrics"]))
    if "Parameters" in record:
        facts["Parameters"] = {name: next(iter(value.values())) for name, value in record["Parameters"].items()}
    return facts


def names_in(facts: Mapping[str, Any], shape: StructureShape) -> Iterator[str]:
    """The names of the properties that a resource has, those of its own among them."""
    for name, value in facts.items():
        if name in _OWN_NAMES and isinstance(value, Mapping):
            yield from (f"{name}.{own}" for own in value)
        elif name in shape.members:
            yield from _names_below(value, name)


def _names_below(value: Any, path: str) -> Iterator[str]:
    match value:
        case Mapping():
            for name, item in value.items():
                yield from _names_below(item, f"{path}.{name}")
        case list() | tuple():
            for item in value:
                yield from _names_below(item, path)
        case _:
            yield path


def _has_own_names(shape: StructureShape, head: str) -> bool:
    return head in shape.members or (head == "Metrics" and "FinalMetricDataList" in shape.members)


def _find(shape: Shape, parts: list[str]) -> Property | None:
    if isinstance(shape, ListShape):
        return _find(shape.member, parts)
    if not parts:
        return Property((), _SORTS.get(shape.type_name, "other"))
    if isinstance(shape, MapShape):
        return Property((".".join(parts),), _SORTS.get(shape.value.type_name, "other"))
    if isinstance(shape, StructureShape) and (member := shape.members.get(parts[0])):
        below = _find(member, parts[1:])
        return below and Property((parts[0], *below.path), below.sort)
    return None


def _values(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    if isinstance(value, list | tuple):
        for item in value:
            yield from _values(item, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping) and path[0] in value:
        yield from _values(value[path[0]], path[1:])


def _statistics(summaries: list[dict[str, Any]]) -> Iterator[tuple[str, float]]:
    """Of a trial component's metrics: ``accuracy`` is the last value, ``accuracy.max`` the largest."""
    for summary in summaries:
        name = summary["MetricName"]
        for statistic in ("Last", "Min", "Max", "Avg", "StdDev", "Count"):
            if statistic in summary:
                yield f"{name}.{statistic.lower()}", summary[statistic]
        if "Last" in summary:
            yield name, summary["Last"]
