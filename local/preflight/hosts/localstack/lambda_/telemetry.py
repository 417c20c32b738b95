"""Writes functions' logs and metrics in batches, away from the invocations.

An invocation leaves a note, and a batch is written a moment later. ``patches/function_telemetry.py`` puts this in the
place of LocalStack's own.
"""

import logging
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import batched
from queue import Empty
from typing import Any, ClassVar, Self

from botocore.config import Config
from localstack.aws.connect import connect_to
from localstack.runtime import get_current_runtime
from localstack.services.lambda_.invocation.logs import QUEUE_SHUTDOWN, LogHandler, LogItem
from localstack.utils.aws.client_types import ServicePrincipal
from localstack.utils.bootstrap import is_api_enabled

from preflight.hosts.localstack.lambda_.output import InvocationLog

LOG = logging.getLogger(__name__)

BATCH_SECONDS = 0.5
EVENTS_PER_CALL = 10_000  # AWS's limit of PutLogEvents

Stream = tuple[str, str]


class BatchedLogHandler(LogHandler):
    """The writer of one function version's logs; LocalStack starts and stops it with the version."""

    _running: ClassVar[dict[tuple[str, str], Self]] = {}  # by role and region, which is all that writing takes

    @classmethod
    def running(cls, role_arn: str, region: str) -> Self | None:
        """One that writes as this role; None if there is none any more."""
        return cls._running.get((role_arn, region))

    def start_subscriber(self) -> None:
        """Begin to write."""
        super().start_subscriber()
        self._running[self.role_arn, self.region] = self

    def stop(self) -> None:
        """Write what is left, and end."""
        if self._running.get((self.role_arn, self.region)) is self:
            del self._running[self.role_arn, self.region]
        super().stop()

    def add_logs(self, log_item: LogItem) -> None:
        """Take an invocation's log, or what is not written of it yet. Never blocks."""
        if is_api_enabled("logs"):
            if isinstance(log_item.logs, InvocationLog):
                log_item = replace(log_item, logs=log_item.logs[log_item.logs.written :])
            self.log_queue.put((int(time.time() * 1000), log_item))

    def run_log_loop(self, *args: object, **kwargs: object) -> None:
        """Write what comes in until the version is stopped, and then what is left."""
        client = connect_to.with_assumed_role(
            region_name=self.region,
            role_arn=self.role_arn,
            service_principal=ServicePrincipal.lambda_,
            config=Config(retries={"total_max_attempts": 1}),
        ).logs
        is_open = True
        while is_open:
            items = [self.log_queue.get()]
            self._shutdown_event.wait(BATCH_SECONDS)
            items += self._waiting()
            is_open = QUEUE_SHUTDOWN not in items
            if is_stack_stopping():
                return
            for stream, events in _by_stream(item for item in items if item is not QUEUE_SHUTDOWN).items():
                self._write(client, stream, events)

    def _waiting(self) -> list[Any]:
        items = []
        try:
            while True:
                items.append(self.log_queue.get_nowait())
        except Empty:
            return items

    def _write(self, client: Any, stream: Stream, events: list[dict[str, Any]]) -> None:
        group_name, stream_name = stream
        target = {"logGroupName": group_name, "logStreamName": stream_name}
        try:
            for batch in batched(events, EVENTS_PER_CALL):
                try:
                    client.put_log_events(**target, logEvents=list(batch))
                except client.exceptions.ResourceNotFoundException:
                    _create_stream(client, target)
                    client.put_log_events(**target, logEvents=list(batch))
        except Exception as error:
            LOG.warning("Cannot write logs to %s in %s: %s", group_name, self.region, error)


class BatchedMetrics:
    """Counts invocations and errors of all functions, and writes the counts."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str, str]] = Counter()
        self._lock = threading.Lock()

    def record_invocation(self, function_name: str, account_id: str, region_name: str) -> None:
        """Count one invocation that went well."""
        self._count(account_id, region_name, function_name, "Invocations")

    def record_error(self, function_name: str, account_id: str, region_name: str) -> None:
        """Count one invocation that ended with an error."""
        self._count(account_id, region_name, function_name, "Invocations", "Errors")

    def _count(self, account_id: str, region_name: str, function_name: str, *metrics: str) -> None:
        with self._lock:
            if not self._counts:
                timer = threading.Timer(BATCH_SECONDS, self._write)
                timer.daemon = True
                timer.start()
            for metric in metrics:
                self._counts[account_id, region_name, function_name, metric] += 1

    def _write(self) -> None:
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if is_stack_stopping() or not is_api_enabled("cloudwatch"):
            return
        for (account_id, region_name, function_name, metric), count in counts.items():
            datum = {
                "MetricName": metric,
                "Dimensions": [{"Name": "FunctionName", "Value": function_name}],
                "Timestamp": datetime.now(UTC),
                "Unit": "Count",
                "StatisticValues": {"SampleCount": count, "Sum": count, "Minimum": 1, "Maximum": 1},
            }
            try:
                client = connect_to(aws_access_key_id=account_id, region_name=region_name).cloudwatch
                client.put_metric_data(Namespace="AWS/Lambda", MetricData=[datum])
            except Exception as error:
                LOG.warning("Cannot write the metrics of function %s: %s", function_name, error)


def is_stack_stopping() -> bool:
    """True when CloudWatch is going down, too: a call would wait for it, or start it again and never end it."""
    return bool(get_current_runtime().stopping.is_set())


def _by_stream(items: Iterable[tuple[int, LogItem]]) -> dict[Stream, list[dict[str, Any]]]:
    events: dict[Stream, list[dict[str, Any]]] = defaultdict(list)
    for timestamp, item in items:
        lines = [line for line in item.logs.split("\n") if line]  # CloudWatch takes no empty event
        events[item.log_group, item.log_stream] += [{"timestamp": timestamp, "message": f"{line}\n"} for line in lines]
    return events


def _create_stream(client: Any, target: dict[str, str]) -> None:
    exists = client.exceptions.ResourceAlreadyExistsException
    for create, names in (
        (client.create_log_group, {"logGroupName": target["logGroupName"]}),
        (client.create_log_stream, target),
    ):
        try:
            create(**names)
        except exists:
            continue
