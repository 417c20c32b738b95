"""S3 objects to files."""

from collections.abc import Callable
from pathlib import Path

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws import s3
from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.aws.s3 import S3_ERRORS, S3Uri
from preflight.sagemaker.data.errors import ArtifactError, unreadable
from preflight.sagemaker.data.names import path_below, safe_path
from preflight.unpacking import go_on


def download_prefix(
    services: Clients, scope: Scope, uri: S3Uri, folder: Path, check: Callable[[], None] = go_on
) -> None:
    """Copy every object whose key starts with ``uri``'s to ``folder``. Raises as ``download_object`` does."""
    for entry in s3.objects(services, scope, uri):
        if not entry.key.endswith("/"):  # else a folder marker of the console
            download_object(
                services, scope, S3Uri(uri.bucket, entry.key), folder, path_below(uri.key, entry.key), check
            )


def download_object(
    services: Clients, scope: Scope, uri: S3Uri, folder: Path, relative: str, check: Callable[[], None] = go_on
) -> None:
    """Copy one object to ``folder / relative``. ``check`` is called again and again, and may raise to give up.

    Raises:
        ArtifactError: it is not there, or its name cannot be a file's inside ``folder``.
    """
    check()
    target = safe_path(folder, relative)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        services.client("s3", scope).download_file(uri.bucket, uri.key, str(target), Callback=lambda _: check())
    except OSError as error:  # "a" and "a/b", or a part of a key longer than a file's name may be
        raise ArtifactError(f"{uri} cannot be stored as a file: {error.strerror}.") from error
    except S3_ERRORS as error:
        raise unreadable(uri, error) from error
