"""Stateful sessions: the container makes them, and its instance gets all their requests."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.odd_service import OddService

NEW = "X-Amzn-SageMaker-New-Session-Id"
CLOSED = "X-Amzn-SageMaker-Closed-Session-Id"


@pytest.fixture(scope="module")
def endpoint(odd: OddService) -> str:
    return odd.endpoint(odd.config(odd.model(), InitialInstanceCount=2))


def shown(odd: OddService, endpoint: str, headers: dict[str, str] | None = None, **members: Any) -> tuple[Any, Any]:
    """The answer, and what the container saw."""
    answer = odd.ask(endpoint, {"show": True, "headers": headers or {}}, **members)
    return answer, json.loads(answer["Body"].read())


def test_a_sessions_requests_go_to_the_instance_that_made_it(odd: OddService, endpoint: str) -> None:
    header = "s-1; Expires=2099-01-01T00:00:00Z"

    answer, first = shown(odd, endpoint, {NEW: header}, SessionId="NEW_SESSION")
    others = [shown(odd, endpoint, SessionId="s-1")[1] for _ in range(12)]

    assert answer["NewSessionId"] == header
    assert first["headers"]["X-Amzn-SageMaker-Session-Id"] == "NEW_SESSION"
    assert {one["pid"] for one in others} == {first["pid"]}
    assert {one["headers"]["X-Amzn-SageMaker-Session-Id"] for one in others} == {"s-1"}


@pytest.mark.parametrize("ending", ["closed", "expired", "unknown"])
def test_a_session_that_is_over_is_refused(odd: OddService, endpoint: str, ending: str) -> None:
    expiry = "2000-01-01T00:00:00Z" if ending == "expired" else "2099-01-01T00:00:00Z"
    if ending != "unknown":
        shown(odd, endpoint, {NEW: f"s-{ending}; Expires={expiry}"}, SessionId="NEW_SESSION")
    if ending == "closed":
        answer, _ = shown(odd, endpoint, {CLOSED: "s-closed"}, SessionId="s-closed")
        assert answer["ClosedSessionId"] == "s-closed"

    with pytest.raises(ClientError) as caught:
        odd.ask(endpoint, {}, SessionId=f"s-{ending}")

    assert caught.value.response["Error"]["Code"] == "ValidationError"
