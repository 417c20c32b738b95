"""S3 objects to folders: a channel's files, checkpoints, and a model for hosting."""

import tarfile
import tempfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Any

from botocore.exceptions import ClientError

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws import s3
from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.aws.s3 import S3_ERRORS, S3Uri

# How tarfile ends on an archive made to break it: also links to nothing, times beyond the clock's ends, null characters
# in names, folders thousands deep.
UNREADABLE_ARCHIVE = (
    *(tarfile.TarError, zlib.error, OSError, EOFError),
    *(KeyError, ValueError, OverflowError, RecursionError),
)


class ArtifactError(Exception):
    """An object cannot be used; the text is for FailureReason."""


def download_prefix(services: Clients, scope: Scope, uri: S3Uri, folder: Path) -> int:
    """Copy every object whose key starts with ``uri``'s to ``folder``; returns how many."""
    count = 0
    for entry in s3.objects(services, scope, uri):
        if not entry.key.endswith("/"):  # else a folder marker of the console
            download_object(services, scope, S3Uri(uri.bucket, entry.key), folder, path_below(uri.key, entry.key))
            count += 1
    return count


def path_below(prefix: str, key: str) -> str:
    """Where an object found by ``prefix`` lies below the channel's folder.

    ``data`` and ``data/`` both make ``data/a/b.csv`` to ``a/b.csv``; of a prefix that ends within a name, the whole
    name is kept: ``data/part-`` makes ``data/part-0.csv`` to ``part-0.csv``.
    """
    folder = prefix.rstrip("/")
    if not folder or key.startswith(f"{folder}/"):
        return key.removeprefix(folder).lstrip("/")
    return key.removeprefix(folder.rpartition("/")[0]).lstrip("/")


def download_object(services: Clients, scope: Scope, uri: S3Uri, folder: Path, relative: str) -> None:
    """Copy one object to ``folder / relative``.

    Raises:
        ArtifactError: it is not there, or its name cannot be a file's inside ``folder``.
    """
    target = safe_path(folder, relative)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        services.client("s3", scope).download_file(uri.bucket, uri.key, str(target))
    except OSError as error:  # "a" and "a/b", or a part of a key longer than a file's name may be
        raise ArtifactError(f"{uri} cannot be stored as a file: {error.strerror}.") from error
    except S3_ERRORS as error:
        raise unreadable(uri, error) from error


def unreadable(uri: S3Uri, error: Exception) -> ArtifactError:
    """An object that S3 does not give, in SageMaker's words."""
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "Error")
        return ArtifactError(f"Unable to download object {uri} ({code}: {_reason(error)})")
    return ArtifactError(f"Unable to download object {uri} ({error})")


def key_below(prefix: str, name: str) -> str:
    """The key of the object for the file ``name``. Raises ArtifactError if the name is not UTF-8, as keys are."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ArtifactError(f"The file name {name!r} is not UTF-8, and so cannot be an object's.") from None
    return prefix + name


def safe_path(folder: Path, relative: str) -> Path:
    """``folder / relative``. Raises ArtifactError if that would lie outside ``folder``."""
    path = PurePosixPath(relative)
    if path.is_absolute() or ".." in path.parts or "\0" in relative or not path.parts:
        raise ArtifactError(f"The name {relative!r} does not stay inside its folder.")
    return folder / path


def download_model(services: Clients, scope: Scope, uri: S3Uri, folder: Path) -> None:
    """Unpack the model archive at ``uri`` into ``folder``.

    Raises:
        ArtifactError: it is not there, not a tar.gz, or a member would leave ``folder``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder.parent, suffix=".tar.gz") as archive:
        try:
            services.client("s3", scope).download_fileobj(uri.bucket, uri.key, archive)
        except S3_ERRORS as error:
            raise ArtifactError(f"Could not download model data from {uri}: {_reason(error)}") from error
        archive.flush()
        try:
            with tarfile.open(archive.name, mode="r:gz") as tar:
                tar.extractall(folder, filter="data")  # refuses paths, links and devices that leave the folder
                _read_to_checksum(tar)
        except UNREADABLE_ARCHIVE as error:
            raise ArtifactError(f"The model data at {uri} could not be unpacked as tar.gz: {error}") from error


def _read_to_checksum(tar: tarfile.TarFile) -> None:
    """tarfile stops at its own end mark; gzip's checksum comes after it. Raises OSError if it is wrong."""
    while tar.fileobj is not None and tar.fileobj.read(1 << 16):
        pass


def _reason(error: Exception) -> str:
    details: dict[str, Any] = error.response.get("Error", {}) if isinstance(error, ClientError) else {}
    return str(details.get("Message") or details.get("Code") or error)
