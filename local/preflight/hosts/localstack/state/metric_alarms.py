"""CloudWatch's alarms, which LocalStack schedules anew for one account only, by a request to each region there is."""

import threading
from typing import Any

from localstack.services.cloudwatch.models import cloudwatch_stores


def make_anew(provider: Any) -> None:
    """Let ``provider`` watch the metrics of each alarm in its store, once it is up: it asks itself for each alarm."""
    arns = [
        arn
        for _, _, store in cloudwatch_stores.iter_stores()
        for arn, alarm in store.alarms.items()
        if "MetricName" in alarm.alarm
    ]
    threading.Thread(
        target=_schedule, args=(provider.alarm_scheduler, arns), name="restore-alarms", daemon=True
    ).start()


def _schedule(scheduler: Any, arns: list[str]) -> None:
    for arn in arns:
        scheduler.schedule_metric_alarm(alarm_arn=arn)
