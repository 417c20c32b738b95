"""KMS keys as SageMaker sees them."""

from botocore.exceptions import ClientError

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.clients import Clients, require_refusal


def key_arn(services: Clients, scope: Scope, key_id: str) -> str | None:
    """The ARN of a KMS key given by id, ARN or alias; None if there is no such key."""
    try:
        arn: str = services.client("kms", scope).describe_key(KeyId=key_id)["KeyMetadata"]["Arn"]
    except ClientError as error:
        require_refusal(error)
        return None
    return arn
