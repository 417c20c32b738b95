"""KMS keys as SageMaker sees them."""

import re
from collections.abc import Mapping

from botocore.exceptions import ClientError

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.clients import Clients, require_refusal

# "Key identifiers (KeyId)" in the KMS developer guide. KMS itself refuses other ARNs; LocalStack fails on them.
_KEY_ARN = re.compile(r"arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:(key|alias)/.+")


def require_keys(services: Clients, scope: Scope, key_ids: Mapping[str, str | None]) -> None:
    """Raises ValidationException unless each key is there; they stand by the members that name them."""
    for member, key_id in key_ids.items():
        if key_id and key_arn(services, scope, key_id) is None:
            raise ValidationException(guessed(f"The KMS key {key_id} of {member} does not exist."))


def key_arn(services: Clients, scope: Scope, key_id: str) -> str | None:
    """The ARN of a KMS key given by id, ARN or alias; None if there is no such key."""
    if key_id.startswith("arn:") and not _KEY_ARN.fullmatch(key_id):
        return None
    try:
        arn: str = services.client("kms", scope).describe_key(KeyId=key_id)["KeyMetadata"]["Arn"]
    except ClientError as error:
        require_refusal(error)
        return None
    return arn
