"""A variant as Application Auto Scaling sees it: through SageMaker's own operations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.scaling.record import TargetRecord

Call = Callable[[str, Scope, Mapping[str, Any]], dict[str, Any]]  # of an operation of SageMaker; raises ServiceError


@dataclass(frozen=True)
class Variant:
    """``capacity`` is what is asked of it; ``is_settled``: its endpoint can be changed."""

    capacity: int
    is_settled: bool
    failure: str


def find_variant(call: Call, target: TargetRecord) -> Variant | None:
    """None if there is none that has a count of instances. Raises ServiceError, without its endpoint."""
    endpoint = call("DescribeEndpoint", target.scope, {"EndpointName": target.endpoint_name})
    for shown in endpoint.get("ProductionVariants", ()):
        if shown["VariantName"] == target.variant_name and "DesiredInstanceCount" in shown:
            is_settled = endpoint["EndpointStatus"] == "InService"
            return Variant(shown["DesiredInstanceCount"], is_settled, endpoint.get("FailureReason", ""))
    return None


def set_capacity(call: Call, target: TargetRecord, capacity: int) -> None:
    """Begin the change. Raises ServiceError."""
    wanted = {"VariantName": target.variant_name, "DesiredInstanceCount": capacity}
    request = {"EndpointName": target.endpoint_name, "DesiredWeightsAndCapacities": [wanted]}
    call("UpdateEndpointWeightsAndCapacities", target.scope, request)
