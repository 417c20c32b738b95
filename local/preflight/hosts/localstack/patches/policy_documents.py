"""Policies that S3 and IAM refuse on AWS: those that could never say what their author meant.

LocalStack stores any JSON as a bucket's policy, and takes a Principal in a policy that is attached to someone.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html
"""

import functools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from localstack.aws.api.iam import MalformedPolicyDocumentException
from localstack.services.iam.models import iam_stores
from localstack.services.iam.policy_validation import IAMPolicyDocumentValidator
from localstack.services.s3.exceptions import MalformedPolicy
from localstack.services.s3.provider import S3Provider
from localstack.utils.patch import Patch

from preflight.hosts.localstack.authorization.callers import REGION

_REQUIRED = ("Effect", "Principal", "Action", "Resource")


def patches() -> Iterator[Patch]:
    """Check, then store."""
    put, validate = S3Provider.put_bucket_policy, IAMPolicyDocumentValidator.validate

    @functools.wraps(put)
    def put_bucket_policy(self: Any, context: Any, bucket: str, policy: str, *arguments: Any, **others: Any) -> Any:
        _check_bucket_policy(bucket, policy)
        return put(self, context, bucket, policy, *arguments, **others)

    def validate_attached(self: Any) -> None:
        validate(self)
        if any("Principal" in each or "NotPrincipal" in each for each in _statements(self._policy_document)):
            raise MalformedPolicyDocumentException("Policy document should not specify a principal.")

    yield Patch(S3Provider, "put_bucket_policy", put_bucket_policy)
    yield Patch(IAMPolicyDocumentValidator, "validate", validate_attached)


def _check_bucket_policy(bucket: str, document: str) -> None:
    own = f"arn:aws:s3:::{bucket}"
    for statement in _statements(document):
        for element in _REQUIRED:
            if element not in statement and f"Not{element}" not in statement:
                raise MalformedPolicy(f"Missing required field {element}")
        if any(action != "*" and not action.lower().startswith("s3:") for action in _texts(statement, "Action")):
            raise MalformedPolicy("Policy has invalid action")
        if any(text != own and not text.startswith((f"{own}/", f"{own}*")) for text in _texts(statement, "Resource")):
            raise MalformedPolicy("Policy has invalid resource")
        principal = statement.get("Principal")
        if principal is not None and not _is_principal(principal):
            raise MalformedPolicy("Invalid principal in policy")


def _is_principal(principal: object) -> bool:
    if not isinstance(principal, Mapping):
        return principal == "*"
    return all(_is_there(text) for text in _texts(principal, "AWS"))


def _is_there(text: str) -> bool:
    """Whether a user or role of this stack that a policy names exists; of others nothing is known."""
    service, _, rest = text.removeprefix("arn:aws:").partition("::")
    account, _, name = rest.partition(":")
    if service != "iam" or account not in iam_stores:
        return True
    store = iam_stores[account][REGION]
    kind, _, path = name.partition("/")
    known = {"user": store.USERS, "role": store.ROLES}.get(kind)
    return known is None or path.rpartition("/")[2] in known


def _statements(document: str) -> list[Mapping[str, Any]]:
    try:
        statements = json.loads(document)["Statement"]
    except (ValueError, TypeError, KeyError):
        return []  # which LocalStack refuses
    return [
        each for each in (statements if isinstance(statements, list) else [statements]) if isinstance(each, Mapping)
    ]


def _texts(element: Mapping[str, Any], name: str) -> list[str]:
    values = element.get(name, [])
    return [text for text in (values if isinstance(values, list) else [values]) if isinstance(text, str)]
