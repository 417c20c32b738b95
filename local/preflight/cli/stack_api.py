"""AWS's APIs of a stack for commands that only look: without boto3, whose import takes longer than they do."""

import http.client
import json
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from preflight.stack import StackError

TIMEOUT_SECONDS = 30
_ACCOUNT_KEY = "test"  # the credentials of `preflight env`


class RequestRefused(Exception):
    """The stack answered with an error; ``code`` is AWS's."""

    def __init__(self, operation: str, code: str, message: str) -> None:
        super().__init__(f"{operation}: {code}: {message}")
        self.code = code


class StackApi:
    """One connection to the stack on ``port``, as a client of ``region``."""

    def __init__(self, port: int, region: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
        self._region = region

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._connection.close()

    def sagemaker(self, operation: str, **members: Any) -> dict[str, Any]:
        """Raises RequestRefused, or StackError if the stack does not answer."""
        return self._json("sagemaker", f"SageMaker.{operation}", members)

    def logs(self, operation: str, **members: Any) -> dict[str, Any]:
        """As ``sagemaker``, of CloudWatch Logs."""
        return self._json("logs", f"Logs_20140328.{operation}", members)

    def pages(self, operation: str, items: str, **members: Any) -> Iterator[dict[str, Any]]:
        """All that a List operation of SageMaker has, page by page."""
        while True:
            page = self.sagemaker(operation, **members)
            yield from page[items]
            if not page.get("NextToken"):
                return
            members["NextToken"] = page["NextToken"]

    def log_pages(self, operation: str, items: str, **members: Any) -> Iterator[dict[str, Any]]:
        """All that an operation of CloudWatch Logs has, page by page."""
        while True:
            page = self.logs(operation, **members)
            yield from page[items]
            if not page.get("nextToken"):
                return
            members["nextToken"] = page["nextToken"]

    def get(self, service: str, path: str, **query: str) -> dict[str, Any]:
        """A GET of a service whose API is paths; raises as ``sagemaker`` does."""
        address = f"{path}?{urlencode(query)}" if query else path
        return self._send(service, path, "GET", address, None, {"Accept": "application/json"})

    def _json(self, service: str, target: str, members: dict[str, Any]) -> dict[str, Any]:
        headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
        return self._send(service, target.partition(".")[2], "POST", "/", json.dumps(members).encode(), headers)

    def _send(
        self, service: str, what: str, method: str, address: str, body: bytes | None, headers: dict[str, str]
    ) -> dict[str, Any]:
        scope = f"{_ACCOUNT_KEY}/20260101/{self._region}/{service}/aws4_request"
        signature = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"  # nobody checks it
        try:
            response = self._response(method, address, body, headers | {"Authorization": signature})
            text = response.read()
            answer: dict[str, Any] = json.loads(text) if text else {}
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection.close()
            raise StackError(f"The stack does not answer {what}: {error or type(error).__name__}") from error
        if response.status >= 400:
            code = str(answer.get("__type") or response.headers.get("x-amzn-errortype") or response.status)
            message = answer.get("message") or answer.get("Message") or ""
            raise RequestRefused(what, code.partition("#")[2] or code.partition(":")[0], str(message))
        return answer

    def _response(self, *request: Any) -> http.client.HTTPResponse:
        """A connection that was idle may be closed; what only reads can be sent again."""
        try:
            self._connection.request(*request)
            return self._connection.getresponse()
        except ConnectionError:
            self._connection.close()
            self._connection.request(*request)
            return self._connection.getresponse()
