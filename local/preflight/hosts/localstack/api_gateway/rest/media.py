"""Which bodies are binary to an API, and how text and bytes become each other.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings.html
"""

import base64
import binascii
from collections.abc import Collection

from preflight.hosts.localstack.api_gateway.rest.failures import misconfigured

EVERYTHING = "*/*"


def is_binary(media_types: str, binary: Collection[str]) -> bool:
    """Whether the first of ``media_types`` (a Content-Type or an Accept) is among the API's binary ones."""
    if not binary:
        return False
    kind = media_types.partition(",")[0].partition(";")[0].strip().lower()
    main = kind.partition("/")[0]
    return any(
        pattern == EVERYTHING or (kind and (pattern == kind or pattern == f"{main}/*"))
        for pattern in (entry.partition(";")[0].strip().lower() for entry in binary)
    )


def as_text(body: bytes) -> str:
    """Text as API Gateway reads it: what is no UTF-8 is replaced."""
    return body.decode(errors="replace")


def decoded(text: str | bytes) -> bytes:
    """The bytes of base64. Raises Failure."""
    digits = b"".join((text.encode() if isinstance(text, str) else text).split())  # lines are fine
    try:
        return base64.b64decode(digits, validate=True)
    except (binascii.Error, ValueError):
        raise misconfigured("Unable to base64 decode the body.") from None


def request_body(body: bytes, media_type: str, binary: Collection[str], handling: str | None) -> str | bytes:
    """The body that a template reads: text, or bytes that no template can read. Raises Failure."""
    if is_binary(media_type, binary):
        return base64.b64encode(body).decode() if handling == "CONVERT_TO_TEXT" else body
    return decoded(body) if handling == "CONVERT_TO_BINARY" else as_text(body)


def response_body(
    body: bytes, content_type: str, accept: str, binary: Collection[str], handling: str | None
) -> str | bytes:
    """The body of the endpoint's answer, for its template or its caller. Raises Failure."""
    wants_binary = handling == "CONVERT_TO_BINARY" or (not handling and is_binary(accept, binary))
    if is_binary(content_type, binary):
        return body if wants_binary else base64.b64encode(body).decode()
    return decoded(body) if wants_binary else as_text(body)
