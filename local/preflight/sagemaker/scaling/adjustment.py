"""What a step scaling policy makes of a capacity, by how far the metric is beyond the alarm's threshold.

https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html
"""

import math

from preflight.sagemaker.scaling.request import StepAdjustment, StepScalingPolicyConfiguration


def adjusted(config: StepScalingPolicyConfiguration, capacity: int, beyond: float) -> int:
    """``beyond`` is the metric less the threshold. Without a step for it, ``capacity`` as it is."""
    step = next((each for each in config.step_adjustments if _holds(each, beyond)), None)
    if step is None:
        return capacity
    amount = step.scaling_adjustment
    match config.adjustment_type:
        case "ExactCapacity":
            return amount
        case "PercentChangeInCapacity":
            return capacity + _share(capacity * amount / 100, config.min_adjustment_magnitude)
    return capacity + amount


def _holds(step: StepAdjustment, beyond: float) -> bool:
    """A bound belongs to the step that is farther from the threshold."""
    low = -math.inf if step.metric_interval_lower_bound is None else step.metric_interval_lower_bound
    high = math.inf if step.metric_interval_upper_bound is None else step.metric_interval_upper_bound
    return low <= beyond < high if beyond >= 0 and high > 0 else low < beyond <= high


def _share(change: float, at_least: int) -> int:
    """Rounded as AWS does: towards zero, but never to it."""
    if change == 0:
        return 0
    size = max(1, math.floor(abs(change)), at_least)
    return size if change > 0 else -size
