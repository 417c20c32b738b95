"""What a role may do, as IAM's SimulatePrincipalPolicy tells it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.local.conftest import Make, make_role, refusal

Simulate = Callable[..., dict[str, str]]


@pytest.fixture
def simulate(client: Make) -> Simulate:
    """The decisions on ``actions`` for a new role with these statements, by action."""
    iam = client("iam")

    def simulate(statements: list[dict[str, Any]], *actions: str, **members: Any) -> dict[str, str]:
        arn = make_role(iam, "sagemaker.amazonaws.com", statements)
        answer = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=actions, **members)
        return {result["EvalActionName"]: result["EvalDecision"] for result in answer["EvaluationResults"]}

    return simulate


def allow(action: str | list[str], resource: str = "*", **elements: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource} | elements


def test_a_role_may_do_what_its_policies_name(simulate: Simulate) -> None:
    decided = simulate([allow(["ecr:*", "s3:get?bject"])], "ecr:GetAuthorizationToken", "s3:GetObject", "s3:PutObject")

    assert decided == {
        "ecr:GetAuthorizationToken": "allowed",
        "s3:GetObject": "allowed",
        "s3:PutObject": "implicitDeny",
    }
    assert simulate([], "s3:GetObject") == {"s3:GetObject": "implicitDeny"}


def test_a_deny_beats_an_allow(simulate: Simulate) -> None:
    deny = {"Effect": "Deny", "NotAction": "s3:Get*", "Resource": "*"}

    assert simulate([allow("s3:*"), deny], "s3:GetObject", "s3:PutObject") == {
        "s3:GetObject": "allowed",
        "s3:PutObject": "explicitDeny",
    }


def test_resources_count(simulate: Simulate) -> None:
    statements = [allow("s3:GetObject", "arn:aws:s3:::mine/*")]

    assert simulate(statements, "s3:GetObject") == {"s3:GetObject": "implicitDeny"}
    found = simulate(statements, "s3:GetObject", ResourceArns=["arn:aws:s3:::mine/key"])
    assert found == {"s3:GetObject": "allowed"}


@pytest.mark.parametrize(
    ("operator", "decision"),
    [("StringEquals", "implicitDeny"), ("StringNotEquals", "allowed"), ("StringEqualsIfExists", "allowed")],
)
def test_a_condition_meets_a_request_without_its_key(simulate: Simulate, operator: str, decision: str) -> None:
    condition = {operator: {"iam:PassedToService": "sagemaker.amazonaws.com"}}

    assert simulate([allow("iam:PassRole", Condition=condition)], "iam:PassRole") == {"iam:PassRole": decision}


def test_context_entries_are_the_keys_of_the_request(simulate: Simulate) -> None:
    statements = [allow("iam:PassRole", Condition={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}})]

    for service, decision in (("sagemaker", "allowed"), ("lambda", "implicitDeny")):
        values = [f"{service}.amazonaws.com"]
        entry = {"ContextKeyName": "iam:PassedToService", "ContextKeyValues": values, "ContextKeyType": "string"}
        assert simulate(statements, "iam:PassRole", ContextEntries=[entry]) == {"iam:PassRole": decision}


def test_what_it_does_not_weigh_is_refused_by_name(client: Make) -> None:
    arn = make_role(client("iam"), "sagemaker.amazonaws.com")
    policy = json.dumps({"Version": "2012-10-17", "Statement": allow("*")})
    request = {"PolicySourceArn": arn, "ActionNames": ["s3:GetObject"], "PolicyInputList": [policy]}

    code, message = refusal(client("iam").simulate_principal_policy, **request)

    assert code == "UnsupportedByPreflight"
    assert "PolicyInputList" in message
