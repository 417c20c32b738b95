"""The alarms that people make themselves, and that call a scaling policy."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Alarm:
    """``beyond`` is how far the metric is above (or below: negative) its threshold."""

    name: str
    beyond: float

    @classmethod
    def of(cls, described: Mapping[str, Any]) -> "Alarm":
        """Of what DescribeAlarms shows. Nothing is known of one that was set by hand: it is at its threshold."""
        try:
            points = json.loads(described.get("StateReasonData") or "{}")["recentDatapoints"]
            return cls(described["AlarmName"], float(points[-1]) - float(described["Threshold"]))
        except (ValueError, KeyError, IndexError, TypeError):
            return cls(described["AlarmName"], 0.0)


def alarms_that_call(cloudwatch: Any, policy_arns: Collection[str]) -> dict[str, Alarm]:
    """By policy: an alarm in state ALARM whose action it is."""
    found: dict[str, Alarm] = {}
    for page in cloudwatch.get_paginator("describe_alarms").paginate(StateValue="ALARM"):
        for alarm in page["MetricAlarms"]:
            for arn in alarm.get("AlarmActions", ()):
                if arn in policy_arns and alarm["ActionsEnabled"] and alarm["StateValue"] == "ALARM":
                    found[arn] = Alarm.of(alarm)
    return found
