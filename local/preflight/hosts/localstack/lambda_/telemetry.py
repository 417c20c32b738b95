"""Writes functions' logs and metrics in batches, away from the invocations.

An invocation leaves a note, and a batch is written a moment later. ``patches/function_telemetry.py`` puts this in the
place of LocalStack's own.
"""

import logging
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from itertools import batched
from typing import Any

from botocore.config import Config
from localstack.aws.connect import connect_to
from localstack.runtime import get_current_runtime
from localstack.services.lambda_.invocation.logs import LogItem
from localstack.services.plugins import SERVICE_PLUGINS
from localstack.utils.aws.client_types import ServicePrincipal
from localstack.utils.bootstrap import is_api_enabled

from preflight.background import BackgroundWriter
from preflight.hosts.localstack import log_store
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.telemetry.logs import create_stream

LOG = logging.getLogger(__name__)

BATCH_SECONDS = 0.5
EVENTS_PER_CALL = 10_000  # AWS's limit of PutLogEvents
MAX_BATCH = 1_000
MAX_QUEUED = 100_000
SESSIONS = 32  # one for each role, kept: to make one takes longer than to write
METRICS = "AWS/Lambda"

_Part = tuple[int, str]  # the time it was taken, in milliseconds, and lines
_Count = tuple[str, str, str, str]  # account, region, function, metric


class LogStream:
    """One stream of a function's log, written as its role: that of one execution environment."""

    def __init__(self, *, role_arn: str, region: str, group: str, name: str) -> None:
        self._role_arn = role_arn
        self._scope = Scope(role_arn.split(":")[4], region)
        self._target = {"logGroupName": group, "logStreamName": name}
        self._writer: BackgroundWriter[_Part] = BackgroundWriter(
            f"the log of {name}",
            self._write,
            interval_seconds=BATCH_SECONDS,
            max_batch=MAX_BATCH,
            max_queued=MAX_QUEUED,
        )
        self.finish = self._writer.finish

    def write(self, text: str) -> None:
        """Take some lines. Never blocks."""
        if text and is_api_enabled("logs"):
            self._writer.put((int(time.time() * 1000), text))

    def _write(self, parts: list[_Part]) -> None:
        if is_stack_stopping():
            return
        events = [
            {"timestamp": timestamp, "message": f"{line}\n"}
            for timestamp, text in parts
            for line in text.split("\n")
            if line  # CloudWatch takes no empty event
        ]
        try:
            self._put(_session(self._role_arn, self._scope.region), events)
        except log_store.Denied:  # one session of the role is as good as another
            raise
        except Exception:
            _session.cache_clear()  # the role may be another one by now
            raise

    def _put(self, session: "_Session", events: list[dict[str, Any]]) -> None:
        group, stream = self._target["logGroupName"], self._target["logStreamName"]
        for batch in batched(events, EVENTS_PER_CALL):
            if not log_store.append(session.access_key, self._scope, group, stream, list(batch)):
                self._put_by_request(session.logs, list(batch))

    def _put_by_request(self, client: Any, events: list[dict[str, Any]]) -> None:
        try:
            client.put_log_events(**self._target, logEvents=events)
        except client.exceptions.ResourceNotFoundException:
            create_stream(client, self._target)
            client.put_log_events(**self._target, logEvents=events)


class NoLogHandler:
    """In the place of LocalStack's LogHandler: each execution environment writes its own stream already."""

    def __init__(self, role_arn: str, region: str) -> None:
        pass

    def start_subscriber(self) -> None:
        pass

    def add_logs(self, log_item: LogItem) -> None:
        pass

    def stop(self) -> None:
        pass


def record_invocation(function_name: str, account_id: str, region_name: str) -> None:
    """Count one invocation that went well."""
    _metric_writer().put((account_id, region_name, function_name, "Invocations"))


def record_error(function_name: str, account_id: str, region_name: str) -> None:
    """Count one invocation that ended with an error."""
    record_invocation(function_name, account_id, region_name)
    _metric_writer().put((account_id, region_name, function_name, "Errors"))


def is_stack_stopping() -> bool:
    """True when CloudWatch is going down, too: a call would wait for it, or start it again and never end it."""
    return bool(get_current_runtime().stopping.is_set())


@cache
def _metric_writer() -> BackgroundWriter[_Count]:
    return BackgroundWriter(
        "functions' metrics",
        _write_metrics,
        interval_seconds=BATCH_SECONDS,
        max_batch=MAX_BATCH,
        max_queued=MAX_QUEUED,
    )


@dataclass(frozen=True, slots=True)
class _Session:
    """A role's: its key, and a client of CloudWatch Logs with it."""

    access_key: str
    logs: Any


@lru_cache(maxsize=SESSIONS)
def _session(role_arn: str, region: str) -> _Session:
    config = Config(retries={"total_max_attempts": 1})
    sts = connect_to(region_name=region, config=config).sts
    sts = sts.request_metadata(service_principal=ServicePrincipal.lambda_)
    keys = sts.assume_role(RoleArn=role_arn, RoleSessionName="logs")["Credentials"]
    clients = connect_to(
        region_name=region,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        config=config,
    )
    return _Session(keys["AccessKeyId"], clients.logs)


def _write_metrics(counts: list[_Count]) -> None:
    """Into LocalStack's own store: a request takes longer than most functions."""
    for (account_id, region_name, function_name, metric), count in Counter(counts).items():
        if is_stack_stopping() or not is_api_enabled("cloudwatch"):
            return
        datum = {
            "MetricName": metric,
            "Dimensions": [{"Name": "FunctionName", "Value": function_name}],
            "Timestamp": datetime.now(UTC),
            "Unit": "Count",
            "StatisticValues": {"SampleCount": count, "Sum": count, "Minimum": 1, "Maximum": 1},
        }
        try:
            database = SERVICE_PLUGINS.require("cloudwatch")._provider.cloudwatch_database
            database.add_metric_data(account_id, region_name, METRICS, [datum])
        except Exception as error:
            LOG.warning("Cannot write the metrics of function %s: %s", function_name, error)
