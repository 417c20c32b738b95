"""What CloudWatch learns of asynchronous endpoints.

https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html
"""

from collections.abc import Iterable
from typing import NamedTuple

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.telemetry.cloudwatch import Source


class BacklogMeasurement(NamedTuple):
    """An endpoint's queue: what waits and what is in process, over so many instances."""

    moment: float
    scope: Scope
    endpoint_name: str
    size: int
    oldest_seconds: float
    instance_count: int

    def source(self) -> Source:
        return Source(self.scope, "AWS/SageMaker", (("EndpointName", self.endpoint_name),))

    def values(self) -> Iterable[tuple[str, str, float]]:
        return (
            ("ApproximateBacklogSize", "Count", self.size),
            ("ApproximateBacklogSizePerInstance", "Count", self.size / max(1, self.instance_count)),
            ("ApproximateAgeOfOldestRequest", "Seconds", self.oldest_seconds),
            ("HasBacklogWithoutCapacity", "Count", self.size > 0 and self.instance_count == 0),
        )


class AsyncMeasurement(NamedTuple):
    """What happened to one request of a variant; ``names`` are metrics with their units and values."""

    moment: float
    scope: Scope
    endpoint_name: str
    variant_name: str
    names: tuple[tuple[str, str, float], ...]

    def source(self) -> Source:
        dimensions = (("EndpointName", self.endpoint_name), ("VariantName", self.variant_name))
        return Source(self.scope, "AWS/SageMaker", dimensions)

    def values(self) -> Iterable[tuple[str, str, float]]:
        return self.names
