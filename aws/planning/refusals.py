"""What AWS's refusals mean for the person: whose permission is missing, which quota is full, what to do."""

import re
from typing import Any

CREDENTIAL_CODES = {
    "AuthFailure",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
EXPIRED_CODES = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
DENIED_CODES = {"403", "AccessDenied", "AccessDeniedException", "UnauthorizedException", "UnauthorizedOperation"}
THROTTLING_CODES = {
    "SlowDown",
    "RequestLimitExceeded",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
}
QUOTA_CODES = {
    "CodeStorageExceededException",
    "LimitExceeded",
    "LimitExceededException",
    "ResourceLimitExceeded",
    "ServiceQuotaExceededException",
    "TooManyBuckets",
}
TAKEN_CODES = {
    "BucketAlreadyOwnedByYou",
    "ConflictException",
    "EntityAlreadyExists",
    "ResourceAlreadyExistsException",
    "ResourceConflictException",
    "ResourceInUse",
}
AGAIN = "then run the same command again: it continues where it stopped"
# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
DENIED = re.compile(
    r"User: (?P<who>\S+) is not authorized to perform: (?P<action>[\w:-]+)"
    r"(?: on resource: \"?(?P<resource>[^\s\"]+)\"?)?(?: because (?P<because>.*?))?\.?$",
    re.DOTALL,
)
# "The account-level service limit 'ml.m5.large for training job usage' is 0 Instances, ..."
QUOTA = re.compile(r"service limit '(?P<quota>[^']+)' is (?P<limit>\S+)")


def explain_refusal(operation: str, answer: dict[str, Any]) -> str:
    """One or two sentences for the ``Error`` of an answer of AWS: what was asked, what came back, what to do."""
    code, message = str(answer.get("Code", "Unknown")), str(answer.get("Message", ""))
    said = f"{operation} was refused with {code}: {message}".rstrip(": ")
    said = said if said.endswith((".", "!", "?")) else f"{said}."
    if code in EXPIRED_CODES:
        return f"{said} The credentials have expired: log in again (e.g. `aws sso login`), {AGAIN}."
    if code in CREDENTIAL_CODES:
        return (
            f"{said} Check the AWS credentials (`aws sts get-caller-identity` must answer) and that the region is "
            f"enabled for the account, {AGAIN}."
        )
    if code in DENIED_CODES:
        return _explain_denied(operation, said, message)
    if code in QUOTA_CODES:
        return _explain_quota(said, message)
    if code in THROTTLING_CODES:
        return f"{said} It was tried several times. Wait a minute, {AGAIN}."
    if code in TAKEN_CODES:
        return f"{said} It was not there when this was planned: another deploy seems to run. Let it end, {AGAIN}."
    return said


def _explain_denied(operation: str, said: str, message: str) -> str:
    denied = DENIED.search(message)
    if denied is None:
        return f"{said} The credentials in use need the permission for {operation}. Have it allowed, {AGAIN}."
    resource = f" on {denied['resource']}" if denied["resource"] else ""
    because = f" ({denied['because']})" if denied["because"] else ""
    return (
        f"{operation} was refused: {denied['who']} may not {denied['action']}{resource}{because}. "
        f"Have it allowed for that identity, {AGAIN}."
    )


def _explain_quota(said: str, message: str) -> str:
    quota = QUOTA.search(message)
    advice = f"Ask for more in the console's Service Quotas, or use less, {AGAIN}."
    if quota is None:
        return f"{said} {advice}"
    return (
        f"{said} The account's quota '{quota['quota']}' is {quota['limit']}: ask for more of it in the console's "
        f"Service Quotas, or set another instance_type in [deploy] of preflight.toml, {AGAIN}."
    )
