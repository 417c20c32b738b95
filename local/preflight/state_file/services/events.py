"""EventBridge: buses, and rules that wait for events. Those with a schedule act by themselves and are left out."""

from collections.abc import Iterator
from typing import Any

from preflight.state_file.requests import Request
from preflight.state_file.source import Source, only


def requests(source: Source) -> Iterator[Request]:
    events = source.client("events")
    for bus in _all(events.list_event_buses, "EventBuses"):
        name = bus["Name"]
        if name != "default":
            yield source.request("events", "CreateEventBus", Name=name)
        for rule in _all(events.list_rules, "Rules", EventBusName=name):
            if "ScheduleExpression" in rule or "ManagedBy" in rule:
                source.left_out.append(f"the rule {rule['Name']}, which has a schedule")
                continue
            known = only(rule, "Name", "EventPattern", "State", "Description", "RoleArn")
            yield source.request("events", "PutRule", EventBusName=name, **known)
            targets = list(_all(events.list_targets_by_rule, "Targets", Rule=rule["Name"], EventBusName=name))
            if targets:
                yield source.request("events", "PutTargets", Rule=rule["Name"], EventBusName=name, Targets=targets)


def _all(read: Any, items: str, **parameters: Any) -> Iterator[Any]:
    while True:
        page = read(**parameters)
        yield from page[items]
        if not page.get("NextToken"):
            return
        parameters["NextToken"] = page["NextToken"]
