"""IAM's SimulatePrincipalPolicy: which actions a role's own policies allow.

SDK 3.x asks it about the role of each training job, and refuses a role without what SageMaker needs. LocalStack's own
answer knows no wildcards and fails without ResourceArns. Page: IAM, "Policy evaluation logic"; identity policies only,
and no MatchedStatements.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from localstack.aws.api import CommonServiceException, RequestContext
from localstack.services.iam.resources.policy_simulator import BasicIAMPolicySimulator
from localstack.utils.patch import Patch

_UNSUPPORTED = ("PolicyInputList", "PermissionsBoundaryPolicyInputList", "ResourcePolicy", "ContextEntries")
# Conditions that hold for a key the request does not have; a simulation without ContextEntries has none.
_HOLDS_WITHOUT_KEY = re.compile(r"ForAllValues:.*|.*IfExists|(String|Numeric|Date|Arn)Not.*|NotIpAddress")

Statement = Mapping[str, Any]


def patches() -> Iterator[Patch]:
    """Put this answer in the place of LocalStack's."""
    yield Patch(BasicIAMPolicySimulator, "simulate_principal_policy", _simulate_principal_policy)


def _simulate_principal_policy(
    self: BasicIAMPolicySimulator, context: RequestContext, request: Mapping[str, Any]
) -> dict[str, Any]:
    for member in _UNSUPPORTED:
        if request.get(member):
            message = f"SimulatePrincipalPolicy with {member} is not supported by Preflight yet."
            raise CommonServiceException("UnsupportedByPreflight", message, status_code=501)
    documents = self.get_policies_from_principal(self.provider._get_store(context), request["PolicySourceArn"])
    statements = [statement for document in documents for statement in _statements(document)]
    keys = {key for statement in statements for test in statement.get("Condition", {}).values() for key in test}
    results = [
        {
            "EvalActionName": action,
            "EvalResourceName": resource,
            "EvalDecision": decide(statements, action, resource),
            "MissingContextValues": sorted(keys),
        }
        for action in request["ActionNames"]
        for resource in request.get("ResourceArns") or ["*"]
    ]
    return {"EvaluationResults": results, "IsTruncated": False}


def decide(statements: Iterable[Statement], action: str, resource: str) -> str:
    """``allowed``, ``explicitDeny`` (which beats every Allow), or ``implicitDeny``."""
    effects = {statement["Effect"] for statement in statements if _applies(statement, action, resource)}
    if "Deny" in effects:
        return "explicitDeny"
    return "allowed" if "Allow" in effects else "implicitDeny"


def _statements(document: str) -> Iterator[Statement]:
    """The statements of an identity policy; those of a trust policy, which name a Principal, are left out."""
    found = json.loads(unquote(document))["Statement"]
    for statement in found if isinstance(found, list) else [found]:
        if "Principal" not in statement:
            yield statement


def _applies(statement: Statement, action: str, resource: str) -> bool:
    return (
        _names(statement, "Action", action, re.IGNORECASE)
        and _names(statement, "Resource", resource)
        and all(_holds(operator, test) for operator, test in statement.get("Condition", {}).items())
    )


def _names(statement: Statement, element: str, value: str, flags: int = 0) -> bool:
    """Whether the statement's Action or Resource (or NotAction, NotResource) takes in ``value``."""
    negated = f"Not{element}" in statement
    patterns = statement[f"Not{element}" if negated else element]
    found = any(
        re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), value, flags)
        for pattern in ([patterns] if isinstance(patterns, str) else patterns)
    )
    return found != negated


def _holds(operator: str, test: Mapping[str, Any]) -> bool:
    if operator == "Null":
        return all(str(value).lower() == "true" for value in test.values())
    return bool(_HOLDS_WITHOUT_KEY.fullmatch(operator))
