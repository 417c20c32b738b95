"""Autoscaler: looks at every scalable target once a second, and changes what its schedule and its policies ask for.

One thread, as long as there are targets. A target's limits come first, then its policies, once a minute and when an
alarm calls one, while its endpoint is InService and no change of its own is under way. A change is an activity until
the endpoint has made it.
"""

import functools
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from preflight.sagemaker.api.errors import ServiceError, guessed
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.scaling import tracking
from preflight.sagemaker.scaling.adjustment import adjusted
from preflight.sagemaker.scaling.alarms import Alarm, alarms_that_call
from preflight.sagemaker.scaling.record import ActivityRecord, PolicyRecord, ScheduledActionRecord, TargetRecord
from preflight.sagemaker.scaling.request import (
    StepScalingPolicyConfiguration,
    TargetTrackingScalingPolicyConfiguration,
)
from preflight.sagemaker.scaling.schedule import read_schedule
from preflight.sagemaker.scaling.targets import Targets
from preflight.sagemaker.scaling.variant import Call, Variant, find_variant, set_capacity

LOG = logging.getLogger(__name__)
LOOK_SECONDS = 1.0
RETRY = timedelta(seconds=10)  # after a change that was refused or failed
END_SECONDS = 10.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class _Wish:
    """What one policy asks for; as much as there is if it wants to keep that."""

    policy: PolicyRecord
    capacity: int
    alarm: str


class Autoscaler:
    """``call`` carries out SageMaker's own operations."""

    def __init__(self, context: ServiceContext, call: Call) -> None:
        self.targets = Targets(context)
        self.call = call
        self._context = context
        self._lock = context.resources.lock
        self._minute = timedelta(seconds=context.settings.scaling_minute_seconds)
        self._evaluated: dict[str, int] = {}  # by the target's ARN: the last minute
        self._called: dict[str, Alarm] = {}  # by the policy's ARN: the alarm that calls it, and was not heard yet
        self._heard: dict[str, datetime] = {}  # by the policy's ARN: when an alarm's call was last heard
        self._thread: threading.Thread | None = None
        self._is_over = threading.Event()

    def wake(self) -> None:
        """There is a target."""
        with self._lock:
            if self._thread is None and not self._is_over.is_set():
                self._thread = threading.Thread(target=self._run, name="autoscaler", daemon=True)
                self._thread.start()

    def call_policy(self, policy_arn: str, alarm: Alarm) -> None:
        """An alarm goes into ALARM, whose action is this policy: it is followed with the next look."""
        with self._lock:
            if any(policy.arn == policy_arn for target in self.targets for policy in target.policies.values()):
                self._called[policy_arn] = alarm

    def close(self) -> None:
        """Change nothing more: the stack goes down."""
        self._is_over.set()
        thread = self._thread
        if thread is not None:
            thread.join(END_SECONDS)

    def delete_loose_alarms(self) -> None:
        """Delete the alarms of what is gone."""
        with self._lock:
            loose, self.targets.loose_alarms = self.targets.loose_alarms, []
        for scope, name in loose:
            delete = functools.partial(self._cloudwatch(scope).delete_alarms, AlarmNames=[name])
            _tolerant(delete, f"Alarm {name} stays")

    def _run(self) -> None:
        while not self._is_over.wait(LOOK_SECONDS):
            self.delete_loose_alarms()
            with self._lock:
                targets = list(self.targets)
                if not targets and not self.targets.loose_alarms:
                    self._thread = None
                    self._evaluated.clear()
                    self._called.clear()
                    self._heard.clear()
                    return
            for target in targets:
                look = functools.partial(self._look_at, target, datetime.now(UTC))
                if not self._is_over.is_set():
                    _tolerant(look, f"{target.name} is not scaled")

    def _look_at(self, target: TargetRecord, now: datetime) -> None:
        self._run_schedule(target, now)
        variant = find_variant(self.call, target)
        if variant is None or not variant.is_settled:
            return
        if activity := target.running:
            self._end(target, activity, variant)
        last = target.activities[-1] if target.activities else None
        if last and last.end_time and last.status == "Failed" and now - last.end_time < RETRY:
            return
        if self._keep_within_limits(target, variant.capacity):
            return
        minute = (now - _EPOCH) // self._minute
        called = self._hear(target, now)
        if target.policies and (called or self._evaluated.get(target.arn) != minute):
            self._evaluated[target.arn] = minute
            self._follow_policies(target, variant.capacity, called, now, _EPOCH + minute * self._minute)

    # --- limits and schedule ---

    def _run_schedule(self, target: TargetRecord, now: datetime) -> None:
        with self._lock:
            for action in target.scheduled_actions.values():
                is_due = _is_due(action, now)
                action.looked_at = now
                if (
                    is_due
                    and action.request.scalable_target_action
                    and not target.suspended.scheduled_scaling_suspended
                ):
                    wanted = action.request.scalable_target_action
                    low = target.min_capacity if wanted.min_capacity is None else wanted.min_capacity
                    high = target.max_capacity if wanted.max_capacity is None else wanted.max_capacity
                    # One that is given moves the other out of its way.
                    target.min_capacity = low if wanted.min_capacity is not None else min(low, high)
                    target.max_capacity = max(high, target.min_capacity)

    def _keep_within_limits(self, target: TargetRecord, capacity: int) -> bool:
        """Whether the capacity is beyond a limit, and on its way back."""
        if capacity < target.min_capacity:
            self._change(target, target.min_capacity, f"minimum capacity was set to {target.min_capacity}")
        elif capacity > target.max_capacity:
            self._change(target, target.max_capacity, f"maximum capacity was set to {target.max_capacity}")
        else:
            return False
        return True

    # --- policies ---

    def _hear(self, target: TargetRecord, now: datetime) -> dict[str, Alarm]:
        """The alarms that call policies of ``target``, each once."""
        with self._lock:
            arns = self._called.keys() & {policy.arn for policy in target.policies.values()}
            self._heard |= dict.fromkeys(arns, now)
            return {arn: self._called.pop(arn) for arn in arns}

    def _calling(self, target: TargetRecord, called: dict[str, Alarm], now: datetime) -> dict[str, Alarm]:
        """By policy: an alarm that calls now, or has stayed in ALARM for a minute since it did."""
        steps = {policy.arn for policy in target.policies.values() if policy.request.step_scaling_policy_configuration}
        waiting = {arn for arn in steps if now - self._heard.get(arn, _EPOCH) >= self._minute}
        return (alarms_that_call(self._cloudwatch(target.scope), waiting) if waiting else {}) | called

    def _follow_policies(
        self, target: TargetRecord, capacity: int, called: dict[str, Alarm], now: datetime, end: datetime
    ) -> None:
        """Do what the policies ask for after the minute that ended at ``end``: out if one wants, in if all do."""
        wishes = self._wishes(target, capacity, called, now, end)
        more = [wish for wish in wishes if wish.capacity > capacity]
        less = [wish for wish in wishes if wish.capacity < capacity]
        is_kept = any(wish.capacity == capacity for wish in wishes)
        if more and not target.suspended.dynamic_scaling_out_suspended:
            chosen = max(more, key=lambda wish: wish.capacity)
        elif less and not more and not is_kept and not target.suspended.dynamic_scaling_in_suspended:
            if any(now < max(policy.in_until, policy.out_until) for policy in target.policies.values()):
                return
            chosen = max(less, key=lambda wish: wish.capacity)
        else:
            return
        wanted = min(max(chosen.capacity, target.min_capacity), target.max_capacity)
        if wanted == capacity:
            return
        name = chosen.policy.request.policy_name
        cause = f"monitor alarm {chosen.alarm} in state ALARM triggered policy {name}"
        if self._change(target, wanted, cause):
            self._cool_down(target, chosen.policy, capacity, wanted, now)

    def _wishes(
        self, target: TargetRecord, capacity: int, called: dict[str, Alarm], now: datetime, end: datetime
    ) -> list[_Wish]:
        with self._lock:
            policies = list(target.policies.values())
        calling = self._calling(target, called, now)
        wishes: list[_Wish | None] = []
        for policy in policies:
            if config := policy.request.target_tracking_scaling_policy_configuration:
                wishes.append(self._tracked(target, policy, config, capacity, end))
            elif (stepping := policy.request.step_scaling_policy_configuration) and policy.arn in calling:
                wishes.append(_stepped(policy, stepping, capacity, calling[policy.arn], now))
        return [wish for wish in wishes if wish]

    def _tracked(
        self,
        target: TargetRecord,
        policy: PolicyRecord,
        config: TargetTrackingScalingPolicyConfiguration,
        capacity: int,
        end: datetime,
    ) -> _Wish | None:
        """By the minutes since the last change: those before it tell of another capacity."""
        since = max([policy.creation_time, *(each.end_time for each in target.activities[-1:] if each.end_time)])
        minutes = min(tracking.MINUTES[tracking.LOW], (end - since) // self._minute)
        if minutes < tracking.MINUTES[tracking.HIGH]:
            return _Wish(policy, capacity, "")
        self._context.metrics.flush()
        cloudwatch = self._cloudwatch(target.scope)
        values = tracking.Metric.of(target, config).values(cloudwatch, end, minutes, self._minute)
        states = tracking.states(config, values)
        self._tell(cloudwatch, policy, states)
        known = [value for value in values if value is not None]
        need = tracking.needed(config, capacity, known[-1]) if known else capacity
        if states[tracking.HIGH] == "ALARM":
            return _Wish(policy, need, policy.alarms[tracking.HIGH])
        if config.disable_scale_in:
            return None
        is_low = states[tracking.LOW] == "ALARM"
        return _Wish(policy, min(need, capacity) if is_low else capacity, policy.alarms[tracking.LOW])

    def _tell(self, cloudwatch: Any, policy: PolicyRecord, states: Mapping[str, str]) -> None:
        """CloudWatch shows the alarms as they are seen here."""
        names = list(policy.alarms.values())
        shown = {
            alarm["AlarmName"]: alarm["StateValue"]
            for alarm in cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"]
        }
        for side, name in policy.alarms.items():
            if shown.get(name, states[side]) != states[side]:
                reason = guessed("Threshold Crossed") if states[side] == "ALARM" else guessed("Threshold not crossed")
                cloudwatch.set_alarm_state(AlarmName=name, StateValue=states[side], StateReason=reason)

    def _cool_down(self, target: TargetRecord, policy: PolicyRecord, before: int, wanted: int, now: datetime) -> None:
        with self._lock:
            out_seconds, in_seconds = _cooldowns(policy)
            if wanted < before:
                policy.in_until = now + in_seconds * self._minute / 60
                return
            if now >= policy.out_until:
                policy.base = before
            policy.out_until = now + out_seconds * self._minute / 60
            for each in target.policies.values():
                each.in_until = now

    # --- activities ---

    def _change(self, target: TargetRecord, capacity: int, cause: str) -> bool:
        """Whether SageMaker has taken up the change, which is an activity now."""
        activity = ActivityRecord(capacity=capacity, cause=cause)
        waiting = "Waiting for change to be fulfilled by sagemaker."
        activity.message = f"Successfully set {target.measure} to {capacity}. {waiting}"
        try:
            set_capacity(self.call, target, capacity)
        except ServiceError as error:
            activity.end("Failed", _failure(target, capacity, error.message))
        with self._lock:
            target.note(activity)
        return activity.end_time is None

    def _end(self, target: TargetRecord, activity: ActivityRecord, variant: Variant) -> None:
        done = f"Successfully set {target.measure} to {activity.capacity}. "
        with self._lock:
            if variant.capacity == activity.capacity:
                activity.end("Successful", done + "Change successfully fulfilled by sagemaker.")
            else:
                reason = variant.failure or guessed("the capacity was changed meanwhile.")
                activity.end("Failed", _failure(target, activity.capacity, reason))

    def _cloudwatch(self, scope: Scope) -> Any:
        return self._context.services.client("cloudwatch", scope)


def _is_due(action: ScheduledActionRecord, now: datetime) -> bool:
    request = action.request
    if (request.start_time and now < request.start_time) or (request.end_time and now > request.end_time):
        return False
    anchor = request.start_time or action.creation_time
    return read_schedule(request.schedule or "", request.timezone, anchor)(action.looked_at, now)


def _stepped(
    policy: PolicyRecord, config: StepScalingPolicyConfiguration, capacity: int, alarm: Alarm, now: datetime
) -> _Wish | None:
    """During a cooldown only what is beyond the step that began it counts."""
    base = policy.base if now < policy.out_until else capacity
    wanted = max(0, adjusted(config, base, alarm.beyond))
    if wanted == capacity or (now < policy.out_until and wanted < capacity):
        return None
    return _Wish(policy, wanted, alarm.name)


def _cooldowns(policy: PolicyRecord) -> tuple[int, int]:
    """Of scale-out and of scale-in, in seconds."""
    if config := policy.request.target_tracking_scaling_policy_configuration:
        return config.scale_out_cooldown, config.scale_in_cooldown
    steps = policy.request.step_scaling_policy_configuration
    return (steps.cooldown, steps.cooldown) if steps else (0, 0)


def _failure(target: TargetRecord, capacity: int, reason: str) -> str:
    return f"Failed to set {target.measure} to {capacity}. Reason: {reason}"


def _tolerant(work: Callable[[], object], trouble: str) -> None:
    """Do ``work``; what fails is tried again with the next look."""
    try:
        work()
    except (ServiceError, ClientError, BotoCoreError) as error:
        LOG.warning("%s: %s", trouble, error)
    except Exception:
        LOG.exception("%s: Preflight failed.", trouble)
