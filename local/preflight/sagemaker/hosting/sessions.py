"""Sessions: the requests of one stateful session go to one instance, as long as the container keeps the session.

The container makes it, when a request says NEW_SESSION, and ends it; each time it says so in a header of its reply.
https://docs.aws.amazon.com/sagemaker/latest/dg/stateful-sessions.html
"""

import contextlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from preflight.sagemaker.hosting.variant import Variant
from preflight.sagemaker.serving.instance import Instance

NEW_SESSION = "NEW_SESSION"
NEW_SESSION_HEADER = "X-Amzn-SageMaker-New-Session-Id"
CLOSED_SESSION_HEADER = "X-Amzn-SageMaker-Closed-Session-Id"


@dataclass(frozen=True)
class _Session:
    variant: Variant
    instance: Instance
    expires: datetime | None


class Sessions:
    """The sessions of one fleet."""

    def __init__(self) -> None:
        self._sessions: dict[str, _Session] = {}
        self._lock = threading.Lock()

    def follow(self, reply_headers: Mapping[str, str], variant: Variant, instance: Instance) -> None:
        """Take note of the session that a reply opens or closes."""
        if opened := reply_headers.get(NEW_SESSION_HEADER):
            session_id, _, attributes = opened.partition(";")
            with self._lock:
                self._sessions[session_id.strip()] = _Session(variant, instance, _expiry(attributes))
        if closed := reply_headers.get(CLOSED_SESSION_HEADER):
            with self._lock:
                self._sessions.pop(closed.strip(), None)

    def variant_of(self, session_id: str | None) -> Variant | None:
        session = self._find(session_id)
        return session.variant if session else None

    def instance_of(self, session_id: str | None) -> Instance | None:
        session = self._find(session_id)
        return session.instance if session else None

    def _find(self, session_id: str | None) -> _Session | None:
        """The session, unless it has expired or its instance is gone."""
        if session_id is None:
            return None
        with self._lock:
            session = self._sessions.get(session_id)
            if session is None:
                return None
            if (session.expires and session.expires < datetime.now(UTC)) or not session.variant.has(session.instance):
                del self._sessions[session_id]
                return None
        return session


def _expiry(attributes: str) -> datetime | None:
    """The time in `` Expires=2026-01-31T12:00:00Z``; None if there is none that can be read."""
    name, _, value = attributes.strip().partition("=")
    if name.lower() == "expires":
        with contextlib.suppress(ValueError):
            moment = datetime.fromisoformat(value.strip())
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None
