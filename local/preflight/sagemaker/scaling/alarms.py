"""The alarms that people make themselves, and that call a scaling policy."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Alarm:
    """``beyond`` is how far the metric is above (or below: negative) its threshold."""

    name: str
    beyond: float


def alarms_that_call(cloudwatch: Any, policy_arns: Collection[str]) -> dict[str, Alarm]:
    """By policy: an alarm in state ALARM whose action it is."""
    found: dict[str, Alarm] = {}
    for page in cloudwatch.get_paginator("describe_alarms").paginate(StateValue="ALARM"):
        for alarm in page["MetricAlarms"]:
            for arn in alarm.get("AlarmActions", ()):
                if arn in policy_arns and alarm["ActionsEnabled"] and alarm["StateValue"] == "ALARM":
                    found[arn] = Alarm(alarm["AlarmName"], _beyond(alarm))
    return found


def _beyond(alarm: dict[str, Any]) -> float:
    """Of an alarm that was set by hand nothing is known: it is at its threshold."""
    try:
        points = json.loads(alarm.get("StateReasonData") or "{}")["recentDatapoints"]
        return float(points[-1]) - float(alarm["Threshold"])
    except (ValueError, KeyError, IndexError, TypeError):
        return 0.0
