"""A plan: the calls that a deployment makes, in order, as data that is shown to a person and then run."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws.errors import AwsRoomError

TITLE_WIDTH, RESULT_WIDTH = 17, 36  # of a step's line: what most steps say stays within 80 columns


@dataclass(frozen=True)
class Call:
    """One call that changes something, in AWS's own words. ``why`` tells the person what it is for."""

    service: str
    operation: str
    parameters: Mapping[str, Any]
    why: str = ""

    def __str__(self) -> str:
        return f"{self.service} {self.operation}"


@dataclass(frozen=True)
class StepRecord:
    """One step of the work: what it found or made, and its calls; none if all was as wanted."""

    title: str
    result: str
    calls: tuple[Call, ...]


@dataclass(frozen=True)
class Plan:
    """Every step with the calls it will make. Parameters that only a call can tell are symbols, ``<RestApiId>``."""

    steps: tuple[StepRecord, ...]

    @property
    def calls(self) -> tuple[Call, ...]:
        """All calls, in the order in which they run."""
        return tuple(call for step in self.steps for call in step.calls)

    def lines(self) -> Iterator[str]:
        """The plan for a person. Bulk (code, files, policies) is shown by its size and digest."""
        for step in self.steps:
            changes = "" if step.calls else "unchanged"
            yield f"{step.title:<{TITLE_WIDTH}} {step.result:<{RESULT_WIDTH}} {changes}".rstrip()
            for call in step.calls:
                yield f"  {call}{f': {call.why}' if call.why else ''}"
                yield f"    {_pairs(call.parameters, ' ')}"
        count = len(self.calls)
        yield f"{count} call{'s' if count > 1 else ''} to make." if count else "There is nothing to change."


class PlanChanged(AwsRoomError):
    """What is there has changed since the plan was made."""


def shown(value: Any) -> str:
    """A parameter for a person: what is long is told by its digest."""
    match value:
        case bytes():
            return f"({len(value):,} bytes, sha256 {_digest(value)})"
        case Path():
            return f"(the file {value}, {value.stat().st_size:,} bytes)"
        case str() if value.startswith('{"Version"'):
            return _document(value)
        case Mapping():
            return _tag(value) or f"{{{_pairs(value, ', ')}}}"
        case list():
            return f"[{', '.join(map(shown, value))}]"
        case bool():
            return str(value).lower()
    return str(value)


def _pairs(parameters: Mapping[str, Any], between: str) -> str:
    return between.join(f"{key}={shown(value)}" for key, value in parameters.items())


def _tag(value: Mapping[str, Any]) -> str | None:
    return f"{value['Key']}={value['Value']}" if value.keys() == {"Key", "Value"} else None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _document(text: str) -> str:
    """``allow s3:GetObject, s3:PutObject; deny s3:*`` for an IAM policy, its steps for the definition of a pipeline."""
    document, digest = json.loads(text), _digest(text.encode())
    if "Steps" in document:
        return f"(definition, sha256 {digest}: {', '.join(step['Name'] for step in document['Steps'])})"
    allowed = [f"{each['Effect'].lower()} {_joined(each['Action'])}" for each in document["Statement"]]
    return f"(policy, sha256 {digest}: {'; '.join(allowed)})"


def _joined(actions: str | list[str]) -> str:
    return actions if isinstance(actions, str) else ", ".join(actions)
