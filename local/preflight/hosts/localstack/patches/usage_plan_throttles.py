"""API Gateway's usage plans: rates that are fractions, throttles of methods, and stages that go though they have some.

https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateUsagePlan.html
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from localstack.aws.api.apigateway import BadRequestException, NotFoundException
from localstack.utils.patch import Patch
from moto.apigateway.models import UsagePlan

from preflight.sagemaker.api.errors import guessed

NUMBER = re.compile(r"-?\d+(\.\d+)?")
_THROTTLE = re.compile(
    r"(/apiStages/(?P<stage>[^/]+)/throttle/(?P<path>[^/]+)/(?P<verb>[A-Z]+)|/throttle)/(?P<member>rateLimit|burstLimit)"
)


def patches() -> Iterator[Patch]:
    yield Patch(UsagePlan, "apply_patch_operations", _with_throttles(UsagePlan.apply_patch_operations))


def _with_throttles(operation: Callable[..., Any]) -> Callable[..., Any]:
    """Moto cuts a rate to a whole number, passes over methods' throttles, and fails to remove a stage that has some."""

    def apply(plan: Any, changes: list[Mapping[str, Any]]) -> None:
        left = []
        for change in changes:
            if (change.get("op"), change.get("path")) == ("remove", "/apiStages"):
                plan.api_stages = [each for each in plan.api_stages if stage_of(each) != change.get("value")]
                continue
            found = _THROTTLE.fullmatch(change.get("path") or "")
            if found is None or change.get("op") == "remove":
                left.append(change)
                continue
            number = NUMBER.fullmatch(str(change.get("value")))
            if number is None:
                words = f"Invalid value '{change.get('value')}' for patch path {change['path']}"
                raise BadRequestException(guessed(words))
            _throttle(plan, found)[found["member"]] = float(number[0])
        operation(plan, left)

    return apply


def _throttle(plan: Any, found: "re.Match[str]") -> dict[str, Any]:
    """The plan's own, or that of one of its methods."""
    if not found["stage"]:
        own: dict[str, Any] = plan.throttle
        return own
    stage = next((each for each in plan.api_stages if stage_of(each) == found["stage"]), None)
    if stage is None:
        raise NotFoundException(guessed(f"Invalid API Stage {found['stage']} specified for usageplan {plan.id}"))
    method = f"{found['path'].replace('~1', '/')}/{found['verb']}"
    throttle: dict[str, Any] = stage.setdefault("throttle", {}).setdefault(method, {})
    return throttle


def stage_of(stage: Mapping[str, Any]) -> str:
    return f"{stage.get('apiId')}:{stage.get('stage')}"
