"""The decision: which of all policies that apply to a request allows it, or why none does.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from preflight.iam.patterns import Context
from preflight.iam.policy import Named, Policy, Principal, Statement


class PolicyType(Enum):
    """As errors name it."""

    IDENTITY = "identity-based policy"
    RESOURCE = "resource-based policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"


class Outcome(Enum):
    """In the words of SimulatePrincipalPolicy."""

    ALLOWED = "allowed"
    IMPLICIT_DENY = "implicitDeny"
    EXPLICIT_DENY = "explicitDeny"


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked; ``resource`` as in ``Need``. ``resource_account`` is whose it is; empty: the principal's."""

    principal: Principal
    action: str
    resource: str | None
    context: Context
    resource_account: str = ""

    @property
    def crosses_accounts(self) -> bool:
        return self.resource_account not in ("", self.principal.account)


@dataclass(frozen=True, slots=True)
class Policies:
    """What applies to a request. ``boundary`` and ``session`` only limit; None: there is none, and no limit."""

    identity: Sequence[Policy] = ()
    boundary: Policy | None = None
    session: Sequence[Policy] | None = None
    resource: Policy | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """``policy_type`` denies, or lacks an Allow; ``policy_arn`` is the managed policy that denies."""

    outcome: Outcome
    policy_type: PolicyType = PolicyType.IDENTITY
    policy_arn: str = ""

    @property
    def is_allowed(self) -> bool:
        return self.outcome is Outcome.ALLOWED


ALLOWED = Decision(Outcome.ALLOWED)


def decide(request: Request, policies: Policies) -> Decision:
    """A Deny of any policy beats every Allow; without an Allow, all is denied."""
    return _denial(request, policies) or _missing_allow(request, policies)


def trusts(policy: Policy, request: Request) -> Named:
    """How a role's trust policy lets the principal assume it: alone, or together with the principal's own policies."""
    return Named.NOT if _named(request, policy, is_allow=False) else _named(request, policy, is_allow=True)


def _denial(request: Request, policies: Policies) -> Decision | None:
    limits = [policies.boundary] if policies.boundary else []
    attached = (
        (PolicyType.IDENTITY, policies.identity),
        (PolicyType.BOUNDARY, limits),
        (PolicyType.SESSION, policies.session or ()),
    )
    for policy_type, documents in attached:
        for policy in documents:
            if any(_matching(policy, request, is_allow=False)):
                return Decision(Outcome.EXPLICIT_DENY, policy_type, policy.arn)
    if _named(request, policies.resource, is_allow=False):
        return Decision(Outcome.EXPLICIT_DENY, PolicyType.RESOURCE)
    return None


def _missing_allow(request: Request, policies: Policies) -> Decision:
    """ALLOWED, or the kind of policy that should allow and does not."""
    granted = _named(request, policies.resource, is_allow=True)
    if request.crosses_accounts and not granted:
        return Decision(Outcome.IMPLICIT_DENY, PolicyType.RESOURCE)
    if granted is Named.DIRECTLY and not request.crosses_accounts:
        return ALLOWED  # whoever is named himself needs no policy of his own, and no boundary limits it
    is_granted = granted >= Named.ROLE and not request.crosses_accounts
    if not is_granted and not _allows(policies.identity, request):
        return Decision(Outcome.IMPLICIT_DENY, PolicyType.IDENTITY)
    if policies.boundary and not _allows([policies.boundary], request):
        return Decision(Outcome.IMPLICIT_DENY, PolicyType.BOUNDARY)
    if policies.session is not None and not _allows(policies.session, request):
        return Decision(Outcome.IMPLICIT_DENY, PolicyType.SESSION)
    return ALLOWED


def _named(request: Request, policy: Policy | None, *, is_allow: bool) -> Named:
    """How the statements of one effect that cover the request name its principal."""
    if policy is None:
        return Named.NOT
    statements = _matching(policy, request, is_allow=is_allow)
    return max((each.names(request.principal) for each in statements), default=Named.NOT)


def _allows(policies: Iterable[Policy], request: Request) -> bool:
    return any(any(_matching(policy, request, is_allow=True)) for policy in policies)


def _matching(policy: Policy, request: Request, *, is_allow: bool) -> Iterator[Statement]:
    """The statements of one effect that cover the request."""
    for each in policy.statements:
        if each.is_allow is is_allow and each.covers(request.action, request.resource, request.context):
            yield each
