"""Whether a request may go on: its caller, what it needs, what the resources say, and IAM's decision."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from localstack.services.iam.models import iam_stores

from preflight.hosts.localstack.authorization.callers import (
    REGION,
    Caller,
    ExpiredKey,
    InvalidKey,
    find_caller,
    read_stored,
)
from preflight.hosts.localstack.authorization.resources import ResourceSide, has_object, object_tags, resource_side
from preflight.iam.conditions import values_of
from preflight.iam.decision import Decision, Outcome, Policies, Request, decide, trusts
from preflight.iam.denials import Denial, denial, expired_token, invalid_token
from preflight.iam.needs import Need, Parameters, Place, needs
from preflight.iam.patterns import Context
from preflight.iam.policy import Named, Policy, Principal

LOOPBACK = "127.0.0.1"
_EXISTING_TAG = "s3:existingobjecttag/"
_RESOURCE_TAGS = ("aws:resourcetag/", "sagemaker:resourcetag/")
_READS = ("GetObject", "HeadObject")
_UNKNOWN = Decision(Outcome.IMPLICIT_DENY)


def _no_tags(arn: str) -> Mapping[str, str]:
    """Of the services whose resources' tags are not looked at."""
    return {}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as its service reads it: botocore's names of service, operation and members."""

    service: str
    operation: str
    parameters: Parameters
    place: Place
    user_agent: str = ""
    tags_of: Callable[[str], Mapping[str, str]] = _no_tags


def refusal(access_key: str, asked: Asked) -> Denial | None:
    """Why the request must not go on, in its service's words; None if it may."""
    try:
        caller = find_caller(access_key)
    except InvalidKey:
        return invalid_token(asked.service)
    except ExpiredKey:
        return expired_token(asked.service)
    if caller is None:
        return None
    for need in needs(asked.service, asked.operation, asked.parameters, asked.place):
        if refused := _refusal_of(caller, need, asked):
            return refused
    if asked.service == "s3" and asked.operation in _READS:
        return _refusal_to_say_what_is_missing(caller, asked)
    return None


def may_assume(service: str, role_arn: str) -> bool:
    """Whether an AWS service may assume a role: the role is there, and trusts it."""
    trust = trust_policy(role_arn)
    request = Request(Principal(service=service), "sts:AssumeRole", role_arn, values_of({}))
    return trust is not None and trusts(trust, request) is Named.DIRECTLY


def _refusal_of(caller: Caller, need: Need, asked: Asked) -> Denial | None:
    if need.action == "sts:AssumeRole":
        decision = _decide_assume_role(caller, need, asked)
    else:
        side = resource_side(need.resource) if need.resource and need.resource.startswith("arn:") else ResourceSide()
        request = Request(
            caller.principal, need.action, need.resource, _context(caller, need, asked, side), side.account
        )
        policies = Policies(caller.identity, caller.boundary, caller.session, side.policy)
        decision = decide(request, policies)
    if decision.is_allowed:
        return None
    return denial(asked.service, caller.principal.arn, need.action, need.resource or "", decision)


def _refusal_to_say_what_is_missing(caller: Caller, asked: Asked) -> Denial | None:
    """Who may not list a bucket does not learn that it lacks an object."""
    bucket = str(asked.parameters["Bucket"])
    if has_object(bucket, str(asked.parameters["Key"])):
        return None
    return _refusal_of(caller, Need("s3:ListBucket", f"arn:{asked.place.partition}:s3:::{bucket}"), asked)


def _decide_assume_role(caller: Caller, need: Need, asked: Asked) -> Decision:
    """The role must trust the caller; if it only trusts his account, his own policies must allow it, too."""
    role_arn = need.resource or ""
    trust = trust_policy(role_arn)
    side = ResourceSide(role_arn.split(":")[4] if role_arn.count(":") >= 5 else "", trust)
    request = Request(caller.principal, need.action, role_arn, _context(caller, need, asked, side), side.account)
    if trust is None or trusts(trust, request) is Named.NOT:
        return _UNKNOWN
    return decide(request, Policies(caller.identity, caller.boundary, caller.session, trust))


def trust_policy(role_arn: str) -> Policy | None:
    """The trust policy of a role; None if there is no such role."""
    parts = role_arn.split(":", 5)
    if len(parts) < 6 or not parts[5].startswith("role/"):
        return None
    entity = iam_stores[parts[4]][REGION].ROLES.get(role_arn.rpartition("/")[2])
    if entity is None or entity.role["Arn"] != role_arn:
        return None
    return read_stored(entity.role["AssumeRolePolicyDocument"])


def _context(caller: Caller, need: Need, asked: Asked, side: ResourceSide) -> Context:
    """The condition keys of one need; what takes a look elsewhere is looked up when it is asked for."""
    now = datetime.now(UTC)
    known = values_of(
        {
            **caller.keys,
            **need.keys,
            "aws:CurrentTime": now.isoformat(),
            "aws:EpochTime": str(int(now.timestamp())),
            "aws:RequestedRegion": asked.place.region,
            "aws:ResourceAccount": side.account or caller.principal.account,
            "aws:SecureTransport": "true",  # as every request that the same program sends to AWS
            "aws:SourceIp": LOOPBACK,
            "aws:UserAgent": asked.user_agent,
            "aws:ViaAWSService": "false",
            "aws:PrincipalIsAWSService": "false",
        }
    )

    def values(key: str) -> Sequence[str]:
        if key.startswith(_EXISTING_TAG):
            return _existing_tag(key.removeprefix(_EXISTING_TAG), asked.parameters)
        if key.startswith(_RESOURCE_TAGS):
            return _tag(key.partition("/")[2], asked.tags_of(need.resource or ""))
        return known(key)

    return values


def _existing_tag(name: str, parameters: Mapping[str, object]) -> Sequence[str]:
    bucket, key, version = (parameters.get(member) for member in ("Bucket", "Key", "VersionId"))
    return _tag(name, object_tags(str(bucket), str(key), str(version) if version else None) if bucket and key else {})


def _tag(name: str, tags: Mapping[str, str]) -> Sequence[str]:
    return [value for tag, value in tags.items() if tag.lower() == name]
