"""What a web page in the browser of whoever runs the stack may not do: ask the stack for anything.

A page may send a plain POST, or load an "image", from any address without being asked first. So the sender is looked
at, for every request of every service. A page whose own name is made to lead to this machine (DNS rebinding) is no
stranger to a browser; but the name stands in the Host header. Pages that may come in are those the stack itself
serves, and those of the origins in PREFLIGHT_ALLOWED_ORIGINS.
"""

import ipaddress
import os
import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from urllib.parse import parse_qs, urlsplit

SETTING = "PREFLIGHT_ALLOWED_ORIGINS"

# Names that nobody else can make to lead here: this machine's, AWS's, and those of no public domain.
_OWN_DOMAINS = ("localhost", "localhost.localstack.cloud", "amazonaws.com", "amazonaws.com.cn", "internal")
# Names that lead to this machine and to no other.
_MACHINE_DOMAINS = ("localhost", "localhost.localstack.cloud")
# What AWS takes without a signature, as a link in a mail or before there are credentials.
_UNSIGNED_ACTIONS = ("AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "ConfirmSubscription", "Unsubscribe")
_SIGNATURES = ("X-Amz-Signature", "Signature")
# Where a query is the application's own affair: API Gateway, function URLs, and what is not AWS's.
_APPLICATION_PATHS = re.compile(r"/_aws/|/restapis/|/_localstack/|/_preflight/")
_APPLICATION_HOSTS = re.compile(r"\.(execute-api|lambda-url|s3-website|cloudfront)\.")


def allowed_origins(environ: Mapping[str, str] = os.environ) -> frozenset[str]:
    """The origins whose pages may use the stack: ``http://localhost:3000``, comma-separated in the setting."""
    return frozenset(origin.strip().rstrip("/") for origin in environ.get(SETTING, "").split(",") if origin.strip())


def refusal(
    method: str, uri: str, headers: Mapping[str, str], *, port: int, is_loopback: bool, allowed: Collection[str]
) -> str | None:
    """Why this request is refused; None if no page from elsewhere sends it.

    ``headers`` have their names in lower case; ``port`` is the stack's, reached on a loopback address or not.
    """
    host = headers.get("host", "")
    if is_loopback and _is_foreign_host(host):
        return f"This stack is for its own machine, and {host} is none of that machine's names."
    sender = headers.get("origin") or _origin_of(headers.get("referer", ""))
    if sender and not (sender in allowed or _is_own(sender, port)):
        return f"A web page from elsewhere may not use this stack; {SETTING} names the origins that may."
    if not sender and headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        return f"A web page from elsewhere may not use this stack; {SETTING} names the origins that may."
    if method == "GET" and "Action=" in uri and "authorization" not in headers and _is_unsigned_action(uri, host):
        return "The request has no signature, which AWS's own clients give it; a link or an image of a page has none."
    return None


def _is_own(origin: str, port: int) -> bool:
    """Whether the stack itself has served the page."""
    try:
        parts = urlsplit(origin)
        name, its_port = parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return False
    return its_port == port and (is_loopback(name) or _is_of(name, _MACHINE_DOMAINS))


def _origin_of(referer: str) -> str:
    scheme, separator, rest = referer.partition("://")
    return f"{scheme}{separator}{rest.partition('/')[0]}"


@lru_cache
def is_loopback(name: str) -> bool:
    """Whether it is an address of this machine that no other can reach."""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _is_of(name: str, domains: Collection[str]) -> bool:
    return any(name == domain or name.endswith(f".{domain}") for domain in domains)


@lru_cache(maxsize=1024)
def _is_foreign_host(host: str) -> bool:
    """Whether ``host`` (a Host header) is a name that anyone could have made to lead here."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    name = name.lower().rstrip(".")
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return "." in name and not _is_of(name, _OWN_DOMAINS)
    return False


def _is_unsigned_action(uri: str, host: str) -> bool:
    """Whether it is a call of AWS's query protocol that AWS would refuse: MissingAuthenticationToken."""
    path, _, query = uri.partition("?")
    if _APPLICATION_PATHS.match(path) or _APPLICATION_HOSTS.search(host):
        return False
    members = parse_qs(query)
    action = members.get("Action", [""])[0]
    return bool(action) and action not in _UNSIGNED_ACTIONS and not any(name in members for name in _SIGNATURES)
