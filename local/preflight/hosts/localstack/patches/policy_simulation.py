"""IAM's SimulatePrincipalPolicy: which actions a role's own policies allow.

SDK 3.x asks it about the role of each training job, and refuses a role without what SageMaker needs. LocalStack's own
answer knows no wildcards and fails without ResourceArns. Page: IAM, "Policy evaluation logic"; identity policies only,
and no MatchedStatements.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from localstack.aws.api import CommonServiceException, RequestContext
from localstack.services.iam.resources.policy_simulator import BasicIAMPolicySimulator
from localstack.utils.patch import Patch

from preflight.iam.conditions import values_of
from preflight.iam.decision import Policies, Request, decide
from preflight.iam.policy import Policy, Principal, read_policy

_UNSUPPORTED = ("PolicyInputList", "PermissionsBoundaryPolicyInputList", "ResourcePolicy")


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
    stored = self.get_policies_from_principal(self.provider._get_store(context), request["PolicySourceArn"])
    documents = [unquote(document) for document in stored]
    identity = [policy for policy in map(read_policy, documents) if not _is_trust(policy)]
    entries = {it["ContextKeyName"]: it.get("ContextKeyValues", []) for it in request.get("ContextEntries") or ()}
    known = {name.lower() for name in entries}
    missing = sorted(key for key in _keys(documents) if key.lower() not in known)
    results = [
        {
            "EvalActionName": action,
            "EvalResourceName": resource,
            "EvalDecision": decide(
                Request(Principal(), action, resource, values_of(entries)), Policies(identity)
            ).outcome.value,
            "MissingContextValues": missing,
        }
        for action in request["ActionNames"]
        for resource in request.get("ResourceArns") or ["*"]
    ]
    return {"EvaluationResults": results, "IsTruncated": False}


def _is_trust(policy: Policy) -> bool:
    """A role's trust policy is among those that LocalStack finds for it."""
    return any(statement.principals is not None for statement in policy.statements)


def _keys(documents: Iterable[str]) -> set[str]:
    """The condition keys that the policies name."""
    keys: set[str] = set()
    for document in documents:
        statements = json.loads(document)["Statement"]
        for statement in statements if isinstance(statements, list) else [statements]:
            for tests in statement.get("Condition", {}).values():
                keys.update(tests)
    return keys
