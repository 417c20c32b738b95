"""DeploymentConfig: how UpdateEndpoint moves traffic from the old fleet to the new one.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeploymentConfig.html
https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from preflight.sagemaker.api.errors import ValidationException
from preflight.sagemaker.hosting.variant import Variant

MAX_EXECUTION_SECONDS = 28_800


@dataclass(frozen=True)
class DeploymentConfig:
    """The request's DeploymentConfig; empty, it is blue/green with all traffic at once, as on AWS."""

    request: Mapping[str, Any]

    @property
    def rolling(self) -> Mapping[str, Any] | None:
        """RollingUpdatePolicy."""
        return self.request.get("RollingUpdatePolicy")

    @property
    def alarm_names(self) -> list[str]:
        alarms = self.request.get("AutoRollbackConfiguration", {}).get("Alarms", [])
        return [alarm["AlarmName"] for alarm in alarms if "AlarmName" in alarm]

    @property
    def wait_seconds(self) -> int:
        """How long each step bakes."""
        seconds: int = (self.rolling or self._traffic).get("WaitIntervalInSeconds", 0)
        return seconds

    @property
    def termination_wait_seconds(self) -> int:
        seconds: int = self._blue_green.get("TerminationWaitInSeconds", 0)
        return seconds

    @property
    def max_execution_seconds(self) -> int:
        policy = self.rolling or self._blue_green
        seconds: int = policy.get("MaximumExecutionTimeoutInSeconds", MAX_EXECUTION_SECONDS)
        return seconds

    def shares(self, count: int) -> Iterator[float]:
        """The new fleet's share of the traffic after each step of a blue/green deployment to ``count`` instances."""
        match self._traffic.get("Type"):
            case "CANARY":
                yield float(share_of(self._traffic["CanarySize"], count))
            case "LINEAR":
                step = share = share_of(self._traffic["LinearStepSize"], count)
                while share < 1:
                    yield float(share)
                    share += step
        yield 1.0

    @property
    def _blue_green(self) -> Mapping[str, Any]:
        policy: Mapping[str, Any] = self.request.get("BlueGreenUpdatePolicy", {})
        return policy

    @property
    def _traffic(self) -> Mapping[str, Any]:
        traffic: Mapping[str, Any] = self._blue_green.get("TrafficRoutingConfiguration", {})
        return traffic

    def require_valid_for(self, variants: Sequence[Variant]) -> None:
        """Raises ValidationException if AWS would not deploy a fleet of ``variants`` this way."""
        count = min(variant.desired_count for variant in variants)
        if self.rolling and self._blue_green:
            raise ValidationException(  # words guessed
                "Only one of BlueGreenUpdatePolicy and RollingUpdatePolicy can be specified in DeploymentConfig."
            )
        if self.rolling:
            _require_rollable(variants)
            _require_share(self.rolling["MaximumBatchSize"], count, "MaximumBatchSize", 5, 50)
            if size := self.rolling.get("RollbackMaximumBatchSize"):
                _require_share(size, count, "RollbackMaximumBatchSize", 5, 100)
        for kind, member, low in (("CANARY", "CanarySize", 0), ("LINEAR", "LinearStepSize", 10)):
            size = self._traffic.get(member)
            if (size is not None) != (self._traffic.get("Type") == kind):
                raise ValidationException(  # words guessed
                    f"{member} must be specified with traffic routing type {kind}, and with no other."
                )
            if size:
                _require_share(size, count, member, low, 50)


def share_of(size: Mapping[str, Any], count: int) -> Fraction:
    """A CapacitySize as a share of ``count`` instances."""
    return Fraction(size["Value"], 100 if size["Type"] == "CAPACITY_PERCENT" else count)


def instances_of(size: Mapping[str, Any], count: int) -> int:
    """A CapacitySize in instances: at least one."""
    return max(1, int(share_of(size, count) * count))


def _require_rollable(variants: Sequence[Variant]) -> None:
    if len(variants) > 1 or variants[0].serverless:
        raise ValidationException(  # words guessed
            "RollingUpdatePolicy is not supported for endpoints with several variants or serverless variants."
        )
    if variants[0].desired_count == 1:
        raise ValidationException("Cannot update endpoint with single instance using RollingUpdatePolicy")


def _require_share(size: Mapping[str, Any], count: int, member: str, low: int, high: int) -> None:
    if not Fraction(low, 100) <= share_of(size, count) <= Fraction(high, 100):
        raise ValidationException(  # words guessed
            f"{member} must be {low}% to {high}% of the variant's total instance count, {count}."
        )
