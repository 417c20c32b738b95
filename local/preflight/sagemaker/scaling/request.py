"""The requests of Application Auto Scaling, as typed objects.

https://docs.aws.amazon.com/autoscaling/application/APIReference/Welcome.html
"""

from datetime import datetime

from pydantic import Field

from preflight.sagemaker.api.shape import Shape, described

DEFAULT_COOLDOWN_SECONDS = 300  # of variants


class OfTarget(Shape):
    """What is about one scalable target."""

    service_namespace: str
    resource_id: str
    scalable_dimension: str


class PageOfTargets(Shape):
    """What lists, all or of some target."""

    service_namespace: str
    scalable_dimension: str | None = None
    max_results: int | None = None
    next_token: str | None = None


class PageOfTarget(PageOfTargets):
    """What lists what targets have, of all or of one."""

    resource_id: str | None = None

    def is_about(self, resource_id: str, dimension: str) -> bool:
        return self.resource_id in (None, resource_id) and self.scalable_dimension in (None, dimension)


class SuspendedState(Shape):
    dynamic_scaling_in_suspended: bool = False
    dynamic_scaling_out_suspended: bool = False
    scheduled_scaling_suspended: bool = False


class RegisterScalableTarget(OfTarget):
    min_capacity: int | None = None
    max_capacity: int | None = None
    role_arn: str | None = described(alias="RoleARN")
    suspended_state: SuspendedState | None = None
    tags: dict[str, str] = Field(default_factory=dict)


class DeregisterScalableTarget(OfTarget):
    pass


class DescribeScalableTargets(PageOfTargets):
    resource_ids: tuple[str, ...] = ()


class MetricDimension(Shape):
    name: str
    value: str


class PredefinedMetricSpecification(Shape):
    predefined_metric_type: str


class CustomizedMetricSpecification(Shape):
    metric_name: str | None = None
    namespace: str | None = None
    dimensions: tuple[MetricDimension, ...] = ()
    statistic: str | None = None
    unit: str | None = None


class TargetTrackingScalingPolicyConfiguration(Shape):
    target_value: float
    predefined_metric_specification: PredefinedMetricSpecification | None = None
    customized_metric_specification: CustomizedMetricSpecification | None = None
    scale_out_cooldown: int = DEFAULT_COOLDOWN_SECONDS
    scale_in_cooldown: int = DEFAULT_COOLDOWN_SECONDS
    disable_scale_in: bool = False


class StepAdjustment(Shape):
    metric_interval_lower_bound: float | None = None
    metric_interval_upper_bound: float | None = None
    scaling_adjustment: int


class StepScalingPolicyConfiguration(Shape):
    adjustment_type: str | None = None
    step_adjustments: tuple[StepAdjustment, ...] = ()
    min_adjustment_magnitude: int = 0
    cooldown: int = DEFAULT_COOLDOWN_SECONDS
    metric_aggregation_type: str = "Average"


class PutScalingPolicy(OfTarget):
    policy_name: str
    policy_type: str = "StepScaling"
    step_scaling_policy_configuration: StepScalingPolicyConfiguration | None = None
    target_tracking_scaling_policy_configuration: TargetTrackingScalingPolicyConfiguration | None = None


class DeleteScalingPolicy(OfTarget):
    policy_name: str


class DescribeScalingPolicies(PageOfTarget):
    policy_names: tuple[str, ...] = ()


class ScalableTargetAction(Shape):
    min_capacity: int | None = None
    max_capacity: int | None = None


class PutScheduledAction(OfTarget):
    scheduled_action_name: str
    schedule: str | None = None
    timezone: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    scalable_target_action: ScalableTargetAction | None = None


class DeleteScheduledAction(OfTarget):
    scheduled_action_name: str


class DescribeScheduledActions(PageOfTarget):
    scheduled_action_names: tuple[str, ...] = ()


class DescribeScalingActivities(PageOfTarget):
    pass


class TagResource(Shape):
    resource_arn: str = Field(alias="ResourceARN")
    tags: dict[str, str]


class UntagResource(Shape):
    resource_arn: str = Field(alias="ResourceARN")
    tag_keys: tuple[str, ...]


class ListTagsForResource(Shape):
    resource_arn: str = Field(alias="ResourceARN")
