"""The stage of the REST API: which copy of the API answers at the URL, and how many requests it takes."""

import hashlib
import json
from typing import Any

from aws.client import Aws
from aws.config import ApiSettings
from aws.steps.api import REQUEST_MODELS, RESPONSES, authorization
from aws.wanted import Auth

ALL_METHODS = "*/*"


def ensure_stage(aws: Aws, rest_api_id: str, settings: ApiSettings, auth: Auth, function_arn: str) -> None:
    """Publish the API as it is now on its stage, and hold all callers together to the rate.

    The deployment's description tells what it is a copy of.
    https://docs.aws.amazon.com/apigateway/latest/api/API_CreateDeployment.html
    """
    content = json.dumps([settings.path, function_arn, REQUEST_MODELS, RESPONSES, authorization(auth)], sort_keys=True)
    description = f"preflight {hashlib.sha256(content.encode()).hexdigest()[:16]}"
    stage = aws.find("apigateway", "GetStage", restApiId=rest_api_id, stageName=settings.stage)
    if stage is None or _description(aws, rest_api_id, stage["deploymentId"]) != description:
        aws.change(
            "apigateway",
            "CreateDeployment",
            why="the stage does not exist" if stage is None else "the stage shows an earlier API",
            restApiId=rest_api_id,
            stageName=settings.stage,
            description=description,
        )
        stage = {}  # what it takes is set again: where a deployment resets it, the next run need not find out
    _ensure_throttling(aws, rest_api_id, settings, stage)


def _description(aws: Aws, rest_api_id: str, deployment_id: str) -> str | None:
    deployed = aws.find("apigateway", "GetDeployment", restApiId=rest_api_id, deploymentId=deployment_id)
    return (deployed or {}).get("description")


def _ensure_throttling(aws: Aws, rest_api_id: str, settings: ApiSettings, stage: dict[str, Any]) -> None:
    """AWS answers 429 to more; the local stack keeps the setting and does not enforce it.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html
    """
    current = stage.get("methodSettings", {}).get(ALL_METHODS, {})
    wanted = {
        "rateLimit": ("throttlingRateLimit", settings.requests_per_second),
        "burstLimit": ("throttlingBurstLimit", settings.burst),
    }
    if all(current.get(name) == value for name, value in wanted.values()):
        return
    patches = [
        {"op": "replace", "path": f"/{ALL_METHODS}/throttling/{setting}", "value": str(value)}
        for setting, (_, value) in wanted.items()
    ]
    aws.change(
        "apigateway",
        "UpdateStage",
        why=f"{settings.requests_per_second:g} requests a second, {settings.burst} at once",
        restApiId=rest_api_id,
        stageName=settings.stage,
        patchOperations=patches,
    )
