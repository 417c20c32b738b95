"""What AWS refuses now and takes in a moment: changes that are not visible everywhere yet, or not finished."""

import re
from dataclasses import dataclass

from botocore.exceptions import ClientError

PATIENCE_SECONDS = 90
POLL_SECONDS = 2  # IAM needs about ten seconds; asking more often than this gains nothing


@dataclass(frozen=True)
class NotYet:
    """A refusal that ends by itself: the error's code and words, and what a person is told meanwhile."""

    codes: frozenset[str]
    words: re.Pattern[str]
    reason: str


NOT_YET = (
    # IAM answers before its roles are visible to the services that use them, and its policies a little later.
    NotYet(
        frozenset({"ValidationException", "InvalidParameterValueException"}),
        re.compile(r"cannot be assumed|Could not assume role|ensure that the role"),
        "waiting for IAM: the role is not visible yet",
    ),
    NotYet(
        frozenset({"ValidationException"}),
        re.compile(r'the role "[^"]*" has "[^"]*" permissions'),
        "waiting for IAM: the role's policy is not visible yet",
    ),
    # https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
    NotYet(
        frozenset({"ResourceConflictException"}),
        re.compile(r"in progress|state: Pending"),
        "waiting for Lambda: an earlier update of the function is under way",
    ),
    NotYet(
        frozenset({"ConcurrentUpdateException"}),
        re.compile(""),
        "waiting for Application Auto Scaling: an earlier change of the target is under way",
    ),
    NotYet(
        frozenset({"OperationAborted"}),
        re.compile(r"conflicting"),
        "waiting for S3: an earlier change of the bucket is under way",
    ),
    NotYet(
        frozenset({"ConflictException"}),
        re.compile(r"[Cc]oncurrent modification|Please try again"),
        "waiting for API Gateway: an earlier change is under way",
    ),
    NotYet(
        frozenset({"ConcurrentModification", "EntityTemporarilyUnmodifiable"}),
        re.compile(""),
        "waiting for IAM: an earlier change of the role is under way",
    ),
)


def why_not_yet(error: ClientError) -> str | None:
    """The reason to ask again if the refusal ends by itself, else ``None``."""
    answer = error.response["Error"]
    for not_yet in NOT_YET:
        if answer["Code"] in not_yet.codes and not_yet.words.search(answer.get("Message", "")):
            return not_yet.reason
    return None
