"""Container output to CloudWatch Logs, in the background."""

import contextlib
import logging
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from preflight.background import BackgroundWriter
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.clients import Clients

LOG = logging.getLogger(__name__)

FLUSH_INTERVAL_SECONDS = 0.3
MAX_BATCH_EVENTS = 1_000
MAX_LINE_CHARACTERS = 250_000  # CloudWatch refuses events over 256 KB
MAX_QUEUED_LINES = 100_000


@dataclass(frozen=True)
class LogStream:
    """One stream of one group, e.g. ``/aws/sagemaker/TrainingJobs`` and ``<job>/algo-1-<epoch>``.

    ``role_arn`` is the role that writes it.
    """

    scope: Scope
    group: str
    name: str
    role_arn: str

    def below(self, part: str) -> "LogStream":
        """The stream of one ``part`` of what this stream is of."""
        return replace(self, name=f"{self.name}/{part}")


_Line = tuple[LogStream, int, str]


class LogWriter:
    """Takes lines and writes them to CloudWatch Logs."""

    def __init__(self, services: Clients) -> None:
        self._services = services
        self._known: set[LogStream] = set()
        self._writer: BackgroundWriter[_Line] = BackgroundWriter(
            "CloudWatch Logs",
            self._write,
            interval_seconds=FLUSH_INTERVAL_SECONDS,
            max_batch=MAX_BATCH_EVENTS,
            max_queued=MAX_QUEUED_LINES,
        )
        self.flush = self._writer.flush
        self.close = self._writer.close

    def write(self, stream: LogStream, line: str) -> None:
        """Queue one line, stamped now."""
        self._writer.put((stream, int(time.time() * 1000), line[:MAX_LINE_CHARACTERS]))

    def _write(self, lines: list[_Line]) -> None:
        by_stream: dict[LogStream, list[dict[str, Any]]] = defaultdict(list)
        for stream, timestamp, message in lines:
            by_stream[stream].append({"timestamp": timestamp, "message": message or " "})
        for stream, events in by_stream.items():
            self._put(stream, events)

    def _put(self, stream: LogStream, events: list[dict[str, Any]]) -> None:
        try:
            client = self._services.acting_as(stream.role_arn, stream.scope).client("logs", stream.scope)
            if stream not in self._known:
                create_stream(client, {"logGroupName": stream.group, "logStreamName": stream.name})
                self._known.add(stream)
            client.put_log_events(logGroupName=stream.group, logStreamName=stream.name, logEvents=events)
        except (ClientError, BotoCoreError) as error:
            self._known.discard(stream)  # deleted by the user, perhaps: made anew with the next line
            LOG.warning("Log lines of %s/%s could not be written: %s", stream.group, stream.name, error)


def create_stream(client: Any, target: dict[str, str]) -> None:
    """Make the stream, and its group if it is missing: a role that may not make groups may have one made for it."""
    exists = client.exceptions.ResourceAlreadyExistsException
    try:
        with contextlib.suppress(exists):
            client.create_log_stream(**target)
    except client.exceptions.ResourceNotFoundException:
        with contextlib.suppress(exists):
            client.create_log_group(logGroupName=target["logGroupName"])
        with contextlib.suppress(exists):
            client.create_log_stream(**target)
