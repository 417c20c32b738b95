"""Writes the log lines of APIs in batches, away from their requests."""

import contextlib
import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

from localstack.aws.connect import connect_to

from preflight.hosts.localstack.lambda_.telemetry import is_stack_stopping

LOG = logging.getLogger(__name__)
BATCH_SECONDS = 0.5

Stream = tuple[str, str, str, str]  # account, region, group, stream


class LogWriter:
    """Takes lines at once and stores them a moment later."""

    def __init__(self) -> None:
        self._waiting: dict[Stream, list[dict[str, Any]]] = {}
        self._lock = threading.Lock()

    def add(self, account: str, region: str, group: str, stream: str, lines: Sequence[str]) -> None:
        """Take lines, which are of now."""
        now = int(time.time() * 1000)
        with self._lock:
            if not self._waiting:
                timer = threading.Timer(BATCH_SECONDS, self._write_all)
                timer.daemon = True
                timer.start()
            events = self._waiting.setdefault((account, region, group, stream), [])
            events += [{"timestamp": now, "message": line} for line in lines]

    def _write_all(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        if is_stack_stopping():
            return
        for (account, region, group, stream), events in waiting.items():
            try:
                _write(connect_to(aws_access_key_id=account, region_name=region).logs, group, stream, events)
            except Exception as error:
                LOG.warning("Cannot write logs to %s in %s: %s", group, region, error)


def _write(client: Any, group: str, stream: str, events: list[dict[str, Any]]) -> None:
    target = {"logGroupName": group, "logStreamName": stream}
    try:
        client.put_log_events(**target, logEvents=events)
    except client.exceptions.ResourceNotFoundException:
        with contextlib.suppress(client.exceptions.ResourceAlreadyExistsException):
            client.create_log_group(logGroupName=group)
        with contextlib.suppress(client.exceptions.ResourceAlreadyExistsException):
            client.create_log_stream(**target)
        client.put_log_events(**target, logEvents=events)
