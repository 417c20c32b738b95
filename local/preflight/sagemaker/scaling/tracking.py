"""Target tracking: a metric that is to stay near a value, the two alarms that watch it, and what they ask for.

https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-target-tracking.html
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from preflight.sagemaker.scaling.record import INSTANCES, PROVISIONED, PolicyRecord, TargetRecord
from preflight.sagemaker.scaling.request import TargetTrackingScalingPolicyConfiguration

# Each predefined metric: what it is of, its name in AWS/SageMaker, and the statistic. The last one's is a guess.
PREDEFINED = {
    "SageMakerVariantInvocationsPerInstance": (INSTANCES, "InvocationsPerInstance", "Sum"),
    "SageMakerVariantProvisionedConcurrencyUtilization": (
        PROVISIONED,
        "ServerlessProvisionedConcurrencyUtilization",
        "Average",
    ),
}
HIGH, LOW = "High", "Low"
LOW_SHARE = 0.9  # of the target value; seen of other services than SageMaker
MINUTES = {HIGH: 3, LOW: 15}  # that the metric must be beyond the threshold
_SUMS = ("Sum", "SampleCount")


@dataclass(frozen=True)
class Metric:
    """``is_zero_when_idle``: no data means that there was nothing to count."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str
    unit: str | None = None
    is_zero_when_idle: bool = False

    @classmethod
    def of(cls, target: TargetRecord, config: TargetTrackingScalingPolicyConfiguration) -> "Metric":
        if custom := config.customized_metric_specification:
            dimensions = tuple((each.name, each.value) for each in custom.dimensions)
            return cls(
                custom.namespace or "", custom.metric_name or "", dimensions, custom.statistic or "", custom.unit
            )
        dimensions = (("EndpointName", target.endpoint_name), ("VariantName", target.variant_name))
        assert config.predefined_metric_specification
        _, name, statistic = PREDEFINED[config.predefined_metric_specification.predefined_metric_type]
        return cls("AWS/SageMaker", name, dimensions, statistic, is_zero_when_idle=True)

    def members(self) -> dict[str, Any]:
        """As CloudWatch's requests have it."""
        members: dict[str, Any] = {
            "Namespace": self.namespace,
            "MetricName": self.name,
            "Dimensions": [{"Name": name, "Value": value} for name, value in self.dimensions],
        }
        return members | ({"Unit": self.unit} if self.unit else {})

    def values(self, cloudwatch: Any, end: datetime, minutes: int, minute: timedelta) -> list[float | None]:
        """Those of the last ``minutes``, the oldest first, as if each were one of 60 seconds; None without data."""
        start = end - minutes * minute
        answer = cloudwatch.get_metric_statistics(
            **self.members(),
            StartTime=start,
            EndTime=end,
            Period=int(minute.total_seconds()),
            Statistics=[self.statistic],
        )
        factor = 60 / minute.total_seconds() if self.statistic in _SUMS else 1.0
        found = {
            (point["Timestamp"] - start) // minute: point[self.statistic] * factor for point in answer["Datapoints"]
        }
        nothing = 0.0 if self.is_zero_when_idle else None
        return [found.get(place, nothing) for place in range(minutes)]


def alarms(target: TargetRecord, policy: PolicyRecord, config: TargetTrackingScalingPolicyConfiguration) -> list[Any]:
    """The requests that make the policy's alarms."""
    metric = Metric.of(target, config)
    sides = {
        HIGH: ("GreaterThanThreshold", config.target_value),
        LOW: ("LessThanThreshold", LOW_SHARE * config.target_value),
    }
    return [
        {
            **metric.members(),
            "AlarmName": name,
            "AlarmDescription": f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy.arn}.",
            "AlarmActions": [policy.arn],
            "Statistic": metric.statistic,
            "Period": 60,
            "EvaluationPeriods": MINUTES[side],
            "ComparisonOperator": sides[side][0],
            "Threshold": sides[side][1],
        }
        for side, name in policy.alarms.items()
    ]


def states(config: TargetTrackingScalingPolicyConfiguration, values: Sequence[float | None]) -> dict[str, str]:
    """Of each alarm, by the metric's values of the last minutes."""
    known = {side: [value for value in values[-minutes:] if value is not None] for side, minutes in MINUTES.items()}
    is_high = bool(known[HIGH]) and all(value > config.target_value for value in known[HIGH])
    is_long = len(values) >= MINUTES[LOW] and bool(known[LOW])
    is_low = is_long and all(value < LOW_SHARE * config.target_value for value in known[LOW])
    return {
        HIGH: _state(is_high, is_known=bool(known[HIGH])),
        LOW: _state(is_low, is_known=bool(known[LOW])),
    }


def _state(is_alarmed: bool, *, is_known: bool) -> str:
    if is_alarmed:
        return "ALARM"
    return "OK" if is_known else "INSUFFICIENT_DATA"


def needed(config: TargetTrackingScalingPolicyConfiguration, capacity: int, value: float) -> int:
    """The capacity with which the metric would be at its target."""
    return math.ceil(capacity * value / config.target_value)
