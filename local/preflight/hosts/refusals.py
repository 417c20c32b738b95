"""An error in the form that the client of any AWS service reads, for what is refused before its service sees it."""

import json
from collections.abc import Mapping
from xml.sax.saxutils import escape

import cbor2

from preflight.sagemaker.api.answer import Answer
from preflight.sagemaker.api.credentials import Credential, is_region
from preflight.sagemaker.http import bad_region

_XML_SERVICES = ("route53", "cloudfront")


def refusal(headers: Mapping[str, str], status: int, code: str, message: str) -> Answer:
    """The error as the service reads it that ``headers`` (names in lower case) are signed for; JSON without one."""
    credential = Credential.read(headers)
    service = credential.service if credential else ""
    answer_headers = {"x-amzn-ErrorType": code}
    if headers.get("smithy-protocol") == "rpc-v2-cbor":
        answer_headers |= {"Content-Type": "application/cbor", "Smithy-Protocol": "rpc-v2-cbor"}
        return Answer(status, cbor2.dumps({"__type": code, "message": message}), answer_headers)
    error = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
    if service == "s3":
        return Answer(status, error.encode(), answer_headers | {"Content-Type": "application/xml"})
    if service == "ec2":
        body = f"<Response><Errors>{error}</Errors></Response>"
        return Answer(status, body.encode(), answer_headers | {"Content-Type": "text/xml"})
    if service in _XML_SERVICES or headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        body = f"<ErrorResponse>{error}</ErrorResponse>"
        return Answer(status, body.encode(), answer_headers | {"Content-Type": "text/xml"})
    members = {"__type": code, "message": message, "Message": message}
    return Answer(status, json.dumps(members).encode(), answer_headers | {"Content-Type": "application/json"})


def refusal_of_region(headers: Mapping[str, str]) -> Answer | None:
    """Of a request signed for a region that AWS does not have; None if there is nothing to refuse."""
    credential = Credential.read(headers)
    if credential is None or not credential.region or is_region(credential.region):
        return None
    if credential.service == "s3":
        message = f"The authorization header is malformed; the region '{credential.region}' is wrong"
        return refusal(headers, 400, "AuthorizationHeaderMalformed", message)
    return refusal(headers, 403, "InvalidSignatureException", bad_region(credential.region))
