"""The operations on scalable targets, their activities and their tags."""

from collections.abc import Mapping
from typing import Any

from preflight.sagemaker.api.errors import ServiceError, ValidationException, guessed
from preflight.sagemaker.api.operation import Answer, operation
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.resources.tags import MAX_TAGS, Tag
from preflight.sagemaker.scaling.autoscaler import Autoscaler
from preflight.sagemaker.scaling.errors import TooManyTagsException
from preflight.sagemaker.scaling.paging import page
from preflight.sagemaker.scaling.record import (
    TargetRecord,
    describe_activity,
    describe_target,
)
from preflight.sagemaker.scaling.request import (
    DeregisterScalableTarget,
    DescribeScalableTargets,
    DescribeScalingActivities,
    ListTagsForResource,
    RegisterScalableTarget,
    TagResource,
    UntagResource,
)
from preflight.sagemaker.scaling.rules import elsewhere, require_here, require_limits, require_variant
from preflight.sagemaker.scaling.targets import new_arn
from preflight.sagemaker.scaling.variant import find_variant


class ScalableTargets:
    def __init__(self, context: ServiceContext, autoscaler: Autoscaler) -> None:
        self._lock, self._tags = context.resources.lock, context.resources.tags
        self._autoscaler, self._targets = autoscaler, autoscaler.targets

    @operation(RegisterScalableTarget, refuses=elsewhere("RegisterScalableTarget"))
    def register(self, scope: Scope, request: RegisterScalableTarget) -> Answer:
        """Enter a target, or change one; AWS acts as its own service-linked role, whatever RoleARN says."""
        require_variant(request)
        with self._lock:
            target = self._targets.find(scope, request)
            if target is None:
                target = self._new(scope, request)
                self._tag(target.arn, request.tags)
                self._targets.add(target)
            else:
                self._change(target, request)
            if request.suspended_state:
                target.suspended = request.suspended_state
        self._autoscaler.wake()
        return {"ScalableTargetARN": target.arn}

    @operation(DeregisterScalableTarget, refuses=elsewhere("DeregisterScalableTarget"))
    def deregister(self, scope: Scope, request: DeregisterScalableTarget) -> Answer:
        require_variant(request)
        with self._lock:
            target = self._targets.require(scope, request)
            self._targets.remove(target)
        self._autoscaler.delete_loose_alarms()
        return {}

    @operation(DescribeScalableTargets, refuses=elsewhere("DescribeScalableTargets"))
    def describe(self, scope: Scope, request: DescribeScalableTargets) -> Answer:
        require_here("DescribeScalableTargets", request.service_namespace, request.scalable_dimension)
        with self._lock:
            found = [
                describe_target(target)
                for target in self._targets.of(scope)
                if request.scalable_dimension in (None, target.dimension)
                if not request.resource_ids or target.name in request.resource_ids
            ]
        return page("ScalableTargets", "ScalableTargetARN", found, request)

    @operation(DescribeScalingActivities, refuses=elsewhere("DescribeScalingActivities"))
    def describe_activities(self, scope: Scope, request: DescribeScalingActivities) -> Answer:
        require_here("DescribeScalingActivities", request.service_namespace, request.scalable_dimension)
        with self._lock:
            found = [
                describe_activity(target, activity)
                for target in self._targets.of(scope)
                if request.is_about(target.name, target.dimension)
                for activity in target.activities
            ]
        found.sort(key=lambda activity: activity["StartTime"], reverse=True)
        return page("ScalingActivities", "ActivityId", found, request)

    @operation(TagResource)
    def tag(self, scope: Scope, request: TagResource) -> Answer:
        with self._lock:
            self._tag(self._targets.require_arn(scope, request.resource_arn).arn, request.tags)
        return {}

    @operation(UntagResource)
    def untag(self, scope: Scope, request: UntagResource) -> Answer:
        with self._lock:
            self._tags.delete(self._targets.require_arn(scope, request.resource_arn).arn, request.tag_keys)
        return {}

    @operation(ListTagsForResource)
    def list_tags(self, scope: Scope, request: ListTagsForResource) -> Answer:
        with self._lock:
            return {"Tags": dict(self._tags.of(self._targets.require_arn(scope, request.resource_arn).arn))}

    def _new(self, scope: Scope, request: RegisterScalableTarget) -> TargetRecord:
        low, high = request.min_capacity, request.max_capacity
        if low is None or high is None:
            raise ValidationException(
                guessed("MinCapacity and MaxCapacity are required to register a new scalable target")
            )
        require_limits(low, high, request.scalable_dimension)
        target = TargetRecord(
            scope=scope,
            name=request.resource_id,
            arn=new_arn(scope),
            dimension=request.scalable_dimension,
            min_capacity=low,
            max_capacity=high,
        )
        self._require_scalable(target)
        return target

    def _change(self, target: TargetRecord, request: RegisterScalableTarget) -> None:
        low = target.min_capacity if request.min_capacity is None else request.min_capacity
        high = target.max_capacity if request.max_capacity is None else request.max_capacity
        require_limits(low, high, target.dimension)
        target.min_capacity, target.max_capacity = low, high

    def _require_scalable(self, target: TargetRecord) -> None:
        """Raises ValidationException if there is no such variant, or it has nothing to scale."""
        try:
            variant = find_variant(self._autoscaler.call, target)
        except ServiceError as error:
            raise ValidationException(error.message) from None
        if variant is None:
            raise ValidationException(guessed(f"Could not find a variant that can be scaled: {target.name}."))

    def _tag(self, arn: str, tags: Mapping[str, str]) -> None:
        if len({**self._tags.of(arn), **tags}) > MAX_TAGS:
            raise TooManyTagsException(guessed(f"The resource {arn} would have more than {MAX_TAGS} tags."))
        new: list[Any] = [Tag(key=key, value=value) for key, value in tags.items()]
        self._tags.add(arn, new)
