"""What CloudWatch learns of the models of a multi-model endpoint.

https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-endpoint-cloudwatch-metrics.html
"""

from collections.abc import Iterable
from typing import NamedTuple

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.telemetry.cloudwatch import Source

_OF_INSTANCES = ("LoadedModelCount",)  # these are in the namespace of instances


class ModelMeasurement(NamedTuple):
    """One metric of loading, unloading or finding a model, on an instance of a variant."""

    moment: float
    scope: Scope
    endpoint_name: str
    variant_name: str
    name: str
    unit: str
    value: float

    def source(self) -> Source:
        namespace = "/aws/sagemaker/Endpoints" if self.name in _OF_INSTANCES else "AWS/SageMaker"
        dimensions = (("EndpointName", self.endpoint_name), ("VariantName", self.variant_name))
        return Source(self.scope, namespace, dimensions)

    def values(self) -> Iterable[tuple[str, str, float]]:
        return ((self.name, self.unit, self.value),)
