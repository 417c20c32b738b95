"""Whose access key it is, with the secret that its signatures are made with."""

from dataclasses import replace

from localstack.services.iam.models import iam_stores
from localstack.services.sts.models import sts_stores

from preflight.hosts.localstack.api_gateway.rest.backend import Caller
from preflight.hosts.localstack.authorization.callers import REGION, ExpiredKey, InvalidKey, find_caller
from preflight.hosts.localstack.authorization.handler import roles_decide
from preflight.iam.decision import Policies
from preflight.iam.policy import Principal
from preflight.sagemaker.api.credentials import account_of

# The person at the keyboard: key and secret are the same word. A key of twelve digits is that account itself.
PERSON = "test"


def find(access_key: str) -> Caller | None:
    """The session, the user or the account that the key belongs to; None for a key that nobody has."""
    account = account_of(access_key)
    credentials = sts_stores[account][REGION].credentials.get(access_key)
    try:
        known = find_caller(access_key)
    except InvalidKey:
        return None
    except ExpiredKey:
        assert credentials is not None
        secret, token = credentials.secret_access_key, credentials.session_token
        return Caller(access_key, secret, token, Principal(credentials.arn, account), "", is_expired=True)
    if credentials is not None:
        secret, token, arn = credentials.secret_access_key, credentials.session_token, credentials.arn
        caller = Caller(access_key, secret, token, Principal(arn, account), credentials.user_id)
    elif known is not None:
        user = iam_stores[account][REGION].USERS[known.keys["aws:username"]]
        key = user.access_keys[access_key].access_key
        if key.get("Status") != "Active":
            return None
        caller = Caller(access_key, key["SecretAccessKey"], "", known.principal, user.user["UserId"])
    elif access_key == PERSON or (access_key.isascii() and access_key.isdigit() and len(access_key) == 12):
        return Caller(access_key, PERSON, "", Principal(f"arn:aws:iam::{account}:root", account), account)
    else:
        return None
    if known is None or not roles_decide():
        return caller
    policies = Policies(known.identity, known.boundary, known.session)
    return replace(caller, principal=known.principal, policies=policies, keys=known.keys)
