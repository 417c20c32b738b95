"""API Gateway's check of a request's body: what is no JSON is the caller's fault.

LocalStack's own takes ``NaN`` for a number, and fails (500) on bytes that are not UTF-8 and on endless depth.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from localstack.services.apigateway.next_gen.execute_api.handlers.method_request import MethodRequestHandler
from localstack.utils.patch import Patch


def patches() -> Iterator[Patch]:
    """Look at the body before LocalStack does."""
    check = MethodRequestHandler._is_body_valid

    def is_body_valid(method: Any, rest_api: Any, request: Mapping[str, Any]) -> bool:
        return _is_json(request.get("body") or b"{}") and check(method, rest_api, request)

    yield Patch(MethodRequestHandler, "_is_body_valid", staticmethod(is_body_valid))


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number.")
