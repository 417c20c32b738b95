"""Alarms whose action is a scaling policy.

LocalStack knows actions of SNS and Lambda, and leaves out all others: a policy that only looked at an alarm's state now
and then would miss one that is over by then.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from localstack.aws.api import RequestContext
from localstack.services.cloudwatch.provider_v2 import CloudwatchProvider
from localstack.utils.aws import arns
from localstack.utils.patch import Patch

from preflight.hosts.localstack.services import LIFE
from preflight.sagemaker.life import ServiceGone

ALARM = "ALARM"
POLICY = ":scalingPolicy:"  # in its ARN


def patches() -> Iterator[Patch]:
    """Tell Application Auto Scaling of each alarm that goes into the state ALARM."""
    set_state = CloudwatchProvider.set_alarm_state

    def look(
        provider: CloudwatchProvider,
        context: RequestContext,
        alarm_name: str,
        state_value: str,
        state_reason: str,
        state_reason_data: str | None = None,
        **members: Any,
    ) -> None:
        alarm = _alarm(provider, context, alarm_name)  # before it changes
        set_state(provider, context, alarm_name, state_value, state_reason, state_reason_data, **members)
        if state_value != ALARM or alarm["StateValue"] == ALARM or not alarm["ActionsEnabled"]:
            return
        seen = {**alarm, "StateReasonData": state_reason_data}
        for action in alarm["AlarmActions"]:
            if POLICY in action:
                with contextlib.suppress(ServiceGone), LIFE.held() as service:
                    service.call_scaling_policy(action, seen)

    yield Patch(CloudwatchProvider, "set_alarm_state", look)


def _alarm(provider: CloudwatchProvider, context: RequestContext, name: str) -> dict[str, Any]:
    """What CloudWatch keeps of an alarm; nothing if there is none, which it then says itself."""
    store = provider.get_store(context.account_id, context.region)
    found = store.alarms.get(arns.cloudwatch_alarm_arn(name, context.account_id, context.region))
    return dict(found.alarm) if found else {}
