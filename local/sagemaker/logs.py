"""Container output to CloudWatch Logs, in the background: no writer ever waits for, or fails on, a log."""

import contextlib
import logging
import queue
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.sagemaker.other_services import OtherServices
from local.sagemaker.store import Scope

LOG = logging.getLogger(__name__)

FLUSH_INTERVAL_SECONDS = 0.3
MAX_BATCH_EVENTS = 1_000
MAX_LINE_CHARACTERS = 250_000  # CloudWatch refuses events over 256 KB
MAX_QUEUED_LINES = 100_000  # beyond that lines are dropped, and the loss is logged


@dataclass(frozen=True)
class LogStream:
    """One stream of one group, e.g. ``/aws/sagemaker/TrainingJobs`` and ``<job>/algo-1-<epoch>``."""

    scope: Scope
    group: str
    name: str


_Line = tuple[LogStream, int, str]


class LogWriter:
    """Takes lines and writes them to CloudWatch Logs from one thread of its own."""

    def __init__(self, services: OtherServices) -> None:
        self._services = services
        self._queue: queue.Queue[_Line | threading.Event] = queue.Queue(MAX_QUEUED_LINES)
        self._known: set[LogStream] = set()
        self._closed = False
        threading.Thread(target=self._run, name="sagemaker-logs", daemon=True).start()

    def write(self, stream: LogStream, line: str) -> None:
        """Queue one line, stamped now. Never blocks; drops the line if a flood has filled the queue."""
        try:
            self._queue.put_nowait((stream, int(time.time() * 1000), line[:MAX_LINE_CHARACTERS]))
        except queue.Full:
            LOG.warning("Log lines of %s are lost: CloudWatch Logs takes them too slowly.", stream.name)

    def flush(self, timeout_seconds: float = 5) -> None:
        """Return once everything written so far is in CloudWatch Logs, or after ``timeout_seconds``."""
        done = threading.Event()
        try:
            self._queue.put(done, timeout=timeout_seconds)
        except queue.Full:
            return
        done.wait(timeout_seconds)

    def close(self) -> None:
        """Write nothing more: CloudWatch Logs is going down with the stack."""
        self._closed = True

    def _run(self) -> None:
        while not self._closed:
            batch: dict[LogStream, list[dict[str, Any]]] = defaultdict(list)
            waiting = self._collect(batch)
            for stream, events in batch.items():
                self._put(stream, events)
            for event in waiting:
                event.set()

    def _collect(self, batch: dict[LogStream, list[dict[str, Any]]]) -> list[threading.Event]:
        """Wait for a first line, then take what comes within the interval; a flush ends the interval."""
        deadline: float | None = None
        for _ in range(MAX_BATCH_EVENTS):
            timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
            try:
                item = self._queue.get(timeout=timeout)
            except queue.Empty:
                break
            if isinstance(item, threading.Event):
                return [item]
            stream, timestamp, message = item
            batch[stream].append({"timestamp": timestamp, "message": message or " "})
            deadline = deadline or time.monotonic() + FLUSH_INTERVAL_SECONDS
        return []

    def _put(self, stream: LogStream, events: list[dict[str, Any]]) -> None:
        if self._closed:
            return
        try:
            client = self._services.client("logs", stream.scope)
            if stream not in self._known:
                self._create(client, stream)
            client.put_log_events(logGroupName=stream.group, logStreamName=stream.name, logEvents=events)
        except (ClientError, BotoCoreError) as error:
            self._known.discard(stream)  # deleted by the user, perhaps: made anew with the next line
            LOG.warning("Log lines of %s/%s could not be written: %s", stream.group, stream.name, error)

    def _create(self, client: Any, stream: LogStream) -> None:
        for create, names in (
            (client.create_log_group, {"logGroupName": stream.group}),
            (client.create_log_stream, {"logGroupName": stream.group, "logStreamName": stream.name}),
        ):
            with contextlib.suppress(client.exceptions.ResourceAlreadyExistsException):
                create(**names)
        self._known.add(stream)
