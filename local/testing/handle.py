"""What a test does with a running stack, in whatever form it runs."""

import urllib.request
from abc import ABC, abstractmethod
from typing import Any

import boto3

REGION = "us-east-1"
RESET_TIMEOUT_SECONDS = 60


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
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
        }

    def client(self, service: str, **options: Any) -> Any:
        """A boto3 client of the stack: ``client("lambda")``, ``client("sagemaker-runtime")``."""
        return boto3.client(
            service,
            **{
                "endpoint_url": self.endpoint_url,
                "region_name": REGION,
                "aws_access_key_id": "test",
                "aws_secret_access_key": "test",
            }
            | options,
        )

    def reset(self) -> None:
        """Stop every job and endpoint and forget everything stored, in every account and region."""
        request = urllib.request.Request(f"{self.endpoint_url}/_localstack/state/reset", method="POST")
        with urllib.request.urlopen(request, timeout=RESET_TIMEOUT_SECONDS):
            pass

    def application_log(self) -> str:
        """What functions, training jobs and endpoints have printed: all of CloudWatch Logs, a group at a time."""
        logs = self.client("logs")
        try:
            lines = []
            for group in logs.describe_log_groups()["logGroups"]:
                lines.append(f"{group['logGroupName']}:")
                events = logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
                lines += [f"  {event['message'].rstrip()}" for event in events]
            return "\n".join(lines)
        finally:
            logs.close()
