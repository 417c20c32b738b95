"""Whose an access key is, and which policies limit him: as IAM and STS keep them in this stack."""

import functools
import json
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import localstack.services.iam.provider
from localstack.services.iam.models import IamStore, iam_stores
from localstack.services.sts.models import TemporaryCredentials, sts_stores

from preflight.iam.errors import MalformedPolicy
from preflight.iam.policy import Policy, Principal, read_policy
from preflight.sagemaker.api.credentials import account_of

LOG = logging.getLogger(__name__)
REGION = "us-east-1"  # the stores of IAM and STS are the same in every region

_KEYS_OF_STS = "LSIA"
_KEYS_OF_USERS = "LKIA"
_SESSION = re.compile(r"arn:[\w-]+:sts::\d{12}:assumed-role/([^/]+)/.+")
_OF_AWS = re.compile(r"arn:[\w-]+:iam::aws:policy/")
_NOTHING = Policy(())


class InvalidKey(Exception):
    """A key of a session or a user that this stack does not have, or not any more."""


class ExpiredKey(Exception):
    """The session that a key was made for is over."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A user or a role's session. ``keys`` are the condition keys that describe him."""

    principal: Principal
    identity: Sequence[Policy] = ()
    boundary: Policy | None = None
    session: Sequence[Policy] | None = None
    keys: Mapping[str, str] = field(default_factory=dict)


def find_caller(access_key: str) -> Caller | None:
    """The caller; None for whoever may do everything: an account itself, by whatever key of its own.

    Raises:
        InvalidKey, ExpiredKey
    """
    if not access_key.startswith((_KEYS_OF_STS, _KEYS_OF_USERS)):
        return None
    account = account_of(access_key)
    iam: IamStore = iam_stores[account][REGION]
    if access_key.startswith(_KEYS_OF_USERS):
        return _user(iam, account, iam.ACCESS_KEY_INDEX.get(access_key, ""), access_key)
    credentials: TemporaryCredentials | None = sts_stores[account][REGION].credentials.get(access_key)
    if credentials is None:
        raise InvalidKey
    if credentials.is_expired():
        raise ExpiredKey
    found = _SESSION.fullmatch(credentials.arn)
    return _role_session(iam, found[1], credentials) if found else None


def policies_of_role(role_arn: str) -> Sequence[Policy]:
    """The identity policies of a role; none if it is not there."""
    account = role_arn.split(":")[4] if role_arn.count(":") >= 5 else ""
    iam: IamStore = iam_stores[account][REGION]
    entity = iam.ROLES.get(role_arn.rpartition("/")[2])
    return _attached(iam, entity) if entity and entity.role["Arn"] == role_arn else ()


def _role_session(iam: IamStore, name: str, credentials: TemporaryCredentials) -> Caller:
    """Of a role that is gone nothing is left but the session, which may do nothing."""
    account, entity = credentials.account_id, iam.ROLES.get(name)
    arn = entity.role["Arn"] if entity else f"arn:aws:iam::{account}:role/{name}"
    tags = {tag["Key"]: tag["Value"] for tag in credentials.tags.values()}
    keys = _keys(arn, account, "AssumedRole", {**_tags(iam, arn), **tags}) | {"aws:userid": credentials.user_id}
    session_policies = credentials.iam_context.get(SESSION_POLICIES)
    return Caller(
        Principal(credentials.arn, account, arn),
        _attached(iam, entity) if entity else (),
        _boundary(iam, entity.role) if entity else None,
        _session_policies(iam, session_policies) if session_policies else None,
        keys,
    )


def _user(iam: IamStore, account: str, name: str, access_key: str) -> Caller:
    entity = iam.USERS.get(name)
    if entity is None or not _is_active(entity, access_key):
        raise InvalidKey
    arn = entity.user["Arn"]
    groups = [group for group in iam.GROUPS.values() if name in group.member_user_names]
    policies = [policy for holder in (entity, *groups) for policy in _attached(iam, holder)]
    keys = _keys(arn, account, "User", _tags(iam, arn)) | {"aws:userid": entity.user["UserId"], "aws:username": name}
    return Caller(Principal(arn, account), policies, _boundary(iam, entity.user), None, keys)


def _is_active(entity: Any, access_key: str) -> bool:
    found = entity.access_keys.get(access_key)
    return found is not None and found.access_key.get("Status") == "Active"


def _keys(arn: str, account: str, kind: str, tags: Mapping[str, str]) -> dict[str, str]:
    own = {"aws:PrincipalArn": arn, "aws:PrincipalAccount": account, "aws:PrincipalType": kind}
    return own | {f"aws:PrincipalTag/{name}": value for name, value in tags.items()}


def _tags(iam: IamStore, arn: str) -> Mapping[str, str]:
    tags: Mapping[str, str] = iam.TAGS.get_tags(arn)
    return tags


def _attached(iam: IamStore, entity: Any) -> list[Policy]:
    """Inline and managed policies of a role, user or group."""
    inline = [read_stored(document) for document in entity.inline_policies.values()]
    return inline + [_managed(iam, arn) for arn in entity.attached_policy_arns]


def _boundary(iam: IamStore, entity: Mapping[str, Any]) -> Policy | None:
    boundary = entity.get("PermissionsBoundary")
    return _managed(iam, boundary["PermissionsBoundaryArn"]) if boundary else None


def _managed(iam: IamStore, arn: str) -> Policy:
    """A policy of the account, or of AWS; one that has been deleted allows nothing."""
    if entity := iam.MANAGED_POLICIES.get(arn):
        return read_stored(entity.versions[entity.policy["DefaultVersionId"]]["Document"], arn)
    document = _policies_of_aws().get(_OF_AWS.sub("", arn))
    return read_stored(document, arn) if document else _NOTHING


@functools.cache
def _policies_of_aws() -> Mapping[str, str]:
    """The documents of AWS's own managed policies, by path and name, as LocalStack brings them."""
    file = Path(localstack.services.iam.provider.__file__).with_name("resources") / "aws_managed_policies.json"
    policies = json.loads(file.read_text())
    return {f"{it['Path']}{name}".lstrip("/"): json.dumps(it["Document"]) for name, it in policies.items()}


@functools.lru_cache(maxsize=1024)
def read_stored(document: str, arn: str = "") -> Policy:
    """A stored document, quoted or not; one that is no policy allows nothing, and the log says so."""
    try:
        return read_policy(unquote(document) if document.startswith("%") else document, arn)
    except MalformedPolicy as error:
        LOG.warning("A policy%s allows nothing: %s", f" ({arn})" if arn else "", error)
        return _NOTHING


# --- Session policies, which LocalStack's STS takes and forgets; see patches/session_policies.py ---

SESSION_POLICIES = "preflight:session-policies"


def keep_session_policies(access_key: str, documents: Iterable[str], arns: Iterable[str]) -> None:
    """Limit the session of ``access_key`` to inline ``documents`` and managed policies."""
    credentials = sts_stores[account_of(access_key)][REGION].credentials[access_key]
    credentials.iam_context[SESSION_POLICIES] = (tuple(documents), tuple(arns))


def _session_policies(iam: IamStore, kept: Any) -> list[Policy]:
    documents, arns = kept
    return [read_stored(document) for document in documents] + [_managed(iam, arn) for arn in arns]
