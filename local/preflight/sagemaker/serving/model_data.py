"""ModelData: where in S3 a container's model lies, and how it gets into ``/opt/ml/model``.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3ModelDataSource.html
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws import s3
from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.aws.s3 import S3Uri
from preflight.sagemaker.data.archives import download_archive
from preflight.sagemaker.data.downloads import download_object
from preflight.sagemaker.data.errors import ArtifactError
from preflight.sagemaker.serving.request import ContainerDefinition

MAX_NAME_BYTES = 255


@dataclass(frozen=True)
class ModelData:
    """A ``model.tar.gz`` (``is_archive``), one file, or every object below a prefix."""

    url: str
    is_archive: bool
    is_prefix: bool

    @classmethod
    def of(cls, definition: ContainerDefinition) -> "ModelData | None":
        """The data of a container; None if its image holds all it needs."""
        if definition.is_multi_model:
            return None  # its models come when they are asked
        if url := definition.model_data_url:
            return cls(url, is_archive=True, is_prefix=False)
        if definition.model_data_source and (source := definition.model_data_source.s3_data_source):
            return cls(source.s3_uri, source.compression_type == "Gzip", source.s3_data_type == "S3Prefix")
        return None

    def is_there(self, services: Clients, scope: Scope) -> bool:
        uri = S3Uri.parse(self.url)
        return any(s3.objects(services, scope, uri)) if self.is_prefix else s3.has_object(services, scope, uri)

    def download(
        self, services: Clients, scope: Scope, folder: Path, max_bytes: int, check: Callable[[], None]
    ) -> None:
        """Put the model's files into ``folder``, of an archive ``max_bytes`` at most.

        ``check`` is called again and again, and may raise to give up.

        Raises:
            ArtifactError: the data is not there, not an archive, or a name cannot be a file's.
        """
        uri = S3Uri.parse(self.url)
        if self.is_archive:
            download_archive(services, scope, uri, folder, max_bytes, check)
            return
        for key, name in self._files(services, scope, uri):
            _require_file_name(name)
            download_object(services, scope, S3Uri(uri.bucket, key), folder, name, check)

    def _files(self, services: Clients, scope: Scope, uri: S3Uri) -> Iterator[tuple[str, str]]:
        """Each object's key, and the path it gets below the model's folder."""
        if not self.is_prefix:
            yield uri.key, uri.key.rpartition("/")[2]
            return
        for entry in s3.objects(services, scope, uri):
            yield entry.key, entry.key.removeprefix(uri.key)


def _require_file_name(name: str) -> None:
    """AWS refuses names that are empty, too long, or dots, and so a console's folder markers."""
    parts = name.split("/")
    if any(part.strip() in ("", ".", "..") or len(part.encode()) > MAX_NAME_BYTES for part in parts):
        raise ArtifactError(f"The name {name!r} cannot be a file's.")
