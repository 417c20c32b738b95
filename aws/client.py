"""The one way this room talks to AWS: reads that may find nothing, and changes that are remembered."""

import time
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError

from aws.errors import ResourceError
from aws.planning.patience import PATIENCE_SECONDS, POLL_SECONDS, why_not_yet
from aws.planning.plan import Call
from aws.target import Target

ABSENT_CODES = {
    "404",
    "NoSuchBucket",
    "NoSuchBucketPolicy",
    "NoSuchEntity",
    "NoSuchKey",
    "NoSuchPublicAccessBlockConfiguration",
    "NoSuchTagSet",
    "NotFoundException",
    "ObjectNotFoundException",
    "RepositoryNotFoundException",
    "ImageNotFoundException",
    "ResourceNotFound",
    "ResourceNotFoundException",
    "ServerSideEncryptionConfigurationNotFoundError",
}
# SageMaker says ValidationException for everything; only the words tell that a thing is not there.
ABSENT_WORDS = ("Could not find", "Requested resource not found")

Act = Callable[[], dict[str, Any]]


class Aws:
    """Calls to a target, by service and operation, e.g. ``aws.find("iam", "GetRole", RoleName=name)``."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.calls: list[Call] = []
        self.tell: Callable[[str], None] = lambda _: None  # what a person hears of a call that has to wait

    @cached_property
    def caller(self) -> dict[str, Any]:
        """Account and ARN of the identity behind the credentials."""
        return self._call("sts", "GetCallerIdentity", {})

    @property
    def account_id(self) -> str:
        """The twelve digits of the account behind the credentials."""
        return str(self.caller["Account"])

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

    def change(self, service: str, operation: str, *, why: str = "", **parameters: Any) -> dict[str, Any]:
        """The answer of an operation that changes something. ``why`` is for the person who reads the plan."""
        return self.perform(
            Call(service, operation, parameters, why), lambda: self._call(service, operation, parameters)
        )

    def perform(self, call: Call, act: Act) -> dict[str, Any]:
        """Make a call that changes something, by ``act``, and remember it.

        Asks again, for a while, if AWS refuses it for a reason that ends by itself.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = act()
            except ClientError as error:
                reason = why_not_yet(error)
                if reason is None or time.monotonic() > deadline:
                    raise
                self.tell(f"{reason} ({error.response['Error'].get('Message')})")
                time.sleep(min(POLL_SECONDS, self.target.poll_seconds))
            else:
                self.calls.append(call)
                return answer

    def upload(self, path: Path, *, why: str, bucket: str, key: str, metadata: dict[str, str]) -> None:
        """PutObject of a file of any size, in parts where it is large, with a constant amount of memory."""

        def act() -> dict[str, Any]:
            with path.open("rb") as file:
                self.target.client("s3").upload_fileobj(file, bucket, key, ExtraArgs={"Metadata": metadata})
            return {}

        parameters = {"Bucket": bucket, "Key": key, "Body": path, "Metadata": metadata}
        self.perform(Call("s3", "PutObject", parameters, why), act)

    def remove(self, service: str, operation: str, **parameters: Any) -> bool:
        """Make a deleting call; false if there was nothing to delete."""
        try:
            self.change(service, operation, **parameters)
        except ClientError as error:
            if is_absent(error):
                return False
            raise
        return True

    def wait(
        self,
        service: str,
        operation: str,
        is_done: Callable[[dict[str, Any]], bool],
        *,
        what: str,
        timeout_seconds: float,
        poll_seconds: float | None = None,
        **parameters: Any,
    ) -> dict[str, Any]:
        """Ask a reading operation at the target's pace until ``is_done`` says yes to its answer, and return that.

        The answer is empty if the thing does not exist. Raises ``ResourceError`` after the timeout.
        """
        deadline = time.monotonic() + timeout_seconds
        while not is_done(answer := self.find(service, operation, **parameters) or {}):
            if time.monotonic() > deadline:
                raise ResourceError(
                    f"{what} is not ready after {timeout_seconds:.0f} s. Run the same command again to go on."
                )
            time.sleep(poll_seconds or self.target.poll_seconds)
        return answer

    def _call(self, service: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        method = getattr(self.target.client(service), xform_name(operation))
        answer: dict[str, Any] = method(**parameters)
        return answer


def is_absent(error: ClientError) -> bool:
    """Whether the error says that the thing asked for does not exist."""
    answer = error.response["Error"]
    return answer["Code"] in ABSENT_CODES or answer.get("Message", "").startswith(ABSENT_WORDS)
