"""One object of S3 into a file. boto3 takes longer to import than most scripts take to start."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

_EMPTY = hashlib.sha256(b"").hexdigest()
_REASONS = {403: "Forbidden", 404: "Not Found"}
TIMEOUT_SECONDS = 60


class ObjectError(Exception):
    """The object cannot be had; the text is what boto3 would say."""


def download(uri: str, target: Path, environ: Mapping[str, str]) -> None:
    """The object at ``uri`` (``s3://bucket/key``) into ``target``, with the container's credentials.

    Raises:
        ObjectError: it is not there, or not to be read.
    """
    parts = urlsplit(uri)
    region = environ.get("AWS_REGION") or environ.get("SAGEMAKER_REGION") or "us-east-1"
    endpoint = environ.get("S3_ENDPOINT_URL") or environ.get("AWS_ENDPOINT_URL") or f"https://s3.{region}.amazonaws.com"
    address = urlsplit(endpoint)
    path = "/" + quote(f"{parts.netloc}/{parts.path.lstrip('/')}", safe="/-_.~")
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.netloc, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", path, headers=_signed(address.netloc, path, region, environ))
        answer = connection.getresponse()
        if answer.status != 200:
            reason = _REASONS.get(answer.status, answer.reason)
            raise ObjectError(
                f"An error occurred ({answer.status}) when calling the HeadObject operation: {reason} ({uri})"
            )
        with target.open("wb") as file:
            while True:
                chunk = answer.read(1 << 20)
                if not chunk:
                    return
                file.write(chunk)
    except OSError as error:
        raise ObjectError(f"Could not connect to the endpoint URL: {endpoint}{path} ({error})") from error
    finally:
        connection.close()


def _signed(host: str, path: str, region: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The headers of a GET, signed: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html"""
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    headers = {"host": host, "x-amz-content-sha256": _EMPTY, "x-amz-date": now}
    if environ.get("AWS_SESSION_TOKEN"):
        headers["x-amz-security-token"] = environ["AWS_SESSION_TOKEN"]
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    scope = f"{now[:8]}/{region}/s3/aws4_request"
    request = hashlib.sha256("\n".join(["GET", path, "", lines, names, _EMPTY]).encode()).hexdigest()
    key = f"AWS4{environ.get('AWS_SECRET_ACCESS_KEY', '')}".encode()
    for part in (now[:8], region, "s3", "aws4_request", f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{request}"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    credential = f"{environ.get('AWS_ACCESS_KEY_ID', '')}/{scope}"
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={key.hex()}"
    return headers
