"""What a function, a job or an endpoint has written to CloudWatch Logs, found by its name."""

import contextlib
import time
from collections.abc import Iterator
from itertools import batched
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from preflight.client_environment import client_environment
from preflight.stack import Stack, StackError

POLL_SECONDS = 0.5
STREAMS_PER_CALL = 100  # AWS's limit of FilterLogEvents

# Group and beginning of the stream's name; https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html
_PLACES = (
    ("/aws/lambda/{name}", ""),
    ("/aws/sagemaker/TrainingJobs", "{name}/"),
    ("/aws/sagemaker/ProcessingJobs", "{name}/"),
    ("/aws/sagemaker/TransformJobs", "{name}/"),
    ("/aws/sagemaker/Endpoints/{name}", ""),
)


class NamedLog:
    """The log of whatever bears a name on one stack; a name that begins with ``/`` is a log group's."""

    def __init__(self, stack: Stack, name: str) -> None:
        settings = client_environment(stack.endpoint_url)
        self._stack = stack
        self._places = (
            [(name, "")] if name.startswith("/") else [(g.format(name=name), s.format(name=name)) for g, s in _PLACES]
        )
        self._client: Any = boto3.client(
            "logs",
            endpoint_url=stack.endpoint_url,
            region_name=settings["AWS_REGION"],
            aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"total_max_attempts": 1}),
        )

    def lines(self, *, tail: int | None = None) -> list[str]:
        """What is there, in the order it was written; the last ``tail`` lines of it.

        Raises:
            StackError: nothing of that name has written anything.
        """
        events, found = self._events(0)
        if not found:
            names = ", ".join(group for group, _ in self._places)
            raise StackError(
                f"Nothing of that name has a log on port {self._stack.port}. It would be in {names}. What has run "
                "and has none ended before it had any, or has a role that may not write logs."
            )
        return [event["message"] for event in (events if tail is None else events[max(0, len(events) - tail) :])]

    def follow(self, *, tail: int | None = None) -> Iterator[str]:
        """The same, and then what is added, as it comes, until the stack is down. Waits also for the first line."""
        events, _ = self._events(0)
        yield from (event["message"] for event in (events if tail is None else events[max(0, len(events) - tail) :]))
        seen = {event["eventId"] for event in events}
        newest = max((event["timestamp"] for event in events), default=0)
        while self._stack.process():
            time.sleep(POLL_SECONDS)
            try:
                events, _ = self._events(newest)
            except BotoCoreError:  # it has just gone down
                continue
            yield from (event["message"] for event in events if event["eventId"] not in seen)
            seen.update(event["eventId"] for event in events)
            newest = max((event["timestamp"] for event in events), default=newest)

    def _events(self, since: int) -> tuple[list[dict[str, Any]], bool]:
        """Those of a time in milliseconds or later, by time; and whether there is a log at all."""
        events: list[dict[str, Any]] = []
        found = False
        for group, beginning in self._places:
            with contextlib.suppress(self._client.exceptions.ResourceNotFoundException):
                # The streams are looked up: LocalStack does not know filter_log_events' prefix of their names.
                prefix = {"logStreamNamePrefix": beginning} if beginning else {}
                streams = self._all("describe_log_streams", "logStreams", logGroupName=group, **prefix)
                names = [stream["logStreamName"] for stream in streams]
                found = found or bool(names)
                for some in batched(names, STREAMS_PER_CALL):
                    which = {"logGroupName": group, "logStreamNames": list(some), "startTime": since}
                    events += self._all("filter_log_events", "events", **which)
        return sorted(events, key=lambda event: event["timestamp"]), found

    def _all(self, operation: str, member: str, **request: Any) -> list[dict[str, Any]]:
        pages = self._client.get_paginator(operation).paginate(**request)
        try:
            return [item for page in pages for item in page[member]]
        except self._client.exceptions.ResourceNotFoundException:
            raise
        except ClientError as error:
            raise StackError(f"CloudWatch Logs does not say what is there: {error}") from error
