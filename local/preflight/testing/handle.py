"""What a test does with a running stack, in whatever form it runs."""

import time
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import boto3

from preflight.client_environment import REGION, client_environment
from preflight.stack import START_TIMEOUT_SECONDS

POLL_SECONDS = 0.1
RESET_TIMEOUT_SECONDS = 60
LOG_TAIL_LINES = 40


class StackUnavailable(Exception):
    """The stack could not be started; the text says why and what to do."""


class StackHandle(ABC):
    """A running stack: boto3 clients of it, a clean state, its logs."""

    @property
    @abstractmethod
    def endpoint_url(self) -> str:
        """What every AWS client talks to."""

    @abstractmethod
    def stack_log(self) -> str:
        """All that the stack itself has printed."""

    def environment(self) -> dict[str, str]:
        """The variables that point any AWS client at the stack. Its credentials are no secret: any will do."""
        return client_environment(self.endpoint_url)

    def client(self, service: str, **options: Any) -> Any:
        """A boto3 client of the stack: ``client("lambda")``, ``client("sagemaker-runtime")``."""
        default = {
            "endpoint_url": self.endpoint_url,
            "region_name": REGION,
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
        }
        return boto3.client(service, **(default | options))

    def reset(self) -> None:
        """Stop every job and endpoint and forget everything stored, in every account and region."""
        request = urllib.request.Request(f"{self.endpoint_url}/_localstack/state/reset", method="POST")
        with urllib.request.urlopen(request, timeout=RESET_TIMEOUT_SECONDS):
            pass

    def application_log(self) -> str:
        """What functions, training jobs and endpoints have printed: all of CloudWatch Logs, a group at a time."""
        logs = self.client("logs")
        lines = []
        try:
            for group in logs.describe_log_groups()["logGroups"]:
                lines.append(f"{group['logGroupName']}:")
                events = logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
                lines += [f"  {event['message'].rstrip()}" for event in events]
        finally:
            logs.close()
        return "\n".join(lines)

    def wait_until_up(self, has_ended: Callable[[], bool]) -> None:
        """Return once the stack answers. Raises StackUnavailable with the last lines of its log."""
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not self._answers():
            if has_ended():
                raise StackUnavailable(f"The stack ended while starting.{self._log_tail()}")
            if time.monotonic() > deadline:
                raise StackUnavailable(f"The stack did not answer within {START_TIMEOUT_SECONDS} s.{self._log_tail()}")
            time.sleep(POLL_SECONDS)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.endpoint_url}/_localstack/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _log_tail(self) -> str:
        return "\n  ".join(["\nThe last lines of its log:", *self.stack_log().splitlines()[-LOG_TAIL_LINES:]])
