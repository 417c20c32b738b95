"""What is known of a scalable target: its limits, policies, scheduled actions and activities, as plain data."""

import uuid
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field

from preflight.sagemaker.api.errors import guessed
from preflight.sagemaker.resources.record import Record
from preflight.sagemaker.scaling.request import (
    PutScalingPolicy,
    PutScheduledAction,
    SuspendedState,
)

SERVICE = "application-autoscaling"
NAMESPACE = "sagemaker"  # of those that it scales
INSTANCES = "sagemaker:variant:DesiredInstanceCount"
PROVISIONED = "sagemaker:variant:DesiredProvisionedConcurrency"  # of serverless variants
MAX_ACTIVITIES = 200  # of one target that are remembered


def _now() -> datetime:
    return datetime.now(UTC)


class PolicyRecord(BaseModel):
    """``alarms`` are its own, by ``High`` and ``Low``. The cooldowns run until these moments.

    ``base`` is the capacity before the scale-out whose cooldown runs.
    """

    request: PutScalingPolicy
    arn: str
    creation_time: datetime = Field(default_factory=_now)
    alarms: dict[str, str] = Field(default_factory=dict)
    out_until: datetime = datetime.min.replace(tzinfo=UTC)
    in_until: datetime = datetime.min.replace(tzinfo=UTC)
    base: int = 0


class ScheduledActionRecord(BaseModel):
    """``looked_at`` is the moment up to which it was seen whether it is due; that it moves on is no change."""

    request: PutScheduledAction
    arn: str
    creation_time: datetime = Field(default_factory=_now)
    looked_at: datetime = Field(default_factory=_now, exclude=True)


class ActivityRecord(BaseModel):
    """One change of capacity."""

    id: str = Field(default_factory=lambda: str(uuid.uuid4()))
    capacity: int
    cause: str
    status: str = "InProgress"
    message: str = ""
    start_time: datetime = Field(default_factory=_now)
    end_time: datetime | None = None

    def end(self, status: str, message: str) -> None:
        self.status, self.message, self.end_time = status, message, _now()


class TargetRecord(Record):
    """A variant that may be scaled; ``name`` is its ResourceId."""

    dimension: str = INSTANCES
    min_capacity: int
    max_capacity: int
    suspended: SuspendedState = SuspendedState()
    policies: dict[str, PolicyRecord] = Field(default_factory=dict)
    scheduled_actions: dict[str, ScheduledActionRecord] = Field(default_factory=dict)
    activities: list[ActivityRecord] = Field(default_factory=list)

    @property
    def is_settled(self) -> bool:
        """It acts by itself, and its alarms are CloudWatch's."""
        return False

    @property
    def endpoint_name(self) -> str:
        return self.name.split("/")[1]

    @property
    def variant_name(self) -> str:
        return self.name.split("/")[3]

    @property
    def key(self) -> dict[str, str]:
        """What names it in every answer."""
        return {"ServiceNamespace": NAMESPACE, "ResourceId": self.name, "ScalableDimension": self.dimension}

    @property
    def measure(self) -> str:
        """What its capacity is, in the words of its activities."""
        return "desired instance count" if self.dimension == INSTANCES else guessed("desired provisioned concurrency")

    @property
    def running(self) -> ActivityRecord | None:
        """The activity that is under way."""
        last = self.activities[-1] if self.activities else None
        return last if last and last.status == "InProgress" else None

    def note(self, activity: ActivityRecord) -> None:
        self.activities = [*self.activities, activity][-MAX_ACTIVITIES:]


def describe_target(target: TargetRecord) -> dict[str, Any]:
    scope = target.scope
    role = "sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
    return {
        **target.key,
        "MinCapacity": target.min_capacity,
        "MaxCapacity": target.max_capacity,
        "RoleARN": f"arn:{scope.partition}:iam::{scope.account_id}:role/aws-service-role/{role}",
        "CreationTime": target.creation_time,
        "SuspendedState": target.suspended.model_dump(by_alias=True),
        "ScalableTargetARN": target.arn,
    }


def describe_policy(target: TargetRecord, policy: PolicyRecord) -> dict[str, Any]:
    asked = policy.request.as_asked()
    shown = ("StepScalingPolicyConfiguration", "TargetTrackingScalingPolicyConfiguration")
    return {
        "PolicyARN": policy.arn,
        "PolicyName": policy.request.policy_name,
        **target.key,
        "PolicyType": policy.request.policy_type,
        **{member: asked[member] for member in shown if member in asked},
        "Alarms": alarms_of(target, policy),
        "CreationTime": policy.creation_time,
    }


def alarms_of(target: TargetRecord, policy: PolicyRecord) -> list[dict[str, str]]:
    scope = target.scope
    start = f"arn:{scope.partition}:cloudwatch:{scope.region}:{scope.account_id}:alarm:"
    return [{"AlarmName": name, "AlarmARN": start + name} for name in policy.alarms.values()]


def describe_scheduled_action(target: TargetRecord, action: ScheduledActionRecord) -> dict[str, Any]:
    asked = action.request.as_asked()
    shown = ("Timezone", "StartTime", "EndTime", "ScalableTargetAction")
    return {
        "ScheduledActionName": action.request.scheduled_action_name,
        "ScheduledActionARN": action.arn,
        **target.key,
        "Schedule": action.request.schedule,
        **{member: asked[member] for member in shown if member in asked},
        "CreationTime": action.creation_time,
    }


def describe_activity(target: TargetRecord, activity: ActivityRecord) -> dict[str, Any]:
    return {
        "ActivityId": activity.id,
        **target.key,
        "Description": f"Setting {target.measure} to {activity.capacity}.",
        "Cause": activity.cause,
        "StartTime": activity.start_time,
        **({"EndTime": activity.end_time} if activity.end_time else {}),
        "StatusCode": activity.status,
        "StatusMessage": activity.message,
    }
