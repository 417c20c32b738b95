"""A variant as Application Auto Scaling sees it: through SageMaker's own operations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.scaling.record import INSTANCES, TargetRecord

Call = Callable[[str, Scope, Mapping[str, Any]], dict[str, Any]]  # of an operation of SageMaker; raises ServiceError

_PROVISIONED = "ProvisionedConcurrency"


@dataclass(frozen=True)
class Variant:
    """``capacity`` is what is asked of it; ``is_settled``: its endpoint can be changed."""

    capacity: int
    is_settled: bool
    failure: str


def find_variant(call: Call, target: TargetRecord) -> Variant | None:
    """None if there is none that has what is to be scaled. Raises ServiceError, without its endpoint."""
    endpoint = call("DescribeEndpoint", target.scope, {"EndpointName": target.endpoint_name})
    for shown in endpoint.get("ProductionVariants", ()):
        capacity = _capacity(target, shown)
        if shown["VariantName"] == target.variant_name and capacity is not None:
            return Variant(capacity, endpoint["EndpointStatus"] == "InService", endpoint.get("FailureReason", ""))
    return None


def _capacity(target: TargetRecord, shown: Mapping[str, Any]) -> int | None:
    if target.dimension != INSTANCES:
        shown = shown.get("DesiredServerlessConfig") or shown.get("CurrentServerlessConfig") or {}
    capacity: int | None = shown.get("DesiredInstanceCount" if target.dimension == INSTANCES else _PROVISIONED)
    return capacity


def set_capacity(call: Call, target: TargetRecord, capacity: int) -> None:
    """Begin the change. Raises ServiceError."""
    wanted: dict[str, Any] = {"VariantName": target.variant_name}
    if target.dimension == INSTANCES:
        wanted["DesiredInstanceCount"] = capacity
    else:
        wanted["ServerlessUpdateConfig"] = {_PROVISIONED: capacity}
    request = {"EndpointName": target.endpoint_name, "DesiredWeightsAndCapacities": [wanted]}
    call("UpdateEndpointWeightsAndCapacities", target.scope, request)
