"""Who may call the URL: anyone, whoever has the API key, or whom IAM lets.

The local stack asks for the key and checks signatures as AWS does.
"""

from typing import Any

from aws.client import Aws
from aws.config import ApiSettings
from aws.names import Names
from aws.steps.api import find_auth
from aws.wanted import Auth


def opening(aws: Aws, names: Names, path: str, auth: Auth) -> str | None:
    """What the person should know whose deploy lets anyone in where not everybody was; None if it does not."""
    before = find_auth(aws, names, path)
    if auth != "none" or before == "none":
        return None
    asked = {"api-key": "the API key", "iam": "a signature"}[before]
    return (
        f"This opens the URL: until now it asks for {asked}; from here on anyone who has it can call it. "
        f"To keep it closed: --auth {before}"
    )


def ensure_access(aws: Aws, names: Names, rest_api_id: str, settings: ApiSettings, auth: Auth) -> str | None:
    """Have a key and a usage plan for the stage if a key is asked for, else neither. Returns the key's id.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-setup-api-key-with-console.html
    """
    key, plan = find_api_key(aws, names), find_usage_plan(aws, names)
    if auth != "api-key":
        why = "no key is asked for any more"
        if plan is not None:
            delete_usage_plan(aws, plan, why=why)
        if key is not None:
            aws.change("apigateway", "DeleteApiKey", why=why, apiKey=key["id"])
        return None
    key_id = str((key or _create_key(aws, names))["id"])
    stage = {"apiId": rest_api_id, "stage": settings.stage}
    plan_id = str((plan or _create_plan(aws, names, stage))["id"])
    if plan is not None and stage not in [_plain(found) for found in plan.get("apiStages", [])]:
        patch = {"op": "add", "path": "/apiStages", "value": f"{rest_api_id}:{settings.stage}"}
        why = "the key is for this stage"
        aws.change("apigateway", "UpdateUsagePlan", why=why, usagePlanId=plan_id, patchOperations=[patch])
    keys = aws.list("apigateway", "GetUsagePlanKeys", "items", usagePlanId=plan_id)
    if key_id not in {found["id"] for found in keys}:
        why = "the key is good for the plan's stages"
        aws.change("apigateway", "CreateUsagePlanKey", why=why, usagePlanId=plan_id, keyId=key_id, keyType="API_KEY")
    return key_id


def _create_key(aws: Aws, names: Names) -> dict[str, Any]:
    why = "AWS makes up the key itself; it is written down nowhere"
    return aws.change("apigateway", "CreateApiKey", why=why, name=names.api_key, enabled=True, tags=names.tags)


def _create_plan(aws: Aws, names: Names, stage: dict[str, str]) -> dict[str, Any]:
    why = "a key opens the stages of its usage plans"
    plan: dict[str, Any] = {"name": names.usage_plan, "apiStages": [stage], "tags": names.tags}
    return aws.change("apigateway", "CreateUsagePlan", why=why, **plan)


def _plain(stage: dict[str, Any]) -> dict[str, str]:
    return {"apiId": stage["apiId"], "stage": stage["stage"]}


def find_api_key(aws: Aws, names: Names) -> dict[str, Any] | None:
    """The project's key, without its value."""
    listed = aws.list("apigateway", "GetApiKeys", "items", nameQuery=names.api_key)
    return next((key for key in listed if _is_ours(key, names.api_key, names)), None)


def find_usage_plan(aws: Aws, names: Names) -> dict[str, Any] | None:
    """The project's usage plan."""
    listed = aws.list("apigateway", "GetUsagePlans", "items")
    return next((plan for plan in listed if _is_ours(plan, names.usage_plan, names)), None)


def _is_ours(found: dict[str, Any], name: str, names: Names) -> bool:
    return bool(found["name"] == name and names.tags.items() <= found.get("tags", {}).items())


def delete_usage_plan(aws: Aws, plan: dict[str, Any], *, why: str = "") -> None:
    """Delete a usage plan; it goes only without its stages, and a stage only without its plan."""
    patches = [
        {"op": "remove", "path": "/apiStages", "value": f"{stage['apiId']}:{stage['stage']}"}
        for stage in plan.get("apiStages", [])
    ]
    if patches:
        aws.change("apigateway", "UpdateUsagePlan", why=why, usagePlanId=plan["id"], patchOperations=patches)
    aws.change("apigateway", "DeleteUsagePlan", why=why, usagePlanId=plan["id"])
