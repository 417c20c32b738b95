"""Which policies allow what: AWS's "Policy evaluation logic", case by case."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from preflight.iam.conditions import values_of
from preflight.iam.decision import Decision, Outcome, Policies, PolicyType, Request, decide
from preflight.iam.policy import Policy, Principal, read_policy

ROLE = "arn:aws:iam::111111111111:role/analyst"
SESSION = "arn:aws:sts::111111111111:assumed-role/analyst/laptop"
OBJECT = "arn:aws:s3:::data/train.csv"
ANALYST = Principal(SESSION, "111111111111", ROLE)
READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*"}
FORBID = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}


def policy(*statements: Mapping[str, Any], version: str = "2012-10-17", arn: str = "") -> Policy:
    return read_policy(json.dumps({"Version": version, "Statement": list(statements)}), arn)


def grant(*principals: str, **elements: Any) -> Policy:
    return policy(READ | {"Principal": {"AWS": list(principals)}} | elements)


def ask(
    policies: Policies,
    action: str = "s3:GetObject",
    resource: str | None = OBJECT,
    owner: str = "111111111111",
    **keys: Any,
) -> Decision:
    return decide(Request(ANALYST, action, resource, values_of(keys), owner), policies)


def test_nothing_is_allowed_without_an_allow() -> None:
    assert ask(Policies()) == Decision(Outcome.IMPLICIT_DENY, PolicyType.IDENTITY)


@pytest.mark.parametrize(
    ("action", "resource", "is_allowed"),
    [
        ("s3:GetObject", OBJECT, True),
        ("s3:getobject", OBJECT, True),  # the case of an action does not matter
        ("s3:GetObject", "arn:aws:s3:::data/a/b:c", True),  # a star spans slashes and colons
        ("s3:GetObject", "arn:aws:s3:::DATA/train.csv", False),  # that of a resource does
        ("s3:GetObject", "arn:aws:s3:::data", False),
        ("s3:GetObjectVersion", OBJECT, False),
        ("s3:GetObject", None, True),  # a resource that is not known
    ],
)
def test_a_statement_covers_actions_and_resources(action: str, resource: str | None, is_allowed: bool) -> None:
    assert ask(Policies([policy(READ)]), action, resource).is_allowed is is_allowed


@pytest.mark.parametrize(
    ("element", "is_allowed"),
    [
        ({"Action": "s3:Get*"}, True),
        ({"Action": ["s3:Put*", "s3:?etObject"]}, True),
        ({"Action": "*"}, True),
        ({"Action": "s3.GetObject"}, False),
        ({"NotAction": "s3:GetObject"}, False),
        ({"NotAction": "iam:*"}, True),
        ({"Resource": "arn:aws:s3:::data/train?csv"}, True),
        ({"Resource": "arn:aws:s3:::data/train.cs"}, False),
        ({"NotResource": "arn:aws:s3:::data/*"}, False),
        ({"NotResource": ["arn:aws:s3:::other/*", "arn:aws:s3:::more/*"]}, True),
    ],
)
def test_wildcards_and_what_is_left_out(element: dict[str, Any], is_allowed: bool) -> None:
    replaced = {"Action": "NotAction", "Resource": "NotResource"}
    left = {name: value for name, value in READ.items() if replaced.get(name) not in element}

    assert ask(Policies([policy(left | element)])).is_allowed is is_allowed


def test_a_deny_beats_every_allow_and_says_which_managed_policy_it_is_of() -> None:
    arn = "arn:aws:iam::111111111111:policy/no-s3"
    policies = Policies([policy(READ), policy(FORBID, arn=arn)], resource=grant(SESSION))

    assert ask(policies) == Decision(Outcome.EXPLICIT_DENY, PolicyType.IDENTITY, arn)


def test_a_deny_of_all_but_one_resource_denies_the_others() -> None:
    all_but = {"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::data/*"}

    assert ask(Policies([policy(READ, all_but)])).is_allowed
    other = ask(Policies([policy(READ | {"Resource": "*"}, all_but)]), resource="arn:aws:s3:::other/x")
    assert other.outcome is Outcome.EXPLICIT_DENY


def test_a_deny_whose_condition_is_not_met_denies_nothing() -> None:
    unless_encrypted = FORBID | {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}

    assert ask(Policies([policy(READ, unless_encrypted)]), **{"aws:SecureTransport": "true"}).is_allowed
    assert not ask(Policies([policy(READ, unless_encrypted)]), **{"aws:SecureTransport": "false"}).is_allowed


@pytest.mark.parametrize(
    ("limit", "kind"), [("boundary", PolicyType.BOUNDARY), ("session", PolicyType.SESSION)], ids=["boundary", "session"]
)
def test_a_boundary_and_a_session_policy_only_limit(limit: str, kind: PolicyType) -> None:
    def limited(statement: Mapping[str, Any], *identity: Policy) -> Decision:
        limiting = policy(statement)
        is_boundary = limit == "boundary"
        return ask(Policies(identity, limiting if is_boundary else None, None if is_boundary else [limiting]))

    assert limited(READ, policy(READ)).is_allowed
    assert limited(READ) == Decision(Outcome.IMPLICIT_DENY, PolicyType.IDENTITY)
    assert limited(READ | {"Action": "s3:Put*"}, policy(READ)) == Decision(Outcome.IMPLICIT_DENY, kind)
    assert limited(FORBID, policy(READ)) == Decision(Outcome.EXPLICIT_DENY, kind)


@pytest.mark.parametrize(
    ("principal", "alone", "within_a_boundary"),
    [
        (SESSION, True, True),  # whoever is named himself is limited by nothing
        ("*", True, True),
        (ROLE, True, False),
        ("111111111111", False, False),  # leaves it to the account's own policies
        ("arn:aws:iam::111111111111:root", False, False),
        ("222222222222", False, False),
        ("arn:aws:iam::111111111111:role/other", False, False),
    ],
)
def test_a_resource_policy_of_the_same_account_allows_whom_it_names(
    principal: str, alone: bool, within_a_boundary: bool
) -> None:
    elsewhere = policy(READ | {"Action": "sqs:*"})

    assert ask(Policies(resource=grant(principal))).is_allowed is alone
    assert ask(Policies(resource=grant(principal), boundary=elsewhere)).is_allowed is within_a_boundary


def test_across_accounts_both_sides_must_allow() -> None:
    mine, theirs = [policy(READ)], grant("arn:aws:iam::111111111111:root")

    assert ask(Policies(mine, resource=theirs), owner="222222222222").is_allowed
    assert ask(Policies(mine), owner="222222222222") == Decision(Outcome.IMPLICIT_DENY, PolicyType.RESOURCE)
    assert ask(Policies(resource=grant("*")), owner="222222222222") == Decision(Outcome.IMPLICIT_DENY)


def test_a_resource_policy_denies_whom_it_names() -> None:
    denied = Decision(Outcome.EXPLICIT_DENY, PolicyType.RESOURCE)
    everybody_else = policy(FORBID | {"NotPrincipal": {"AWS": ROLE}})

    assert ask(Policies([policy(READ)], resource=grant(ROLE, Effect="Deny"))) == denied
    assert ask(Policies([policy(READ)], resource=grant("333333333333", Effect="Deny"))).is_allowed
    assert ask(Policies([policy(READ)], resource=everybody_else)).is_allowed
    outside = policy(FORBID | {"NotPrincipal": {"AWS": "arn:aws:iam::111111111111:root"}})
    assert ask(Policies([policy(READ)], resource=outside)) == denied  # its account is left out, and he is not


@pytest.mark.parametrize(
    ("version", "resource", "is_allowed"),
    [
        ("2012-10-17", "arn:aws:s3:::data/${aws:username}/*", True),
        ("2012-10-17", "arn:aws:s3:::data/${AWS:UserName}/*", True),
        ("2012-10-17", "arn:aws:s3:::data/${aws:PrincipalTag/team, 'ann'}/*", True),
        ("2012-10-17", "arn:aws:s3:::data/${aws:PrincipalTag/team}/*", False),  # no value, no match
        ("2012-10-17", "arn:aws:s3:::data/ann/x${*}", False),  # a star, and no wildcard
        ("2008-10-17", "arn:aws:s3:::data/${aws:username}/*", False),  # before there were variables
    ],
)
def test_variables_stand_for_what_the_request_has(version: str, resource: str, is_allowed: bool) -> None:
    policies = Policies([policy(READ | {"Resource": resource}, version=version)])

    assert ask(policies, resource="arn:aws:s3:::data/ann/x", **{"aws:username": "ann"}).is_allowed is is_allowed


def test_a_value_of_a_variable_is_no_pattern() -> None:
    policies = Policies([policy(READ | {"Resource": "arn:aws:s3:::data/${aws:username}"})])

    assert not ask(policies, resource="arn:aws:s3:::data/ann", **{"aws:username": "*"}).is_allowed
