"""Operations on Endpoint: what is asked is checked and begun under the stores' lock; the endpoint does the rest."""

from collections.abc import Mapping
from typing import Any

from preflight.sagemaker.api.errors import ValidationException
from preflight.sagemaker.api.listing import Listing
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.hosting.capacity import CapacityChange
from preflight.sagemaker.hosting.deployment import alarms_in_state
from preflight.sagemaker.hosting.deployment_config import DeploymentConfig
from preflight.sagemaker.hosting.endpoint import Endpoint
from preflight.sagemaker.hosting.endpoint_config import EndpointConfig, EndpointConfigs
from preflight.sagemaker.hosting.fleet import Fleet
from preflight.sagemaker.hosting.quotas import Demand, demand_of, require_room
from preflight.sagemaker.resources.tags import tag_resource
from preflight.sagemaker.serving.model import Models

_LISTING = Listing(result_key="Endpoints", name_key="EndpointName", status_key="EndpointStatus")


class Endpoints:
    def __init__(self, context: ServiceContext, configs: EndpointConfigs, models: Models) -> None:
        self._context = context
        self._configs = configs
        self._models = models

    def create(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        name = request["EndpointName"]
        deployment = DeploymentConfig(request.get("DeploymentConfig", {}))
        self._require_alarms(scope, deployment)
        with self._context.stores.lock:
            store = self._context.stores[scope]
            arn = scope.arn("endpoint", name)
            if name in store.endpoints:
                raise ValidationException(f'Cannot create already existing endpoint "{arn}".')
            config = self._configs.require(scope, request["EndpointConfigName"])
            fleet = self._new_fleet(scope, name, config)
            deployment.require_valid_for(fleet.variants)
            require_room(self._used(scope), demand_of(fleet.variants))
            endpoint = Endpoint(self._context, scope, name, config.name)
            tag_resource(store, arn, request.get("Tags", []))
            store.endpoints[name] = endpoint
            endpoint.deploy(fleet, deployment)
        return {"EndpointArn": arn}

    def update(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        asked = DeploymentConfig(request.get("DeploymentConfig", {}))
        self._require_alarms(scope, asked)
        with self._context.stores.lock:
            endpoint = self.require(scope, request["EndpointName"])
            config = self._configs.require(scope, request["EndpointConfigName"])
            serving = _require_updatable(endpoint)
            self._configs.require(scope, serving.config.name)  # AWS needs the old configuration, too, to go back to
            if config.arn == serving.config.arn:
                raise ValidationException(  # words guessed
                    f'Endpoint "{endpoint.arn}" already uses endpoint configuration "{config.arn}".'
                )
            reused = endpoint.deployment_config if request.get("RetainDeploymentConfig") else DeploymentConfig({})
            deployment = asked if asked.request else reused
            fleet = self._new_fleet(scope, endpoint.name, config)
            _require_successor(serving, fleet, deployment)
            if request.get("RetainAllVariantProperties"):
                excluded = request.get("ExcludeRetainedVariantProperties", [])
                _retain(serving, fleet, {item["VariantPropertyType"] for item in excluded})
            deployment.require_valid_for(fleet.variants)
            require_room(self._used(scope), demand_of(fleet.variants))
            endpoint.deploy(fleet, deployment)
        return {"EndpointArn": endpoint.arn}

    def update_weights_and_capacities(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        with self._context.stores.lock:
            endpoint = self.require(scope, request["EndpointName"])
            serving = _require_updatable(endpoint)
            change = CapacityChange(serving, request["DesiredWeightsAndCapacities"])
            require_room(self._used(scope), change.growth())
            endpoint.change_capacity(change)
        return {"EndpointArn": endpoint.arn}

    def describe(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        return self.require(scope, request["EndpointName"]).describe()

    def list(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        with self._context.stores.lock:
            summaries = [endpoint.summary() for endpoint in self._context.stores[scope].endpoints.values()]
        return _LISTING.page(summaries, request)

    def delete(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        with self._context.stores.lock:
            endpoint = self.require(scope, request["EndpointName"])
            endpoint.require_settled()
            endpoint.delete()
        return {}

    def close(self) -> None:
        """Stop every fleet: the stack goes down."""
        for store in self._context.stores:
            for endpoint in list(store.endpoints.values()):
                endpoint.kill()

    def require(self, scope: Scope, name: str) -> Endpoint:
        with self._context.stores.lock:
            endpoint = self._context.stores[scope].endpoints.get(name)
        if endpoint is None:
            raise ValidationException(f'Could not find endpoint "{scope.arn("endpoint", name)}".')
        return endpoint

    def _new_fleet(self, scope: Scope, name: str, config: EndpointConfig) -> Fleet:
        """The fleet of ``config``, yet to start. Raises ValidationException if one of its models is gone."""
        models = {
            variant["ModelName"]: self._models.require(scope, variant["ModelName"])
            for variant in config.production_variants
        }
        return Fleet(self._context, scope, name, config, models)

    def _used(self, scope: Scope) -> Demand:
        endpoints = self._context.stores[scope].endpoints.values()
        return demand_of(variant for endpoint in endpoints for variant in endpoint.variants)

    def _require_alarms(self, scope: Scope, deployment: DeploymentConfig) -> None:
        missing = set(deployment.alarm_names) - set(alarms_in_state(self._context, scope, deployment))
        if missing:
            raise ValidationException(  # words guessed
                f"Could not find the CloudWatch alarms {', '.join(sorted(missing))} of AutoRollbackConfiguration."
            )


def _require_updatable(endpoint: Endpoint) -> Fleet:
    """The fleet that serves. Raises ValidationException if nothing but deletion is open to the endpoint now."""
    endpoint.require_settled()
    if endpoint.fleet is None:
        raise ValidationException(f'Cannot update failed endpoint "{endpoint.arn}".')  # words guessed
    return endpoint.fleet


def _require_successor(serving: Fleet, fleet: Fleet, deployment: DeploymentConfig) -> None:
    """Raises ValidationException if ``fleet`` cannot take the place of the one that serves."""
    if any(variant.serverless for variant in fleet.variants) and not any(v.serverless for v in serving.variants):
        raise ValidationException(  # words guessed
            "An endpoint of instances cannot be updated to a serverless endpoint configuration."
        )
    names, new_names = ({variant.name for variant in one.variants} for one in (serving, fleet))
    if deployment.request and names != new_names:
        raise ValidationException(  # words guessed
            "The new endpoint configuration must have the variant names of the old one for the deployment "
            f"configuration to be used: {', '.join(sorted(names))}."
        )


def _retain(serving: Fleet, fleet: Fleet, excluded: set[str]) -> None:
    """Give ``fleet`` the weights and counts that the serving variants of the same names have now."""
    for variant in fleet.variants:
        before = serving.find_variant(variant.name)
        if before is None:
            continue
        if "DesiredWeight" not in excluded:
            variant.weight = variant.desired_weight = before.desired_weight
        if "DesiredInstanceCount" not in excluded and not before.serverless and not variant.serverless:
            variant.desired_count = before.desired_count
