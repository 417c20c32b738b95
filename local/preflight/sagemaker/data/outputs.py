"""What a job leaves behind: the folders of its hosts, merged, to S3.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html
"""

import gzip
import os
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws import kms
from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.aws.s3 import S3Uri
from preflight.sagemaker.data.errors import ArtifactError
from preflight.sagemaker.data.names import key_below


def upload(
    services: Clients, scope: Scope, folders: Iterable[Path], scratch: Path, uri: S3Uri, kms_key_id: str
) -> bool:
    """Upload what lies in ``folders`` to ``uri``: below it if it ends in ``/`` or is a bucket, else as one tar.gz.

    The archive is made in ``scratch``.

    Of a path that two folders have, the later folder's is kept. Returns False if all of them are empty.

    Raises:
        ArtifactError: a name cannot be an object's, or one of ``folders`` has become a link.
    """
    contents = _merge(folders)
    if not contents:
        return False
    client = services.client("s3", scope)
    extra = encryption(services, scope, kms_key_id)
    if not uri.key or uri.key.endswith("/"):
        for name, path in contents.items():
            if path.is_file() and not path.is_symlink():
                client.upload_file(str(path), uri.bucket, key_below(uri.key, name), ExtraArgs=extra)
        return True
    with tempfile.NamedTemporaryFile(suffix=".tar.gz", dir=scratch) as archive:
        # Level 6 costs a third of gzip's default 9 for much the same size.
        with (
            gzip.GzipFile(fileobj=archive, mode="wb", compresslevel=6, mtime=0) as compressed,
            tarfile.open(fileobj=compressed, mode="w") as tar,
        ):
            for name, path in contents.items():
                tar.add(path, arcname=name, recursive=False, filter=_without_owner)
        archive.flush()
        client.upload_file(archive.name, uri.bucket, uri.key, ExtraArgs=extra)
    return True


def encryption(services: Clients, scope: Scope, kms_key_id: str) -> dict[str, str]:
    """How boto3's uploads are told to encrypt; an empty key says nothing of it."""
    if not kms_key_id:
        return {}
    arn = kms.key_arn(services, scope, kms_key_id) or kms_key_id
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": arn}


def _merge(folders: Iterable[Path]) -> dict[str, Path]:
    """Relative name to path of all that lies in ``folders``, folders before what they hold."""
    contents = {str(path.relative_to(folder)): path for folder in folders for path in _walk(folder)}
    return dict(sorted(contents.items()))


def _walk(folder: Path) -> Iterator[Path]:
    """Links are kept as links and not followed: what a container links to is not its output."""
    if folder.is_symlink():
        raise ArtifactError(f"The folder {folder.name} has become a link; it must stay a folder.")
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield Path(parent, name)


def _without_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
