"""The one way this room talks to AWS: reads that may find nothing, and changes that are remembered."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError

from aws.errors import ResourceError
from aws.target import Target

ABSENT_CODES = {
    "404",
    "NoSuchBucket",
    "NoSuchEntity",
    "NoSuchKey",
    "NoSuchTagSet",
    "NotFoundException",
    "ResourceNotFound",
    "ResourceNotFoundException",
}
# SageMaker says ValidationException for everything; only the words tell that a thing is not there.
ABSENT_WORDS = ("Could not find", "Requested resource not found")
# IAM answers before its roles are visible to the services that use them.
ROLE_NOT_VISIBLE_WORDS = ("cannot be assumed", "Could not assume role")
ROLE_VISIBLE_WITHIN_SECONDS = 60
ROLE_POLL_SECONDS = 2


@dataclass(frozen=True)
class Change:
    """One call that changed something, in AWS's own words."""

    service: str
    operation: str
    parameters: dict[str, Any]


class Aws:
    """Calls to a target, by service and operation, e.g. ``aws.find("iam", "GetRole", RoleName=name)``."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.changes: list[Change] = []

    @cached_property
    def account_id(self) -> str:
        """The twelve digits of the account behind the credentials."""
        return str(self._call("sts", "GetCallerIdentity", {})["Account"])

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a regional resource of this account."""
        return f"arn:{self.target.partition}:{service}:{self.target.region}:{self.account_id}:{resource}"

    def find(self, service: str, operation: str, **parameters: Any) -> dict[str, Any] | None:
        """The answer of a reading operation, or ``None`` if what it asks for does not exist."""
        try:
            return self._call(service, operation, parameters)
        except ClientError as error:
            if is_absent(error):
                return None
            raise

    def list(self, service: str, operation: str, key: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Every item of a listing operation, over all its pages; none if the listed thing does not exist."""
        paginator = self.target.client(service).get_paginator(xform_name(operation))
        try:
            for page in paginator.paginate(**parameters):
                yield from page.get(key, [])
        except ClientError as error:
            if not is_absent(error):
                raise

    def change(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """The answer of an operation that changes something. Waits for a new role to become visible."""
        deadline = time.monotonic() + ROLE_VISIBLE_WITHIN_SECONDS
        while True:
            try:
                answer = self._call(service, operation, parameters)
            except ClientError as error:
                if not is_role_not_visible(error) or time.monotonic() > deadline:
                    raise
                time.sleep(ROLE_POLL_SECONDS)
            else:
                self.changes.append(Change(service, operation, parameters))
                return answer

    def remove(self, service: str, operation: str, **parameters: Any) -> bool:
        """Make a deleting call; false if there was nothing to delete."""
        try:
            self.change(service, operation, **parameters)
        except ClientError as error:
            if is_absent(error):
                return False
            raise
        return True

    def upload(self, path: str, bucket: str, key: str, metadata: dict[str, str]) -> None:
        """Store a file of any size, in parts where needed, with a constant amount of memory."""
        self.target.client("s3").upload_file(path, bucket, key, ExtraArgs={"Metadata": metadata})
        self.changes.append(Change("s3", "PutObject", {"Bucket": bucket, "Key": key}))

    def wait_until(
        self,
        is_done: Callable[[], bool],
        *,
        what: str,
        timeout_seconds: float,
        poll_seconds: float | None = None,
    ) -> None:
        """Ask ``is_done`` at the target's pace until it says yes; ``ResourceError`` after the timeout."""
        deadline = time.monotonic() + timeout_seconds
        while not is_done():
            if time.monotonic() > deadline:
                raise ResourceError(
                    f"{what} is not ready after {timeout_seconds:.0f} s. Run the same command again to go on."
                )
            time.sleep(poll_seconds or self.target.poll_seconds)

    def _call(self, service: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        method = getattr(self.target.client(service), xform_name(operation))
        answer: dict[str, Any] = method(**parameters)
        return answer


def is_absent(error: ClientError) -> bool:
    """Whether the error says that the thing asked for does not exist."""
    answer = error.response["Error"]
    return answer["Code"] in ABSENT_CODES or answer.get("Message", "").startswith(ABSENT_WORDS)


def is_role_not_visible(error: ClientError) -> bool:
    """Whether the error says that a role cannot be assumed, as AWS does for some seconds after CreateRole."""
    message = error.response["Error"].get("Message", "")
    return any(words in message for words in ROLE_NOT_VISIBLE_WORDS)
