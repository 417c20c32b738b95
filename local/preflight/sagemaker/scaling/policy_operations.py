"""The operations on scaling policies."""

import uuid

from botocore.exceptions import BotoCoreError, ClientError

from preflight.sagemaker.api.errors import guessed
from preflight.sagemaker.api.operation import Answer, operation
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.scaling.autoscaler import Autoscaler
from preflight.sagemaker.scaling.errors import (
    FailedResourceAccessException,
    LimitExceededException,
    ObjectNotFoundException,
)
from preflight.sagemaker.scaling.paging import page
from preflight.sagemaker.scaling.record import PolicyRecord, TargetRecord, alarms_of, describe_policy
from preflight.sagemaker.scaling.request import DeleteScalingPolicy, DescribeScalingPolicies, PutScalingPolicy
from preflight.sagemaker.scaling.rules import (
    MAX_POLICIES,
    POLICIES_REFUSED,
    elsewhere,
    require_here,
    require_policy,
    require_variant,
)
from preflight.sagemaker.scaling.targets import named
from preflight.sagemaker.scaling.tracking import HIGH, LOW, alarms


class ScalingPolicies:
    def __init__(self, context: ServiceContext, autoscaler: Autoscaler) -> None:
        self._services, self._lock = context.services, context.resources.lock
        self._autoscaler, self._targets = autoscaler, autoscaler.targets

    @operation(PutScalingPolicy, refuses=(*elsewhere("PutScalingPolicy"), *POLICIES_REFUSED))
    def put(self, scope: Scope, request: PutScalingPolicy) -> Answer:
        """Enter a policy, or put it in the place of the one of its name, which keeps its ARN and its alarms."""
        require_variant(request)
        require_policy(request)
        with self._lock:
            target = self._targets.require(scope, request)
            before = target.policies.get(request.policy_name)
            if before is None and len(target.policies) >= MAX_POLICIES:
                raise LimitExceededException(guessed(f"A target can have at most {MAX_POLICIES} scaling policies."))
        policy = _policy(target, request, before)
        self._put_alarms(target, policy)
        with self._lock:
            target.policies[request.policy_name] = policy
            if before and not policy.alarms:
                self._targets.let_go(target, before)
            if self._targets.find(scope, request) is not target:  # it went meanwhile
                self._targets.let_go(target, policy)
        self._autoscaler.delete_loose_alarms()
        return {"PolicyARN": policy.arn, "Alarms": alarms_of(target, policy)}

    @operation(DeleteScalingPolicy, refuses=elsewhere("DeleteScalingPolicy"))
    def delete(self, scope: Scope, request: DeleteScalingPolicy) -> Answer:
        require_variant(request)
        with self._lock:
            target = self._targets.find(scope, request)
            policy = target.policies.pop(request.policy_name, None) if target else None
            if target is None or policy is None:
                raise ObjectNotFoundException(
                    f"No scaling policy found for {named(request)}, policy name: {request.policy_name}"
                )
            self._targets.let_go(target, policy)
        self._autoscaler.delete_loose_alarms()
        return {}

    @operation(DescribeScalingPolicies, refuses=elsewhere("DescribeScalingPolicies"))
    def describe(self, scope: Scope, request: DescribeScalingPolicies) -> Answer:
        require_here("DescribeScalingPolicies", request.service_namespace, request.scalable_dimension)
        with self._lock:
            found = [
                describe_policy(target, policy)
                for target in self._targets.of(scope)
                if request.is_about(target.name, target.dimension)
                for name, policy in target.policies.items()
                if not request.policy_names or name in request.policy_names
            ]
        return page("ScalingPolicies", "PolicyARN", found, request)

    def _put_alarms(self, target: TargetRecord, policy: PolicyRecord) -> None:
        config = policy.request.target_tracking_scaling_policy_configuration
        if config is None:
            return
        cloudwatch = self._services.client("cloudwatch", target.scope)
        try:
            for alarm in alarms(target, policy, config):
                cloudwatch.put_metric_alarm(**alarm)
        except (ClientError, BotoCoreError) as error:
            with self._lock:
                self._targets.let_go(target, policy)
            raise FailedResourceAccessException(guessed(f"CloudWatch did not take an alarm: {error}")) from None


def _policy(target: TargetRecord, request: PutScalingPolicy, before: PolicyRecord | None) -> PolicyRecord:
    scope = target.scope
    where = f"arn:{scope.partition}:autoscaling:{scope.region}:{scope.account_id}:scalingPolicy:{uuid.uuid4()}"
    arn = before.arn if before else f"{where}:resource/sagemaker/{target.name}:policyName/{request.policy_name}"
    names: dict[str, str] = {}
    if request.target_tracking_scaling_policy_configuration:
        names = (before.alarms if before else {}) or {
            side: f"TargetTracking-{target.name}-Alarm{side}-{uuid.uuid4()}" for side in (HIGH, LOW)
        }
    return PolicyRecord(request=request, arn=arn, alarms=names)
