"""Whose access key it is, and what its owner may do, as LocalStack's IAM and STS keep it."""

import json
from collections.abc import Iterator
from urllib.parse import unquote

from localstack.aws.accounts import get_account_id_from_access_key_id
from localstack.constants import AWS_REGION_US_EAST_1
from localstack.services.iam.models import iam_stores
from localstack.services.iam.resources.policy_simulator import BasicIAMPolicySimulator
from localstack.services.plugins import SERVICE_PLUGINS
from localstack.services.sts.models import sts_stores

from preflight.hosts.localstack.api_gateway.rest import policies
from preflight.hosts.localstack.api_gateway.rest.backend import Caller
from preflight.hosts.localstack.api_gateway.rest.request import Call

# The person at the keyboard: key and secret are the same word; a key of twelve digits is the root of that account.
PERSON = "test"


def find(access_key: str) -> Caller | None:
    """The session, user or root that the key belongs to; None for a key that nobody has."""
    account = get_account_id_from_access_key_id(access_key)
    session = sts_stores[account][AWS_REGION_US_EAST_1].credentials.get(access_key)
    if session is not None:
        return Caller(
            access_key,
            session.secret_access_key,
            session.session_token,
            session.account_id,
            session.arn,
            session.user_id,
            session.is_expired(),
        )
    iam = iam_stores[account][AWS_REGION_US_EAST_1]
    user = iam.USERS.get(iam.ACCESS_KEY_INDEX.get(access_key, ""))
    if user is not None:
        key = user.access_keys[access_key].access_key
        if key.get("Status") != "Active":
            return None
        return Caller(access_key, key["SecretAccessKey"], "", account, user.user["Arn"], user.user["UserId"])
    if access_key == PERSON or (access_key.isascii() and access_key.isdigit() and len(access_key) == 12):
        return Caller(access_key, PERSON, "", account, f"arn:aws:iam::{account}:root", account)
    return None


def denial(caller: Caller, call: Call) -> str:
    """Why the caller's own policies do not let it call: the end of AWS's sentence; empty if they do."""
    if caller.arn.endswith(":root"):
        return ""
    keys = {"aws:sourceip": call.request.source_ip}
    effect = policies.decide(_identity_policies(caller.arn), policies.INVOKE, call.method_arn, keys)
    if effect == policies.DENY:
        return " with an explicit deny in an identity-based policy"
    return "" if effect == policies.ALLOW else f" because no identity-based policy allows the {policies.INVOKE} action"


def role_allows(role_arn: str, service: str, action: str, resource: str) -> bool:
    """Whether ``service`` may assume the role, and the role may do it."""
    account = role_arn.split(":")[4] if role_arn.count(":") >= 5 else ""
    role = iam_stores[account][AWS_REGION_US_EAST_1].ROLES.get(role_arn.rpartition("/")[2]) if account else None
    if role is None or role.role["Arn"] != role_arn:
        return False
    trust = policies.statements(unquote(role.role["AssumeRolePolicyDocument"]))
    if policies.decide(trust, "sts:AssumeRole", role_arn, {}, [service]) != policies.ALLOW:
        return False
    return policies.decide(_identity_policies(role_arn), action, resource, {}) == policies.ALLOW


def _identity_policies(arn: str) -> Iterator[policies.Statement]:
    """The statements of a user's or role's own policies."""
    account, owner = arn.split(":")[4], arn.split(":", 5)[5]
    kind, *names = owner.split("/")
    store = iam_stores[account][AWS_REGION_US_EAST_1]
    simulator = BasicIAMPolicySimulator(SERVICE_PLUGINS.require("iam")._provider)
    entity = (
        store.ROLES.get(names[0] if kind == "assumed-role" else names[-1])
        if kind in ("role", "assumed-role")
        else store.USERS.get(names[-1])
    )
    if entity is None:
        return
    attached = [simulator._get_policy_document(store, attached) for attached in entity.attached_policy_arns]
    for document in (*entity.inline_policies.values(), *attached):
        text = document if isinstance(document, str) else json.dumps(document)
        yield from policies.statements(unquote(text))
