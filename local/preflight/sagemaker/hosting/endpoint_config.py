"""EndpointConfig: the variants an endpoint is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from preflight.sagemaker.api.coverage import refused_case
from preflight.sagemaker.api.errors import ValidationException
from preflight.sagemaker.api.listing import Listing
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.hosting.production_variant import complete, require_hostable, require_together
from preflight.sagemaker.resources.tags import tag_resource
from preflight.sagemaker.serving.model import Models

_CAPTURE = refused_case("CreateEndpointConfig", "DataCaptureConfig.EnableCapture true")

_LISTING = Listing(result_key="EndpointConfigs", name_key="EndpointConfigName")


@dataclass(frozen=True)
class EndpointConfig:
    """As DescribeEndpointConfig shows it. It does not change; it has no states."""

    name: str
    arn: str
    request: Mapping[str, Any]
    creation_time: datetime

    @property
    def production_variants(self) -> list[dict[str, Any]]:
        variants: list[dict[str, Any]] = self.request["ProductionVariants"]
        return variants

    def describe(self) -> dict[str, Any]:
        shown = ("DataCaptureConfig", "KmsKeyId", "ExecutionRoleArn", "VpcConfig", "MetricsConfig")
        return {
            "EndpointConfigName": self.name,
            "EndpointConfigArn": self.arn,
            "CreationTime": self.creation_time,
            "ProductionVariants": self.production_variants,
            "EnableNetworkIsolation": self.request.get("EnableNetworkIsolation", False),
            **{key: self.request[key] for key in shown if key in self.request},
        }

    def endpoint_members(self) -> dict[str, Any]:
        """What DescribeEndpoint shows of it beside its variants."""
        shown = {key: self.request[key] for key in ("MetricsConfig",) if key in self.request}
        if capture := self.request.get("DataCaptureConfig"):
            shown["DataCaptureConfig"] = {
                "EnableCapture": False,  # CreateEndpointConfig takes no other
                "CaptureStatus": "Stopped",
                "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
                "DestinationS3Uri": capture["DestinationS3Uri"],
                "KmsKeyId": capture.get("KmsKeyId", ""),
            }
        return shown

    def summary(self) -> dict[str, Any]:
        return {
            "EndpointConfigName": self.name,
            "EndpointConfigArn": self.arn,
            "CreationTime": self.creation_time,
        }


class EndpointConfigs:
    """Operations on EndpointConfig."""

    def __init__(self, context: ServiceContext, models: Models) -> None:
        self._context = context
        self._models = models

    def create(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        name = request["EndpointConfigName"]
        arn = scope.arn("endpoint-config", name)
        capture = request.get("DataCaptureConfig")
        if capture and capture.get("EnableCapture", True):
            raise _CAPTURE.error()
        with self._context.stores.lock:
            store = self._context.stores[scope]
            if name in store.endpoint_configs:
                raise ValidationException(f'Cannot create already existing endpoint configuration "{arn}".')
            variants = [complete(variant) for variant in request["ProductionVariants"]]
            require_together(variants)
            for variant in variants:
                require_hostable(variant, self._models.require(scope, variant["ModelName"]))
            completed = {**request, "ProductionVariants": variants}
            tag_resource(store, arn, request.get("Tags", []))
            config = EndpointConfig(name, arn, completed, datetime.now(UTC))
            store.endpoint_configs[name] = config
            self._context.events.write(scope, "Endpoint Config", arn, config.describe())
        return {"EndpointConfigArn": arn}

    def describe(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        return self.require(scope, request["EndpointConfigName"]).describe()

    def list(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        with self._context.stores.lock:
            summaries = [config.summary() for config in self._context.stores[scope].endpoint_configs.values()]
        return _LISTING.page(summaries, request)

    def delete(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        """Also while an endpoint uses it: AWS only warns against that in its documentation."""
        with self._context.stores.lock:
            config = self.require(scope, request["EndpointConfigName"])
            store = self._context.stores[scope]
            del store.endpoint_configs[config.name]
            store.tags.pop(config.arn, None)
            self._context.events.write(scope, "Endpoint Config", config.arn, config.describe())
        return {}

    def require(self, scope: Scope, name: str) -> EndpointConfig:
        with self._context.stores.lock:
            config = self._context.stores[scope].endpoint_configs.get(name)
        if config is None:
            arn = scope.arn("endpoint-config", name)
            raise ValidationException(f'Could not find endpoint configuration "{arn}".')
        return config
