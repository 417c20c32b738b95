"""What AWS asks of a DeploymentConfig for the fleet it is to deploy.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeploymentConfig.html
https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
"""

from collections.abc import Sequence
from fractions import Fraction

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.hosting.record import VariantRecord
from preflight.sagemaker.hosting.request import CapacitySize, DeploymentConfig, TrafficRoutingConfig


def require_deployable(config: DeploymentConfig, variants: Sequence[VariantRecord]) -> None:
    """Raises ValidationException if AWS would not deploy a fleet of ``variants`` this way."""
    count = min(variant.desired_count for variant in variants)
    rolling, blue_green = config.rolling_update_policy, config.blue_green_update_policy
    if rolling and blue_green:
        raise ValidationException(
            guessed("Only one of BlueGreenUpdatePolicy and RollingUpdatePolicy can be specified in DeploymentConfig.")
        )
    if rolling:
        _require_rollable(variants)
        _require_share(rolling.maximum_batch_size, count, "MaximumBatchSize", 5, 50)
        if size := rolling.rollback_maximum_batch_size:
            _require_share(size, count, "RollbackMaximumBatchSize", 5, 100)
    if blue_green:
        _require_traffic(blue_green.traffic_routing_configuration, count)


def _require_traffic(traffic: TrafficRoutingConfig, count: int) -> None:
    for kind, member, size, low in (
        ("CANARY", "CanarySize", traffic.canary_size, 0),
        ("LINEAR", "LinearStepSize", traffic.linear_step_size, 10),
    ):
        if (size is not None) != (traffic.type == kind):
            raise ValidationException(
                guessed(f"{member} must be specified with traffic routing type {kind}, and with no other.")
            )
        if size:
            _require_share(size, count, member, low, 50)


def _require_rollable(variants: Sequence[VariantRecord]) -> None:
    if len(variants) > 1 or variants[0].serverless:
        raise ValidationException(
            guessed("RollingUpdatePolicy is not supported for endpoints with several variants or serverless variants.")
        )
    if variants[0].desired_count == 1:
        raise ValidationException("Cannot update endpoint with single instance using RollingUpdatePolicy")


def _require_share(size: CapacitySize, count: int, member: str, low: int, high: int) -> None:
    if not Fraction(low, 100) <= size.share_of(count) <= Fraction(high, 100):
        raise ValidationException(
            guessed(f"{member} must be {low}% to {high}% of the variant's total instance count, {count}.")
        )
