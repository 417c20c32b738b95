"""Roles: made as wanted, kept to their policies, and deleted."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from aws.client import Aws
from aws.names import Names

Policy = dict[str, Any]


@dataclass(frozen=True)
class Role:
    """A role as it is wanted: who assumes it, what it may do."""

    name: str
    service: str
    policies: dict[str, Policy]
    managed_policies: tuple[str, ...]


def ensure_role(aws: Aws, names: Names, role: Role) -> str:
    """Have the role with these policies and no others. Returns its ARN.

    https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
    https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
    """
    trust: Policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": role.service}, "Action": "sts:AssumeRole"}],
    }
    found = aws.find("iam", "GetRole", RoleName=role.name)
    if found is None:
        aws.change(
            "iam",
            "CreateRole",
            why="it does not exist",
            RoleName=role.name,
            AssumeRolePolicyDocument=json.dumps(trust),
            Description=f"Preflight project {names.project}",
            Tags=names.tag_list,
        )
    elif _document(found["Role"]["AssumeRolePolicyDocument"]) != trust:
        why = f"{role.service}, and nobody else, assumes it"
        aws.change("iam", "UpdateAssumeRolePolicy", why=why, RoleName=role.name, PolicyDocument=json.dumps(trust))
    _ensure_managed_policies(aws, role)
    _ensure_inline_policies(aws, role)
    if found is not None:
        return str(found["Role"]["Arn"])
    return f"arn:{aws.target.partition}:iam::{aws.account_id}:role/{role.name}"


def _ensure_managed_policies(aws: Aws, role: Role) -> None:
    wanted = {f"arn:{aws.target.partition}:iam::aws:policy/{name}": name for name in role.managed_policies}
    attached = _attached_policies(aws, role.name)
    for arn in sorted(wanted.keys() - attached):
        aws.change("iam", "AttachRolePolicy", why=f"{wanted[arn]} is asked for", RoleName=role.name, PolicyArn=arn)
    for arn in sorted(attached - wanted.keys()):
        aws.change("iam", "DetachRolePolicy", why="it allows more than is needed", RoleName=role.name, PolicyArn=arn)


def _ensure_inline_policies(aws: Aws, role: Role) -> None:
    stored = _inline_policies(aws, role.name)
    for name, policy in role.policies.items():
        current = aws.find("iam", "GetRolePolicy", RoleName=role.name, PolicyName=name) if name in stored else None
        if current is None or _document(current["PolicyDocument"]) != policy:
            why = "it is not there" if current is None else "it says something else"
            document = json.dumps(policy)
            aws.change("iam", "PutRolePolicy", why=why, RoleName=role.name, PolicyName=name, PolicyDocument=document)
    for name in stored:
        if name not in role.policies:
            why = "it is not needed any more"
            aws.change("iam", "DeleteRolePolicy", why=why, RoleName=role.name, PolicyName=name)


def delete_role(aws: Aws, name: str) -> None:
    """Delete a role; it goes only when nothing is attached to it any more."""
    for arn in sorted(_attached_policies(aws, name)):
        aws.remove("iam", "DetachRolePolicy", RoleName=name, PolicyArn=arn)
    for policy in _inline_policies(aws, name):
        aws.remove("iam", "DeleteRolePolicy", RoleName=name, PolicyName=policy)
    aws.remove("iam", "DeleteRole", RoleName=name)


def _attached_policies(aws: Aws, role: str) -> set[str]:
    listed = aws.list("iam", "ListAttachedRolePolicies", "AttachedPolicies", RoleName=role)
    return {policy["PolicyArn"] for policy in listed}


def _inline_policies(aws: Aws, role: str) -> list[str]:
    found = aws.find("iam", "ListRolePolicies", RoleName=role) or {"PolicyNames": []}
    return list(found["PolicyNames"])


def _document(policy: str | Policy) -> Policy:
    """A policy as a dict. IAM returns URL-encoded JSON, which boto3 decodes in some answers only."""
    document: dict[str, Any] = json.loads(unquote(policy)) if isinstance(policy, str) else policy
    return document
