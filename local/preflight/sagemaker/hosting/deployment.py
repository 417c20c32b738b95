"""Deployment: an endpoint on its way from one fleet to the next, and back if the next does not hold.

Blue/green starts the whole new fleet, then gives it the traffic, in steps if asked to. Rolling starts it in batches
and ends as much of the old one after each. After each step it bakes: an alarm that goes off meanwhile turns it back.
"""

import time
from collections.abc import Callable, Iterator

from botocore.exceptions import ClientError

from preflight.sagemaker.api.errors import guessed
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.clients import require_refusal
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.hosting.fleet import Fleet
from preflight.sagemaker.hosting.request import CapacitySize, DeploymentConfig, RollingUpdatePolicy
from preflight.sagemaker.hosting.variant import Variant
from preflight.sagemaker.serving.served_model import ServingError
from preflight.waiting import wait_until

ALARM_INTERVAL_SECONDS = 0.5
MAX_EXECUTION_SECONDS = 28_800
ALL_AT_ONCE = CapacitySize(type="CAPACITY_PERCENT", value=100)


class Deployment:
    """``shift`` gives the new fleet a share of the traffic, 0 to 1, and tells so; ``tell`` tells what is done to it."""

    def __init__(
        self,
        context: ServiceContext,
        scope: Scope,
        config: DeploymentConfig,
        old: Fleet | None,
        new: Fleet,
        shift: Callable[[float], None],
        tell: Callable[[], None],
    ) -> None:
        self._context, self._scope = context, scope
        self._config = config
        self._old, self._new = old, new
        self._old_counts: dict[str, int] = {}
        self._shift, self._tell = shift, tell
        policy = config.rolling_update_policy or config.blue_green_update_policy
        self._limit_seconds = (policy and policy.maximum_execution_timeout_in_seconds) or MAX_EXECUTION_SECONDS
        self._deadline = time.monotonic() + self._limit_seconds

    def run(self) -> None:
        """Return once the new fleet has all the traffic and has kept it; the old one may still run.

        Raises:
            ServingError: it did not; ``roll_back`` is next.
        """
        if self._old is None:
            self._new.start()
            return
        self._old_counts = {variant.name: variant.count for variant in self._old.variants}
        if self._config.rolling_update_policy:
            self._roll(self._old, self._config.rolling_update_policy)
        else:
            self._shift_traffic()

    def roll_back(self) -> None:
        """Give the old fleet, if there is one, all its instances and the traffic again, and stop the new one."""
        try:
            for variant in self._old.variants if self._old else ():
                self._restore(variant, self._old_counts[variant.name])
        finally:
            self._shift(0)
            self._new.drain(self._context.settings.stream_timeout_seconds)
            self._new.stop()

    def _restore(self, variant: Variant, count: int) -> None:
        """Bring a variant of the old fleet back to ``count`` instances, and its share of the traffic with them."""
        rolling = self._config.rolling_update_policy
        size = (rolling and rolling.rollback_maximum_batch_size) or ALL_AT_ONCE
        while variant.count < count:
            variant.scale(min(count, variant.count + size.instances_of(count)))
            self._shift(1 - variant.count / count)

    def _shift_traffic(self) -> None:
        self._new.start()
        policy = self._config.blue_green_update_policy
        wait_seconds = policy.traffic_routing_configuration.wait_interval_in_seconds if policy else 0
        for share in self._shares(min(variant.record.desired_count for variant in self._new.variants)):
            self._activate(share)
            self._bake(wait_seconds, "WaitIntervalInSeconds", share)
        self._bake(policy.termination_wait_in_seconds if policy else 0, "TerminationWaitInSeconds", 1)

    def _shares(self, count: int) -> Iterator[float]:
        """The new fleet's share of the traffic after each step of a blue/green deployment to ``count`` instances."""
        policy = self._config.blue_green_update_policy
        traffic = policy and policy.traffic_routing_configuration
        if traffic and traffic.canary_size:
            yield float(traffic.canary_size.share_of(count))
        if traffic and traffic.linear_step_size:
            step = share = traffic.linear_step_size.share_of(count)
            while share < 1:
                yield float(share)
                share += step
        yield 1.0

    def _roll(self, old: Fleet, policy: RollingUpdatePolicy) -> None:
        before, after = old.variants[0], self._new.variants[0]
        desired = after.record.desired_count
        batch = policy.maximum_batch_size.instances_of(desired)
        self._new.fetch_data()
        while after.count < desired:
            count = min(desired, after.count + batch)
            after.record.set_status("Creating", f"Launching {count - after.count} instance(s).")
            after.scale(count)
            share = count / desired
            self._activate(share)
            self._bake(policy.wait_interval_in_seconds, "WaitIntervalInSeconds", share)
            if share < 1:
                before.scale(max(1, round(self._old_counts[before.name] * (1 - share))))

    def _activate(self, share: float) -> None:
        self._set_status("ActivatingTraffic", "Activating traffic on", share)
        self._shift(share)

    def _set_status(self, status: str, words: str, share: float) -> None:
        """AWS publishes the words for a canary and for the whole; a linear or rolling step is taken for a canary."""
        part = "full" if share == 1 else "canary"
        for variant in self._new.variants:
            count = max(1, round(variant.record.desired_count * share))
            variant.record.set_status(status, f"{words} {part} capacity of {count} instance(s).")

    def _bake(self, seconds: float, member: str, share: float) -> None:
        """Wait, and raise ServingError if an alarm goes off or the deployment takes too long.

        ``member`` of the deployment configuration says how long.
        """
        self._set_status("Baking", f"Baking for {seconds} seconds ({member}) with traffic enabled on", share)
        if seconds:
            self._tell()
        wait_until(self._require_going_well, seconds, ALARM_INTERVAL_SECONDS)

    def _require_going_well(self) -> None:
        if alarmed := alarms_in_state(self._context, self._scope, self._config, "ALARM"):
            raise ServingError(
                guessed(f"The deployment was rolled back: CloudWatch alarms {', '.join(alarmed)} went off.")
            )
        if time.monotonic() >= self._deadline:
            raise ServingError(guessed(f"The deployment did not complete within {self._limit_seconds} seconds."))


def alarm_names(config: DeploymentConfig) -> list[str]:
    """The alarms that turn a deployment back."""
    return [alarm.alarm_name for alarm in config.auto_rollback_configuration.alarms if alarm.alarm_name is not None]


def alarms_in_state(
    context: ServiceContext, scope: Scope, config: DeploymentConfig, state: str | None = None
) -> list[str]:
    """Which of the configuration's alarms exist, and are in ``state`` if one is given."""
    names = alarm_names(config)
    if not names:
        return []
    client = context.services.client("cloudwatch", scope)
    try:
        alarms = client.describe_alarms(AlarmNames=names, AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    except ClientError as error:
        require_refusal(error)
        return []  # a name that no alarm can have
    found = [*alarms.get("MetricAlarms", ()), *alarms.get("CompositeAlarms", ())]
    return [alarm["AlarmName"] for alarm in found if state in (None, alarm["StateValue"])]
