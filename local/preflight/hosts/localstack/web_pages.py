"""What a web page in the browser of whoever runs the stack may not do: ask the stack for anything.

A page may send a plain POST to any address without being asked first, so the sender is looked at: LocalStack does so
for its services, and this for the requests that do not come by it. A page whose own name is made to lead to this
machine (DNS rebinding) is no stranger to a browser; but the name stands in the Host header.
"""

import ipaddress
from collections.abc import Mapping

from localstack.aws.handlers.cors import CorsEnforcer
from werkzeug.datastructures import Headers

# Names that nobody else can make to lead here: this machine's, AWS's, and those of no public domain.
_OWN_DOMAINS = ("localhost", "localhost.localstack.cloud", "amazonaws.com", "amazonaws.com.cn", "internal")


def is_foreign_origin(headers: Mapping[str, str]) -> bool:
    """Whether a page from elsewhere sends it; ``headers`` have their names in lower case."""
    return not CorsEnforcer.is_cors_origin_allowed(Headers(dict(headers)))


def is_foreign_host(host: str) -> bool:
    """Whether ``host`` (a Host header) is a name that anyone could have made to lead here."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    name = name.lower().rstrip(".")
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return "." in name and not any(name.endswith(f".{domain}") or name == domain for domain in _OWN_DOMAINS)
    return False
