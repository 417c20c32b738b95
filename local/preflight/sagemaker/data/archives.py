"""Archives in S3 to folders: a model for hosting, source code."""

import contextlib
import gzip
from collections.abc import Callable
from pathlib import Path

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.aws.s3 import S3_ERRORS, S3Uri
from preflight.sagemaker.data.errors import ArtifactError, reason
from preflight.unpacking import UnpackError, go_on, unpack_tar


def download_archive(
    services: Clients,
    scope: Scope,
    uri: S3Uri,
    folder: Path,
    max_bytes: int | None = None,
    check: Callable[[], None] = go_on,
) -> None:
    """Unpack the tar.gz at ``uri`` into ``folder`` while it comes: ``max_bytes`` at most, and nothing outside.

    ``check`` is called again and again, and may raise to give up.

    Raises:
        ArtifactError: it is not there, not a tar.gz, too large, or holds what must not be unpacked.
    """
    try:
        body = services.client("s3", scope).get_object(Bucket=uri.bucket, Key=uri.key)["Body"]
        with contextlib.closing(body), gzip.GzipFile(fileobj=body) as tar:
            unpack_tar(tar, folder, max_bytes=max_bytes, check=check)
    except S3_ERRORS as error:
        raise ArtifactError(f"Could not download {uri}: {reason(error)}") from error
    except UnpackError as error:
        raise ArtifactError(f"The archive at {uri} could not be unpacked as tar.gz: {error}") from error
