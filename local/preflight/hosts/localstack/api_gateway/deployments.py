"""What LocalStack holds of deployed APIs, as the data plane reads it.

A deployment never changes, so it is read once; a stage is read for each request, for it changes without a deployment.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from localstack.constants import AWS_REGION_US_EAST_1, DEFAULT_AWS_ACCOUNT_ID
from localstack.services.apigateway.models import RestApiDeployment, apigateway_stores
from localstack.services.apigateway.next_gen.execute_api.helpers import should_divert_to_canary
from moto.apigateway.models import apigateway_backends

from preflight.hosts.localstack.api_gateway.rest.definition import Api, GatewayResponse, Method, Resource, Stage
from preflight.hosts.localstack.api_gateway.rest.gateway import Deployment
from preflight.hosts.localstack.api_gateway.rest.request import Call
from preflight.hosts.localstack.api_gateway.rest.throttling import ApiKey, Limit, UsagePlan

_read: WeakKeyDictionary[RestApiDeployment, Deployment] = WeakKeyDictionary()


def find(api_id: str, stage_name: str) -> tuple[Deployment, Stage] | None:
    """What is deployed to a stage; None if there is no such API or stage."""
    store = apigateway_stores[DEFAULT_AWS_ACCOUNT_ID][AWS_REGION_US_EAST_1]
    deployment_id = store.active_deployments.get(api_id, {}).get(stage_name)
    deployments = store.internal_deployments.get(api_id, {})
    if deployment_id not in deployments:
        return None
    owner = deployments[deployment_id]
    described = apigateway_backends[owner.account_id][owner.region].get_rest_api(api_id).stages.get(stage_name)
    if described is None:
        return None
    canary = getattr(described, "canary_settings", None) or {}
    variables = described.variables or {}
    is_canary = None
    if canary:
        is_canary = should_divert_to_canary(float(canary.get("percentTraffic") or 0))
        if is_canary and canary.get("deploymentId") in deployments:
            deployment_id = canary["deploymentId"]
            variables = variables | (canary.get("stageVariableOverrides") or {})
    stage = Stage(
        name=stage_name,
        deployment_id=deployment_id,
        variables=variables,
        method_settings=described.method_settings or {},
        access_log=described.access_log_settings or {},
        is_canary=is_canary,
    )
    return _deployment(api_id, deployments[deployment_id]), stage


def _deployment(api_id: str, frozen: RestApiDeployment) -> Deployment:
    deployment = _read.get(frozen)
    if deployment is None:
        deployment = _read[frozen] = Deployment.of(_api(api_id, frozen))
    return deployment


def _api(api_id: str, frozen: RestApiDeployment) -> Api:
    kept = frozen.rest_api
    described: Mapping[str, Any] = kept.rest_api
    return Api(
        id=api_id,
        account=frozen.account_id,
        region=frozen.region,
        key_source=described.get("apiKeySource") or "HEADER",
        policy=_policy(described.get("policy")),
        binary_media_types=tuple(described.get("binaryMediaTypes") or ()),
        gateway_responses={name: GatewayResponse.read(response) for name, response in kept.gateway_responses.items()},
        models={name: model.get("schema") or "{}" for name, model in kept.models.items()},
        authorizers=kept.authorizers,
        resources=tuple(
            Resource(
                id=resource["id"],
                path=resource["path"],
                methods={
                    verb: Method.read(method, kept.validators)
                    for verb, method in (resource.get("resourceMethods") or {}).items()
                },
            )
            for resource in kept.resources.values()
        ),
    )


def _policy(text: str | None) -> str:
    """LocalStack keeps it as API Gateway shows it: with its quotation marks escaped."""
    return (text or "").replace('\\"', '"')


def usage_plans(call: Call) -> list[UsagePlan]:
    """Those that cover the stage, with their keys."""
    backend = apigateway_backends[call.api.account][call.api.region]
    return [
        _plan(call, plan, backend)
        for plan in backend.usage_plans.values()
        if any(_is_of(call, stage) for stage in plan.api_stages)
    ]


def _is_of(call: Call, stage: Mapping[str, Any]) -> bool:
    return str(stage.get("apiId")).lower() == call.api.id and stage.get("stage") == call.stage.name


def _plan(call: Call, plan: Any, backend: Any) -> UsagePlan:
    quota = plan.quota or {}
    return UsagePlan(
        id=plan.id,
        keys=tuple(_keys(backend.usage_plan_keys.get(plan.id, {}), backend.keys)),
        throttle=_limit(plan.throttle),
        method_throttles={
            name: limit
            for stage in plan.api_stages
            if _is_of(call, stage)
            for name, throttle in (stage.get("throttle") or {}).items()
            if (limit := _limit(throttle))
        },
        quota=int(quota["limit"]) if quota.get("limit") is not None else None,
        period=quota.get("period") or "MONTH",
        offset=int(quota.get("offset") or 0),
    )


def _keys(of_plan: Mapping[str, Any], all_keys: Mapping[str, Any]) -> Iterator[ApiKey]:
    for key in of_plan.values():
        known = all_keys.get(key.id)
        if known is not None:
            yield ApiKey(known.id, known.value, str(known.enabled).lower() == "true")


def _limit(throttle: Mapping[str, Any] | None) -> Limit | None:
    return Limit.read(throttle.get("rateLimit"), throttle.get("burstLimit")) if throttle else None
