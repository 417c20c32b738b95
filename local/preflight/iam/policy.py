"""A policy document, read once into what can be asked: its statements.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from preflight.iam.conditions import Condition, NullCondition, parse_conditions
from preflight.iam.errors import MalformedPolicy
from preflight.iam.patterns import Context, Pattern, action_pattern, pattern

VERSION_WITH_VARIABLES = "2012-10-17"
_ACCOUNT = re.compile(r"(?:arn:[\w-]+:iam::)?(\d{12})(?::root)?")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: ``arn`` as errors write it; of a role's session ``role_arn`` is the role's. Or a ``service``."""

    arn: str = ""
    account: str = ""
    role_arn: str = ""
    service: str = ""


class Named(IntEnum):
    """How a policy's Principal names someone; the more exactly, the more it grants."""

    NOT = 0
    ACCOUNT = 1  # as one of the account's: the account's own policies decide
    ROLE = 2
    DIRECTLY = 3  # a user, a session, a service, or anyone


@dataclass(frozen=True, slots=True)
class Statement:
    """What one statement says. ``principals`` are None in a policy that is attached to someone."""

    is_allow: bool
    actions: re.Pattern[str]
    excludes_actions: bool
    resources: tuple[Pattern, ...]
    excludes_resources: bool
    principals: Mapping[str, tuple[str, ...]] | None
    excludes_principals: bool
    conditions: tuple[Condition | NullCondition, ...]

    def covers(self, action: str, resource: str | None, context: Context) -> bool:
        """Whether it speaks of the request, whoever asks.

        ``resource`` is empty for actions that know none; None, if it is not known: what is allowed for one is
        allowed, and only what is denied for all is denied.
        """
        return (
            (self.actions.fullmatch(action) is not None) != self.excludes_actions
            and ((resource is None and self.is_allow) or self._covers_resource(resource or "*", context))
            and all(condition.holds(context) for condition in self.conditions)
        )

    def _covers_resource(self, resource: str, context: Context) -> bool:
        if not self.resources:  # a trust policy's are the role's own
            return True
        return any(each.matches(resource, context) for each in self.resources) != self.excludes_resources

    def names(self, principal: Principal) -> Named:
        """How it names ``principal``."""
        if self.principals is None:
            return Named.NOT
        found = max(_named(kind, text, principal) for kind in self.principals for text in self.principals[kind])
        if self.excludes_principals:  # an account that is left out leaves out nobody in it
            return Named.NOT if found >= Named.ROLE else Named.DIRECTLY
        return found


@dataclass(frozen=True, slots=True)
class Policy:
    """``arn`` is a managed policy's; an inline policy has none."""

    statements: tuple[Statement, ...]
    arn: str = ""


@functools.lru_cache(maxsize=1024)
def read_policy(document: str, arn: str = "") -> Policy:
    """The policy that ``document`` (JSON) is. Raises MalformedPolicy."""
    try:
        policy = json.loads(document)
    except (ValueError, RecursionError):
        raise MalformedPolicy("The policy is not JSON.") from None
    if not isinstance(policy, Mapping) or "Statement" not in policy:
        raise MalformedPolicy("The policy has no Statement.")
    has_variables = policy.get("Version") == VERSION_WITH_VARIABLES
    statements = policy["Statement"]
    return Policy(
        tuple(
            _statement(each, has_variables) for each in (statements if isinstance(statements, list) else [statements])
        ),
        arn,
    )


def _statement(statement: Any, has_variables: bool) -> Statement:
    if not isinstance(statement, Mapping) or statement.get("Effect") not in ("Allow", "Deny"):
        raise MalformedPolicy("A statement must be an object with the Effect Allow or Deny.")
    actions, excludes_actions = _element(statement, "Action")
    if not actions:
        raise MalformedPolicy("A statement must have an Action or NotAction.")
    resources, excludes_resources = _element(statement, "Resource")
    principals, excludes_principals = _principals(statement)
    return Statement(
        statement["Effect"] == "Allow",
        action_pattern(actions),
        excludes_actions,
        tuple(pattern(text, has_variables=has_variables) for text in resources),
        excludes_resources,
        principals,
        excludes_principals,
        tuple(parse_conditions(statement.get("Condition", {}), has_variables)),
    )


def _element(statement: Mapping[str, Any], name: str) -> tuple[list[str], bool]:
    """The values of an element, and whether they are what it leaves out."""
    is_negated = f"Not{name}" in statement
    return _texts(statement.get(f"Not{name}" if is_negated else name, [])), is_negated


def _texts(value: object) -> list[str]:
    values: list[object] = value if isinstance(value, list) else [value]
    texts = [text for text in values if isinstance(text, str)]
    if len(texts) < len(values):
        raise MalformedPolicy(f"{value!r} must be text, or a list of texts.")
    return texts


def _principals(statement: Mapping[str, Any]) -> tuple[Mapping[str, tuple[str, ...]] | None, bool]:
    is_negated = "NotPrincipal" in statement
    element = statement.get("NotPrincipal" if is_negated else "Principal")
    if element is None:
        return None, False
    if isinstance(element, Mapping) and element:
        return {kind: tuple(_texts(texts)) for kind, texts in element.items()}, is_negated
    if element == "*":
        return {"AWS": ("*",), "Service": ("*",)}, is_negated
    raise MalformedPolicy('Principal must be "*" or an object.')


def _named(kind: str, text: str, principal: Principal) -> Named:
    if kind == "Service":
        return Named.DIRECTLY if principal.service and text in ("*", principal.service) else Named.NOT
    if kind != "AWS" or not principal.arn:
        return Named.NOT
    if text in ("*", principal.arn):
        return Named.DIRECTLY
    if principal.role_arn and text == principal.role_arn:
        return Named.ROLE
    account = _ACCOUNT.fullmatch(text)
    return Named.ACCOUNT if account and account[1] == principal.account else Named.NOT
