"""EndpointConfig: the variants an endpoint is made of."""

from collections.abc import Iterable
from typing import Any

from preflight.sagemaker.api.errors import ValidationException
from preflight.sagemaker.api.listing import Listing
from preflight.sagemaker.hosting.request import CreateEndpointConfig, ProductionVariant
from preflight.sagemaker.resources.record import Record
from preflight.sagemaker.resources.table import Kind


class EndpointConfigRecord(Record):
    """It does not change; it has no states."""

    request: CreateEndpointConfig

    @property
    def variants(self) -> tuple[ProductionVariant, ...]:
        return self.request.production_variants

    @property
    def shadows(self) -> tuple[ProductionVariant, ...]:
        return self.request.shadow_production_variants


def describe(config: EndpointConfigRecord) -> dict[str, Any]:
    asked = config.request.as_asked()
    shown = ("DataCaptureConfig", "AsyncInferenceConfig", "KmsKeyId", "ExecutionRoleArn", "VpcConfig", "MetricsConfig")
    return {
        "EndpointConfigName": config.name,
        "EndpointConfigArn": config.arn,
        "CreationTime": config.creation_time,
        "ProductionVariants": _variants(config.variants),
        **({"ShadowProductionVariants": _variants(config.shadows)} if config.shadows else {}),
        "EnableNetworkIsolation": config.request.enable_network_isolation,
        **{key: asked[key] for key in shown if key in asked},
    }


def _variants(variants: Iterable[ProductionVariant]) -> list[dict[str, Any]]:
    return [{"InitialVariantWeight": variant.initial_variant_weight, **variant.as_asked()} for variant in variants]


def summarize(config: EndpointConfigRecord) -> dict[str, Any]:
    return {
        "EndpointConfigName": config.name,
        "EndpointConfigArn": config.arn,
        "CreationTime": config.creation_time,
    }


ENDPOINT_CONFIG = Kind(
    record=EndpointConfigRecord,
    arn_kind="endpoint-config",
    event="Endpoint Config",
    listing=Listing(result_key="EndpointConfigs", name_key="EndpointConfigName"),
    describe=describe,
    summarize=summarize,
    taken=lambda arn: ValidationException(f'Cannot create already existing endpoint configuration "{arn}".'),
    missing=lambda arn: ValidationException(f'Could not find endpoint configuration "{arn}".'),
)
