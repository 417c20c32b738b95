"""The address of the other services: an emulator's, never AWS's."""

import re
from urllib.parse import urlsplit

_AWS_HOST = re.compile(r"(^|\.)(amazonaws\.com(\.cn)?|api\.aws|amazonaws\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov)\.?$")
_EXAMPLE = "give the address of an emulator, as http://localhost:5000"


class ServicesError(Exception):
    """The address cannot be used; the text says why and what to give."""


def require_services_url(url: str) -> str:
    """``url`` without a slash at its end. Raises ServicesError if it names no host, or AWS's."""
    try:
        parts = urlsplit(url)
        host, _ = (parts.hostname or "").lower(), parts.port
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("http", "https"):
        raise ServicesError(f"--services is {url!r}, which is no address of a server: {_EXAMPLE}.")
    if _AWS_HOST.search(host):
        raise ServicesError(
            f"--services is {url}, an address of AWS: what Preflight does there would cost money. Instead, {_EXAMPLE}."
        )
    return url.rstrip("/")
