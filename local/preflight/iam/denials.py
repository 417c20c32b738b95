"""How AWS refuses: the error's code, HTTP status and words, which differ by service.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

from dataclasses import dataclass

from preflight.iam.decision import Decision, Outcome

_FORMS = {
    "cloudwatch": ("AccessDenied", 403),
    "iam": ("AccessDenied", 403),
    "lambda": ("AccessDeniedException", 403),
    "s3": ("AccessDenied", 403),
    "sagemaker-runtime": ("AccessDeniedException", 403),
    "sns": ("AuthorizationError", 403),
    "sqs": ("AccessDenied", 403),
    "sts": ("AccessDenied", 403),
}
_QUERY_SERVICES = ("cloudwatch", "iam", "sns", "sts")
_FORM = ("AccessDeniedException", 400)


@dataclass(frozen=True, slots=True)
class Denial:
    """The error of a request that is refused."""

    code: str
    status: int
    message: str


def denial(service: str, user_arn: str, action: str, resource: str, decision: Decision) -> Denial:
    """The refusal of botocore's ``service``. ``resource`` is empty for actions that know none."""
    code, status = _FORMS.get(service, _FORM)
    if service == "sns":
        action = action.replace("sns:", "SNS:", 1)
    elif service == "sqs":
        action = action.lower()
    written = f'"{resource}"' if service == "s3" else resource
    words = f"User: {user_arn} is not authorized to perform: {action}"
    if resource:
        words += f" on resource: {written}"
    if service != "sts":  # which does not say whether it is the trust, the right or the role that is missing
        words += _reason(action, decision)
    return Denial(code, status, words)


def _reason(action: str, decision: Decision) -> str:
    kind = decision.policy_type.value
    if decision.outcome is Outcome.EXPLICIT_DENY:
        article = "an" if kind[0] in "aeiou" else "a"
        source = f": {decision.policy_arn}" if decision.policy_arn else ""
        return f" with an explicit deny in {article} {kind}{source}"
    return f" because no {kind} allows the {action} action"


def invalid_token(service: str) -> Denial:
    """The answer to an access key that does not exist."""
    if service == "s3":
        words = "The AWS Access Key Id you provided does not exist in our records."
        return Denial("InvalidAccessKeyId", 403, words)
    code = "InvalidClientTokenId" if service in _QUERY_SERVICES else "UnrecognizedClientException"
    return Denial(code, 403, "The security token included in the request is invalid.")


def expired_token(service: str) -> Denial:
    """The answer to the key of a session that is over."""
    code = "ExpiredToken" if service == "s3" or service in _QUERY_SERVICES else "ExpiredTokenException"
    return Denial(code, 400 if service == "s3" else 403, "The security token included in the request is expired")
