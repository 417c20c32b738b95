"""The operations on Endpoint: what is asked is checked and begun under one lock; the live endpoint does the rest."""

from collections.abc import Callable, Collection, Iterable, Sequence

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.api.operation import Answer, operation
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.hosting.capacity import CapacityChange
from preflight.sagemaker.hosting.deployment import alarm_names, alarms_in_state
from preflight.sagemaker.hosting.deployment_rules import require_deployable
from preflight.sagemaker.hosting.description import ENDPOINT
from preflight.sagemaker.hosting.endpoint_config import EndpointConfigRecord
from preflight.sagemaker.hosting.endpoint_config_operations import EndpointConfigs
from preflight.sagemaker.hosting.fleet import Fleet
from preflight.sagemaker.hosting.live_endpoint import LiveEndpoint
from preflight.sagemaker.hosting.quotas import Demand, demand_of, require_room
from preflight.sagemaker.hosting.record import EndpointRecord, FleetRecord, VariantRecord
from preflight.sagemaker.hosting.request import (
    CreateEndpoint,
    DeleteEndpoint,
    DeploymentConfig,
    DescribeEndpoint,
    ListEndpoints,
    UpdateEndpoint,
    UpdateEndpointWeightsAndCapacities,
)
from preflight.sagemaker.resources.table import Table
from preflight.sagemaker.serving.model_operations import Models

ScaledVariants = Callable[[Scope, str], Collection[str]]  # those of an endpoint that are scaled automatically


class Endpoints:
    def __init__(
        self, context: ServiceContext, configs: EndpointConfigs, models: Models, scaled_variants: ScaledVariants
    ) -> None:
        self._context = context
        self._lock = context.resources.lock
        self._configs = configs.table
        self._models = models.table
        self._scaled_variants = scaled_variants
        self._table: Table[EndpointRecord] = Table(context.resources, ENDPOINT)
        self._live: dict[str, LiveEndpoint] = {}  # by ARN

    @operation(CreateEndpoint)
    def create(self, scope: Scope, request: CreateEndpoint) -> Answer:
        name, deployment = request.endpoint_name, request.deployment_config
        self._require_alarms(scope, deployment)
        with self._lock:
            self._table.require_free(scope, name)
            config = self._configs.require(scope, request.endpoint_config_name)
            fleet = self._new_fleet(scope, config)
            require_deployable(deployment, fleet.variants)
            require_room(self._used(scope), demand_of(fleet.variants))
            record = EndpointRecord(scope=scope, name=name, arn=self._table.arn(scope, name), config_name=config.name)
            endpoint = LiveEndpoint(self._context, self._table, record, self._let_go)
            endpoint.create(Fleet(self._context, scope, name, fleet), deployment, request.tags)
            self._live[record.arn] = endpoint
        return {"EndpointArn": record.arn}

    @operation(UpdateEndpoint)
    def update(self, scope: Scope, request: UpdateEndpoint) -> Answer:
        asked = request.deployment_config
        self._require_alarms(scope, asked)
        with self._lock:
            endpoint = self._require(scope, request.endpoint_name)
            config = self._configs.require(scope, request.endpoint_config_name)
            serving = _require_updatable(endpoint).record
            self._configs.require(scope, serving.config.name)  # AWS needs the old configuration, too, to go back to
            if config.arn == serving.config.arn:
                raise ValidationException(
                    guessed(f'Endpoint "{endpoint.record.arn}" already uses endpoint configuration "{config.arn}".')
                )
            deployment = asked
            if not asked.as_asked() and request.retain_deployment_config:
                deployment = endpoint.record.deployment_config
            _require_async_kept(serving.config, config, endpoint.record.name)
            fleet = self._new_fleet(scope, config)
            _require_successor(serving.variants, fleet.variants, deployment)
            scaled = self._scaled_variants(scope, endpoint.record.name)
            _require_scalable(serving.variants, fleet.variants, scaled)
            if request.retain_all_variant_properties:
                excluded = {item.variant_property_type for item in request.exclude_retained_variant_properties}
                _retain(serving.variants, fleet.variants, excluded)
            require_deployable(deployment, fleet.variants)
            require_room(self._used(scope), demand_of(fleet.variants))
            endpoint.update(Fleet(self._context, scope, endpoint.record.name, fleet), deployment)
        return {"EndpointArn": endpoint.record.arn}

    @operation(UpdateEndpointWeightsAndCapacities)
    def update_weights_and_capacities(self, scope: Scope, request: UpdateEndpointWeightsAndCapacities) -> Answer:
        with self._lock:
            endpoint = self._require(scope, request.endpoint_name)
            serving = _require_updatable(endpoint)
            change = CapacityChange(serving, request.desired_weights_and_capacities)
            require_room(self._used(scope), change.growth())
            endpoint.change_capacity(change)
        return {"EndpointArn": endpoint.record.arn}

    @operation(DescribeEndpoint)
    def describe(self, scope: Scope, request: DescribeEndpoint) -> Answer:
        return self._table.describe(scope, request.endpoint_name)

    @operation(ListEndpoints)
    def list(self, scope: Scope, request: ListEndpoints) -> Answer:
        return self._table.page(scope, request)

    @operation(DeleteEndpoint)
    def delete(self, scope: Scope, request: DeleteEndpoint) -> Answer:
        with self._lock:
            endpoint = self._require(scope, request.endpoint_name)
            endpoint.require_settled()
            endpoint.delete()
        return {}

    def find(self, scope: Scope, name: str) -> LiveEndpoint | None:
        """The endpoint of just that name: names are case-sensitive where endpoints are invoked, and only there."""
        record = self._table.find(scope, name)
        return self._live.get(record.arn) if record and record.name == name else None

    def resume(self) -> None:
        """Start anew what ran, or was to, when the stack ended."""
        with self._lock:
            for record in self._table:
                self._live[record.arn] = endpoint = LiveEndpoint(self._context, self._table, record, self._let_go)
                endpoint.resume()

    def take_in(self, records: Iterable[EndpointRecord]) -> None:
        """Endpoints of another stack, which are in the table now: they start when they are used."""
        with self._lock:
            for record in records:
                self._live[record.arn] = endpoint = LiveEndpoint(self._context, self._table, record, self._let_go)
                endpoint.sleep()

    def close(self) -> None:
        """Stop every fleet: the stack goes down."""
        with self._lock:
            endpoints = list(self._live.values())
        for endpoint in endpoints:
            endpoint.kill()

    def _require(self, scope: Scope, name: str) -> LiveEndpoint:
        return self._live[self._table.require(scope, name).arn]

    def _let_go(self, endpoint: LiveEndpoint) -> None:
        del self._live[endpoint.record.arn]

    def _new_fleet(self, scope: Scope, config: EndpointConfigRecord) -> FleetRecord:
        """The fleet of ``config``, yet to start. Raises ValidationException if one of its models is gone."""
        variants = [
            VariantRecord.of(
                variant, self._models.require(scope, variant.model_name or ""), is_shadow=variant in config.shadows
            )
            for variant in (*config.variants, *config.shadows)
        ]
        return FleetRecord(config=config, variants=variants)

    def _used(self, scope: Scope) -> Demand:
        return demand_of(variant for endpoint in self._table.of(scope) for variant in endpoint.variants)

    def _require_alarms(self, scope: Scope, deployment: DeploymentConfig) -> None:
        missing = set(alarm_names(deployment)) - set(alarms_in_state(self._context, scope, deployment))
        if missing:
            raise ValidationException(
                guessed(
                    f"Could not find the CloudWatch alarms {', '.join(sorted(missing))} of AutoRollbackConfiguration."
                )
            )


def _require_updatable(endpoint: LiveEndpoint) -> Fleet:
    """The fleet that serves. Raises ValidationException if nothing but deletion is open to the endpoint now."""
    endpoint.require_settled()
    if endpoint.fleet is None:
        raise ValidationException(guessed(f'Cannot update failed endpoint "{endpoint.record.arn}".'))
    return endpoint.fleet


def _require_async_kept(serving: EndpointConfigRecord, new: EndpointConfigRecord, name: str) -> None:
    """Raises ValidationException if an asynchronous endpoint would become another: AWS says so in words half known."""
    if serving.request.async_inference_config and not new.request.async_inference_config:
        raise ValidationException(
            guessed(
                f"The AsyncInferenceConfig parameter cannot be removed from this endpoint {name}. To change the "
                "endpoint, create a new one."
            )
        )


def _require_successor(
    serving: Sequence[VariantRecord], new: Sequence[VariantRecord], deployment: DeploymentConfig
) -> None:
    """Raises ValidationException if a fleet of ``new`` variants cannot take the place of the one that serves."""
    if any(variant.serverless for variant in new) and not any(variant.serverless for variant in serving):
        raise ValidationException(
            guessed("An endpoint of instances cannot be updated to a serverless endpoint configuration.")
        )
    names, new_names = ({variant.name for variant in variants} for variants in (serving, new))
    if deployment.as_asked() and names != new_names:
        raise ValidationException(
            guessed(
                "The new endpoint configuration must have the variant names of the old one for the deployment "
                f"configuration to be used: {', '.join(sorted(names))}."
            )
        )


def _require_scalable(serving: Sequence[VariantRecord], new: Sequence[VariantRecord], scaled: Collection[str]) -> None:
    """Raises ValidationException if a variant that is scaled automatically would go, or change its instances.

    https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html
    """
    types = {variant.name: variant.request.instance_type for variant in new}
    for variant in serving:
        if variant.name in scaled and types.get(variant.name) != variant.request.instance_type:
            raise ValidationException(
                guessed(
                    f"Variant {variant.name} is registered with Application Auto Scaling: deregister the scalable "
                    "target before you remove the variant or change its instance type."
                )
            )


def _retain(serving: Sequence[VariantRecord], new: Sequence[VariantRecord], excluded: set[str]) -> None:
    """Give ``new`` variants the weights and counts that the serving ones of the same names have now."""
    by_name = {variant.name: variant for variant in serving}
    for variant in new:
        before = by_name.get(variant.name)
        if before is None:
            continue
        if "DesiredWeight" not in excluded:
            variant.weight = variant.desired_weight = before.desired_weight
        if "DesiredInstanceCount" not in excluded and not before.serverless and not variant.serverless:
            variant.desired_count = before.desired_count
