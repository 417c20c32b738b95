"""Writes the log lines of APIs in batches, away from their requests."""

import contextlib
import time
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from localstack.aws.connect import connect_to

from preflight.background import BackgroundWriter
from preflight.hosts.localstack import log_store
from preflight.hosts.localstack.lambda_.telemetry import BATCH_SECONDS, MAX_BATCH, MAX_QUEUED, is_stack_stopping
from preflight.sagemaker.api.scope import Scope

_Stream = tuple[str, str, str, str]  # account, region, group, stream
_Lines = tuple[_Stream, int, Sequence[str]]  # the time they were taken, in milliseconds


class LogWriter:
    """Takes lines at once and stores them a moment later."""

    def __init__(self) -> None:
        self._writer: BackgroundWriter[_Lines] = BackgroundWriter(
            "the logs of APIs", _write, interval_seconds=BATCH_SECONDS, max_batch=MAX_BATCH, max_queued=MAX_QUEUED
        )

    def add(self, account: str, region: str, group: str, stream: str, lines: Sequence[str]) -> None:
        """Take lines, which are of now. Never blocks."""
        self._writer.put(((account, region, group, stream), int(time.time() * 1000), lines))


def _write(items: list[_Lines]) -> None:
    if is_stack_stopping():
        return
    for (account, region, group, stream), found in groupby(sorted(items, key=_stream_of), key=_stream_of):
        events = [{"timestamp": moment, "message": line} for _, moment, lines in found for line in lines]
        if not log_store.append(account, Scope(account, region), group, stream, events):
            client = connect_to(aws_access_key_id=account, region_name=region).logs
            _write_events(client, group, stream, events)


def _stream_of(item: _Lines) -> _Stream:
    return item[0]


def _write_events(client: Any, group: str, stream: str, events: list[dict[str, Any]]) -> None:
    target = {"logGroupName": group, "logStreamName": stream}
    try:
        client.put_log_events(**target, logEvents=events)
    except client.exceptions.ResourceNotFoundException:
        with contextlib.suppress(client.exceptions.ResourceAlreadyExistsException):
            client.create_log_group(logGroupName=group)
        with contextlib.suppress(client.exceptions.ResourceAlreadyExistsException):
            client.create_log_stream(**target)
        client.put_log_events(**target, logEvents=events)
