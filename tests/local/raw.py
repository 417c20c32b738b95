"""Requests as bytes: what boto3 would not send, or would check before it does."""

import http.client
import json
from typing import Any

TIMEOUT_SECONDS = 30  # a request that hangs fails its test


def signature(account: str = "000000000000", region: str = "us-east-1") -> str:
    scope = f"{account}/20260101/{region}/sagemaker/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none"


def send(port: int, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (names in lower case) and body of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def call(port: int, operation: str, request: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    """Status and body of one request to the control plane; ``request`` is JSON, or the bytes to send as they are."""
    body = request if isinstance(request, bytes) else json.dumps(request).encode()
    sent = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"SageMaker.{operation}",
        "Authorization": signature(),
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    status, _, answer = send(port, "POST", "/", body, sent)
    return status, json.loads(answer) if answer else {}
