"""S3 objects to folders and back: channels in, ``model.tar.gz`` out, and in again for hosting."""

import gzip
import shutil
import tarfile
import tempfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Any

from botocore.exceptions import ClientError

from local.sagemaker.other_services import OtherServices, S3Uri
from local.sagemaker.store import Scope


class ArtifactError(Exception):
    """An object cannot be used; the text is for FailureReason."""


def download_prefix(services: OtherServices, scope: Scope, uri: S3Uri, folder: Path) -> int:
    """Copy every object whose key starts with ``uri``'s to ``folder``; returns how many.

    What follows the last ``/`` of the prefix is kept as the path below ``folder``, as SageMaker keeps it.
    """
    client = services.client("s3", scope)
    base = uri.key.rpartition("/")[0]
    count = 0
    for entry in services.objects(scope, uri):
        if entry.key.endswith("/"):
            continue  # a folder marker of the console
        target = safe_path(folder, entry.key.removeprefix(base).lstrip("/"))
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            client.download_file(uri.bucket, entry.key, str(target))
        except OSError as error:  # "a" and "a/b", or a part of a key longer than a file's name may be
            raise ArtifactError(
                f"s3://{uri.bucket}/{entry.key} cannot be stored as a file: {error.strerror}."
            ) from error
        count += 1
    return count


def safe_path(folder: Path, relative: str) -> Path:
    """``folder / relative``. Raises ArtifactError if that would lie outside ``folder``."""
    path = PurePosixPath(relative)
    if path.is_absolute() or ".." in path.parts or "\0" in relative or not path.parts:
        raise ArtifactError(f"The name {relative!r} does not stay inside its folder.")
    return folder / path


def upload_folder_as_tar(services: OtherServices, scope: Scope, folder: Path, uri: S3Uri) -> bool:
    """Upload what lies in ``folder`` as one tar.gz, members at its root; False if the folder is empty."""
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if not names:
        return False
    with tempfile.NamedTemporaryFile(suffix=".tar.gz", dir=folder.parent) as archive:
        # Level 6 costs a third of gzip's default 9 for much the same size.
        with (
            gzip.GzipFile(fileobj=archive, mode="wb", compresslevel=6, mtime=0) as compressed,
            tarfile.open(fileobj=compressed, mode="w") as tar,
        ):
            for name in names:
                tar.add(folder / name, arcname=name, filter=_without_owner)
        archive.flush()
        services.client("s3", scope).upload_file(archive.name, uri.bucket, uri.key)
    return True


def _without_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def download_model(services: OtherServices, scope: Scope, uri: S3Uri, folder: Path) -> None:
    """Unpack the model archive at ``uri`` into ``folder``.

    Raises:
        ArtifactError: it is not there, not a tar.gz, or a member would leave ``folder``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder.parent, suffix=".tar.gz") as archive:
        try:
            services.client("s3", scope).download_fileobj(uri.bucket, uri.key, archive)
        except ClientError as error:
            raise ArtifactError(f"Could not download model data from {uri}: {_reason(error)}") from error
        archive.flush()
        try:
            with tarfile.open(archive.name, mode="r:gz") as tar:
                tar.extractall(folder, filter="data")  # refuses paths, links and devices that leave the folder
                _read_to_checksum(tar)
        except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
            raise ArtifactError(f"The model data at {uri} could not be unpacked as tar.gz: {error}") from error


def _read_to_checksum(tar: tarfile.TarFile) -> None:
    """tarfile stops at its own end mark; gzip's checksum comes after it. Raises OSError if it is wrong."""
    while tar.fileobj is not None and tar.fileobj.read(1 << 16):
        pass


def _reason(error: ClientError) -> str:
    details: dict[str, Any] = error.response.get("Error", {})
    return str(details.get("Message") or details.get("Code") or error)


def remove_folder(folder: Path) -> None:
    """Remove ``folder`` and all in it, also what is read-only."""
    if folder.is_dir():
        for path in [folder, *folder.rglob("*")]:
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
