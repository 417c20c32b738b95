"""State changes to EventBridge, in the background, each resource's in their order.

The detail is what Describe answers, with times in epoch milliseconds and tags as a map; what has no value is null. A
plain one has times in ISO 8601, and nothing else that Describe does not answer.
Page: "Events that Amazon SageMaker AI sends to Amazon EventBridge" in the SageMaker developer guide.
"""

import json
import logging
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from preflight.background import BackgroundWriter
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.api.service_model import describe_members
from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.resources.table import Change

LOG = logging.getLogger(__name__)

MAX_BATCH_EVENTS = 100
MAX_QUEUED_EVENTS = 10_000
ENTRIES_PER_CALL = 10  # PutEvents takes no more


@dataclass(frozen=True)
class _Event:
    scope: Scope
    entry: dict[str, Any]


class EventWriter:
    """Takes state changes and puts them on the default event bus of their account and region."""

    def __init__(self, services: Clients) -> None:
        self._services = services
        self._writer: BackgroundWriter[_Event] = BackgroundWriter(
            "EventBridge", self._write, interval_seconds=0, max_batch=MAX_BATCH_EVENTS, max_queued=MAX_QUEUED_EVENTS
        )
        self.close = self._writer.close

    def write(self, change: Change) -> None:
        """Queue a ``SageMaker <kind> State Change``: an observer of the resources."""
        detail = (
            json.dumps(change.description, default=_iso_8601)
            if change.is_plain
            else json.dumps(_full_detail(change), default=_epoch_milliseconds)
        )
        self._put(change.scope, f"SageMaker {change.kind} State Change", [change.arn], detail)

    def put(self, scope: Scope, detail_type: str, resources: list[str], detail: dict[str, Any]) -> None:
        """Queue an event of another form; times in ISO 8601."""
        self._put(scope, detail_type, resources, json.dumps(detail, default=_iso_8601))

    def _put(self, scope: Scope, detail_type: str, resources: list[str], detail: str) -> None:
        entry = {"Source": "aws.sagemaker", "DetailType": detail_type, "Resources": resources, "Detail": detail}
        self._writer.put(_Event(scope, entry))

    def _write(self, events: list[_Event]) -> None:
        while events:
            scope = events[0].scope
            count = next((i for i, event in enumerate(events) if event.scope != scope), len(events))
            count = min(count, ENTRIES_PER_CALL)
            call, events = events[:count], events[count:]
            answer = self._services.client("events", scope).put_events(Entries=[event.entry for event in call])
            if answer["FailedEntryCount"]:
                LOG.warning("EventBridge refused events: %s", answer["Entries"])


def _full_detail(change: Change) -> dict[str, Any]:
    describe = f"Describe{change.kind.replace(' ', '').removesuffix('Deployment')}"
    detail = {**dict.fromkeys(describe_members(describe)), **change.description, "Tags": dict(change.tags)}
    if status := change.description.get("EndpointStatus"):
        detail["EndpointStatus"] = re.sub(r"(?<!^)(?=[A-Z])", "_", status).upper()
    return detail


def _epoch_milliseconds(value: Any) -> int:
    return round(_moment(value).timestamp() * 1000)


def _iso_8601(value: Any) -> str:
    return _moment(value).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    raise TypeError(f"An event cannot hold {type(value).__name__}.")
