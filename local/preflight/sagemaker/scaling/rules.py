"""What AWS asks of requests to Application Auto Scaling beyond the API's own model."""

import itertools
import re
from datetime import UTC, datetime

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.api.operation import RefusedCase
from preflight.sagemaker.scaling.record import INSTANCES, NAMESPACE, PROVISIONED
from preflight.sagemaker.scaling.request import (
    OfTarget,
    PutScalingPolicy,
    PutScheduledAction,
    StepScalingPolicyConfiguration,
    TargetTrackingScalingPolicyConfiguration,
)
from preflight.sagemaker.scaling.schedule import BadSchedule, read_schedule
from preflight.sagemaker.scaling.tracking import PREDEFINED

_RESOURCE = re.compile(r"endpoint/[A-Za-z0-9-]+/variant/[A-Za-z0-9-]+")
_MISFIT = "Unsupported service namespace, resource type or scalable dimension"
_OTHER_DIMENSIONS = ("sagemaker:inference-component:DesiredCopyCount",)
_CONFIGURATIONS = {
    "StepScaling": "StepScalingPolicyConfiguration",
    "TargetTrackingScaling": "TargetTrackingScalingPolicyConfiguration",
}
MAX_STEPS = 20
MAX_POLICIES = 50
_PREDICTIVE = RefusedCase("PutScalingPolicy", "PolicyType PredictiveScaling")
_OTHER_METRIC = RefusedCase("PutScalingPolicy", f"a PredefinedMetricType other than {' and '.join(PREDEFINED)}")
POLICIES_REFUSED = (_PREDICTIVE, _OTHER_METRIC)


def elsewhere(operation: str) -> tuple[RefusedCase, ...]:
    """What ``operation`` refuses of other services, and of SageMaker's other dimensions."""
    return (
        RefusedCase(operation, "a ServiceNamespace other than sagemaker"),
        *(RefusedCase(operation, f"ScalableDimension {dimension}") for dimension in _OTHER_DIMENSIONS),
    )


def require_here(operation: str, namespace: str, dimension: str | None) -> None:
    """Raises UnsupportedByPreflight for what AWS scales and Preflight does not, ValidationException for no such."""
    if namespace != NAMESPACE:
        raise RefusedCase(operation, f"ServiceNamespace {namespace}").error()
    if dimension in _OTHER_DIMENSIONS:
        raise RefusedCase(operation, f"ScalableDimension {dimension}").error()
    if dimension not in (None, INSTANCES, PROVISIONED):
        raise ValidationException(_MISFIT)


def require_variant(request: OfTarget) -> None:
    """Raises UnsupportedByPreflight or ValidationException if the request is about no endpoint's variant."""
    require_here(type(request).__name__, request.service_namespace, request.scalable_dimension)
    if not _RESOURCE.fullmatch(request.resource_id):
        raise ValidationException(_MISFIT)


def require_limits(low: int, high: int, dimension: str = INSTANCES) -> None:
    """Raises ValidationException."""
    if dimension == PROVISIONED and low == 0:
        raise ValidationException(guessed("Minimum capacity of provisioned concurrency must be 1 or more."))
    if low < 0 or high < 0:
        raise ValidationException(guessed("Minimum and maximum capacity must be 0 or more."))
    if low > high:
        raise ValidationException(guessed("Maximum capacity cannot be less than minimum capacity"))


def require_policy(request: PutScalingPolicy) -> None:
    """Raises UnsupportedByPreflight or ValidationException if it does not hold one whole configuration."""
    if request.policy_type == "PredictiveScaling":
        raise _PREDICTIVE.error()
    asked = [member for member in _CONFIGURATIONS.values() if member in request.as_asked()]
    if asked != [_CONFIGURATIONS[request.policy_type]]:
        raise ValidationException(
            guessed(f"A {request.policy_type} policy needs {_CONFIGURATIONS[request.policy_type]}, and no other.")
        )
    if steps := request.step_scaling_policy_configuration:
        _require_steps(steps)
    if tracking := request.target_tracking_scaling_policy_configuration:
        _require_tracking(tracking, request.scalable_dimension)


def require_schedule(request: PutScheduledAction) -> None:
    """Raises ValidationException."""
    action = request.scalable_target_action
    if request.schedule is None or action is None:
        raise ValidationException(guessed("Schedule and ScalableTargetAction are required."))
    low, high = action.min_capacity, action.max_capacity
    if low is None and high is None:
        raise ValidationException(guessed("ScalableTargetAction needs MinCapacity, MaxCapacity or both."))
    require_limits(low or 0, (low or 0) if high is None else high)
    if request.start_time and request.end_time and request.start_time >= request.end_time:
        raise ValidationException(guessed("StartTime must be before EndTime."))
    try:
        read_schedule(request.schedule, request.timezone, datetime.now(UTC))
    except BadSchedule as error:
        raise ValidationException(guessed(f"Invalid schedule expression {request.schedule}: {error}.")) from None


def _require_steps(config: StepScalingPolicyConfiguration) -> None:
    if config.adjustment_type is None or not config.step_adjustments:
        raise ValidationException(guessed("AdjustmentType and StepAdjustments are required."))
    if len(config.step_adjustments) > MAX_STEPS:
        raise ValidationException(guessed(f"A policy can have at most {MAX_STEPS} step adjustments."))
    if config.cooldown < 0:
        raise ValidationException(guessed("Cooldown must be 0 or more."))
    infinity = float("inf")
    ranges = []
    for step in config.step_adjustments:
        low, high = step.metric_interval_lower_bound, step.metric_interval_upper_bound
        if low is None and high is None and len(config.step_adjustments) > 1:
            raise ValidationException(guessed("A step adjustment needs a bound."))
        ranges.append((-infinity if low is None else low, infinity if high is None else high))
    ranges.sort()
    if any(low >= high for low, high in ranges):
        raise ValidationException(guessed("The lower bound of a step adjustment must be below its upper bound."))
    if any(before[1] > after[0] for before, after in itertools.pairwise(ranges)):
        raise ValidationException(guessed("Step adjustment intervals cannot overlap."))


def _require_tracking(config: TargetTrackingScalingPolicyConfiguration, dimension: str) -> None:
    predefined, custom = config.predefined_metric_specification, config.customized_metric_specification
    if (predefined is None) == (custom is None):
        raise ValidationException(
            guessed("Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification is required.")
        )
    if predefined and predefined.predefined_metric_type not in PREDEFINED:
        raise RefusedCase("PutScalingPolicy", f"PredefinedMetricType {predefined.predefined_metric_type}").error()
    if predefined and PREDEFINED[predefined.predefined_metric_type][0] != dimension:
        raise ValidationException(
            guessed(f"The metric {predefined.predefined_metric_type} is not of the scalable dimension {dimension}.")
        )
    if custom and not (custom.metric_name and custom.namespace and custom.statistic):
        raise ValidationException(guessed("A customized metric needs MetricName, Namespace and Statistic."))
    if config.target_value <= 0 or config.scale_in_cooldown < 0 or config.scale_out_cooldown < 0:
        raise ValidationException(guessed("TargetValue must be above 0, and cooldowns 0 or more."))
