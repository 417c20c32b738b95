"""Roles, users and policies; no access keys, which are secrets."""

from collections.abc import Iterator
from typing import Any

from preflight.state_file.requests import Request, document, pages
from preflight.state_file.source import Source, only

_SERVICE_LINKED = "/aws-service-role/"


def requests(source: Source) -> Iterator[Request]:
    iam = source.client("iam")
    for policy in pages(iam, "list_policies", "Policies", Scope="Local"):
        version = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])["PolicyVersion"]
        yield source.request(
            "iam", "CreatePolicy", PolicyDocument=document(version["Document"]), **only(policy, "PolicyName", "Path")
        )
    for listed in pages(iam, "list_roles", "Roles"):
        if not listed["Path"].startswith(_SERVICE_LINKED):
            yield from _role(source, iam, listed["RoleName"])
    for user in pages(iam, "list_users", "Users"):
        yield from _user(source, iam, user)


def _role(source: Source, iam: Any, name: str) -> Iterator[Request]:
    role = iam.get_role(RoleName=name)["Role"]
    yield source.request(
        "iam",
        "CreateRole",
        AssumeRolePolicyDocument=document(role["AssumeRolePolicyDocument"]),
        PermissionsBoundary=role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        **only(role, "RoleName", "Path", "Description", "MaxSessionDuration", "Tags"),
    )
    for policy in pages(iam, "list_role_policies", "PolicyNames", RoleName=name):
        text = document(iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"])
        yield source.request("iam", "PutRolePolicy", RoleName=name, PolicyName=policy, PolicyDocument=text)
    for attached in pages(iam, "list_attached_role_policies", "AttachedPolicies", RoleName=name):
        yield source.request("iam", "AttachRolePolicy", RoleName=name, PolicyArn=attached["PolicyArn"])


def _user(source: Source, iam: Any, user: dict[str, Any]) -> Iterator[Request]:
    name = user["UserName"]
    yield source.request("iam", "CreateUser", **only(user, "UserName", "Path"))
    for policy in pages(iam, "list_user_policies", "PolicyNames", UserName=name):
        text = document(iam.get_user_policy(UserName=name, PolicyName=policy)["PolicyDocument"])
        yield source.request("iam", "PutUserPolicy", UserName=name, PolicyName=policy, PolicyDocument=text)
    for attached in pages(iam, "list_attached_user_policies", "AttachedPolicies", UserName=name):
        yield source.request("iam", "AttachUserPolicy", UserName=name, PolicyArn=attached["PolicyArn"])
    if iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        source.left_out.append(f"the access keys of the user {name}")
