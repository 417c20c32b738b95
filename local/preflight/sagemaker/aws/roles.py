"""IAM roles as SageMaker sees them."""

import json
import urllib.parse
from typing import Any

from botocore.exceptions import ClientError

from preflight.sagemaker.api.errors import ValidationException
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.clients import Clients, require_refusal


def require_assumable_role(services: Clients, scope: Scope, role_arn: str) -> None:
    """Raises ValidationException unless the role exists and SageMaker may assume it."""
    account, role_name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    if account != scope.account_id:
        raise ValidationException("RoleArn: Cross-account pass role is not allowed.")
    refusal = ValidationException(
        f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal "
        f"'sagemaker.amazonaws.com' to assume the role."
    )
    if not role_name:
        raise refusal
    try:
        role = services.client("iam", scope).get_role(RoleName=role_name)["Role"]
    except ClientError as error:
        require_refusal(error)
        raise refusal from None
    if role["Arn"] != role_arn or not _trusts_sagemaker(role["AssumeRolePolicyDocument"]):
        raise refusal


def _trusts_sagemaker(policy: str | dict[str, Any]) -> bool:
    document = json.loads(urllib.parse.unquote(policy)) if isinstance(policy, str) else policy
    statements = document.get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal", {})
        services = principal.get("Service", []) if isinstance(principal, dict) else []
        actions = statement.get("Action", [])
        if (
            statement.get("Effect") == "Allow"
            and "sagemaker.amazonaws.com" in ([services] if isinstance(services, str) else services)
            and {"sts:AssumeRole", "sts:*", "*"} & set([actions] if isinstance(actions, str) else actions)
        ):
            return True
    return False
