"""The policies that meet a request here: an API's own, a function's, and the one an authorizer gives.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html
"""

import ipaddress
import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

Statement = Mapping[str, Any]
Keys = Mapping[str, str]  # condition keys, in lower case

ALLOW, DENY, NOTHING = "Allow", "Deny", ""
INVOKE = "execute-api:Invoke"


def statements(document: str | Mapping[str, Any] | None) -> list[Statement]:
    """Those of a policy; none if it is none. Raises ValueError for text that is no JSON object."""
    if not document:
        return []
    read = json.loads(document) if isinstance(document, str) else document
    if not isinstance(read, Mapping):
        raise ValueError("A policy is an object.")
    found = read.get("Statement") or []
    return [found] if isinstance(found, Mapping) else list(found)


def decide(policy: Iterable[Statement], action: str, resource: str, keys: Keys, principals: Iterable[str] = ()) -> str:
    """ALLOW, DENY (which beats every ALLOW) or NOTHING.

    ``principals`` are the names of whoever asks; a statement without a Principal is about whoever it is attached to.
    """
    effect = NOTHING
    names = set(principals)
    for statement in policy:
        is_deny = statement.get("Effect") == DENY
        if (
            _is_for(statement, names)
            and _takes(statement, "Action", action.lower(), lower=True)
            and _takes(statement, "Resource", resource, lower=False)
            and all(
                _holds(operator, test, keys, is_deny) for operator, test in (statement.get("Condition") or {}).items()
            )
        ):
            if is_deny:
                return DENY
            effect = ALLOW
    return effect


def is_like(pattern: str, text: str) -> bool:
    """Whether ``text`` is what ``pattern`` says, with ``*`` and ``?``."""
    return _wildcards(pattern).fullmatch(text) is not None


@lru_cache(maxsize=2048)
def _wildcards(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def _is_for(statement: Statement, names: set[str]) -> bool:
    principal = statement.get("Principal")
    if principal is None:
        return True
    if principal == "*":
        return True
    listed = {name for values in principal.values() for name in ([values] if isinstance(values, str) else values)}
    return "*" in listed or bool(listed & names)


def _takes(statement: Statement, element: str, value: str, *, lower: bool) -> bool:
    is_negated = f"Not{element}" in statement
    patterns = statement.get(f"Not{element}" if is_negated else element)
    if patterns is None:
        return True
    texts = [patterns] if isinstance(patterns, str) else patterns
    found = any(is_like(str(text).lower() if lower else str(text), value) for text in texts)
    return found != is_negated


def _holds(operator: str, test: Mapping[str, Any], keys: Keys, is_deny: bool) -> bool:
    base = operator.removesuffix("IfExists")
    for key, wanted in test.items():
        value = keys.get(key.lower())
        texts = [str(text) for text in (wanted if isinstance(wanted, list) else [wanted])]
        if base == "Null":
            if (value is None) != (texts[0].lower() == "true"):
                return False
            continue
        if value is None:
            if operator.endswith("IfExists") or "Not" in base:
                continue
            return False
        if base not in _OPERATORS:
            return is_deny  # what is not understood lets nobody in
        is_negated, matches = _OPERATORS[base]
        if any(matches(text, value) for text in texts) == is_negated:
            return False
    return True


def _is_in(network: str, address: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


_OPERATORS: dict[str, tuple[bool, Callable[[str, str], bool]]] = {
    "StringEquals": (False, lambda text, value: text == value),
    "StringNotEquals": (True, lambda text, value: text == value),
    "StringEqualsIgnoreCase": (False, lambda text, value: text.lower() == value.lower()),
    "StringLike": (False, is_like),
    "StringNotLike": (True, is_like),
    "ArnEquals": (False, is_like),
    "ArnLike": (False, is_like),
    "ArnNotEquals": (True, is_like),
    "ArnNotLike": (True, is_like),
    "Bool": (False, lambda text, value: text.lower() == value.lower()),
    "IpAddress": (False, _is_in),
    "NotIpAddress": (True, _is_in),
}


def expanded(document: str, call_api: str, account: str, region: str) -> list[Statement]:
    """The statements of an API's policy, with ``execute-api:/...`` written out. Raises ValueError."""
    prefix = f"arn:aws:execute-api:{region}:{account}:{call_api}"
    found: list[Statement] = []
    for statement in statements(document):
        whole = dict(statement)
        for element in ("Resource", "NotResource"):
            if element in whole:
                texts = [whole[element]] if isinstance(whole[element], str) else whole[element]
                whole[element] = [re.sub(r"^execute-api:", f"{prefix}", text) for text in texts]
        found.append(whole)
    return found
