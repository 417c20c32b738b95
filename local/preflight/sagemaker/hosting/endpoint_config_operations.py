"""The operations on EndpointConfig."""

from preflight.sagemaker.api.operation import Answer, operation
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.hosting import async_config, capture_rules, variant_rules
from preflight.sagemaker.hosting.endpoint_config import ENDPOINT_CONFIG, EndpointConfigRecord
from preflight.sagemaker.hosting.request import (
    CreateEndpointConfig,
    DeleteEndpointConfig,
    DescribeEndpointConfig,
    ListEndpointConfigs,
)
from preflight.sagemaker.resources.table import Table
from preflight.sagemaker.serving.model_operations import Models


class EndpointConfigs:
    def __init__(self, context: ServiceContext, models: Models) -> None:
        self._services = context.services
        self._lock = context.resources.lock
        self._models = models.table
        self.table: Table[EndpointConfigRecord] = Table(context.resources, ENDPOINT_CONFIG)

    @operation(CreateEndpointConfig, refuses=(*variant_rules.REFUSED, *async_config.REFUSED))
    def create(self, scope: Scope, request: CreateEndpointConfig) -> Answer:
        name = request.endpoint_config_name
        capture_rules.require_capturable(self._services, scope, request)
        async_config.require_valid(self._services, scope, request)
        with self._lock:
            self.table.require_free(scope, name)
            variants = (*request.production_variants, *request.shadow_production_variants)
            names = [variant_rules.require_complete(variant) for variant in variants]
            variant_rules.require_together(variants)
            variant_rules.require_shadowed(request)
            for variant, model_name in zip(variants, names, strict=True):
                model = self._models.require(scope, model_name)
                variant_rules.require_hostable(variant, model)
                if request.shadow_production_variants:
                    variant_rules.require_comparable(model)
                async_config.require_hostable(request, model)
            config = EndpointConfigRecord(scope=scope, name=name, arn=self.table.arn(scope, name), request=request)
            self.table.add(config, request.tags)
        return {"EndpointConfigArn": config.arn}

    @operation(DescribeEndpointConfig)
    def describe(self, scope: Scope, request: DescribeEndpointConfig) -> Answer:
        return self.table.describe(scope, request.endpoint_config_name)

    @operation(ListEndpointConfigs)
    def list(self, scope: Scope, request: ListEndpointConfigs) -> Answer:
        return self.table.page(scope, request)

    @operation(DeleteEndpointConfig)
    def delete(self, scope: Scope, request: DeleteEndpointConfig) -> Answer:
        """Also while an endpoint uses it: AWS only warns against that in its documentation."""
        with self._lock:
            config = self.table.require(scope, request.endpoint_config_name)
            self.table.remove(config)
            self.table.announce(config)  # without its tags, which went with it
        return {}
