"""Where captured data goes: below a destination in S3, in a folder of the hour."""

from datetime import datetime
from typing import IO

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.aws.s3 import S3Uri
from preflight.sagemaker.data.outputs import encryption


def hour(moment: datetime) -> str:
    """The folder of that hour; in UTC if ``moment`` is."""
    return f"{moment:%Y/%m/%d/%H}"


def store(
    services: Clients, scope: Scope, destination: str, kms_key_id: str, path: str, content: bytes | IO[bytes]
) -> None:
    """Put an object at ``path`` below ``destination``, encrypted with a key if one is named.

    Raises:
        One of S3_ERRORS.
    """
    uri = S3Uri.parse(destination).below(path)
    extra = encryption(services, scope, kms_key_id)
    services.client("s3", scope).put_object(Bucket=uri.bucket, Key=uri.key, Body=content, **extra)
