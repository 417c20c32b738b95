"""The input channels of a training job: what each is, and its data in File and FastFile mode.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-access-training-data.html
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.aws.s3 import S3Uri
from preflight.sagemaker.data.downloads import download_object
from preflight.sagemaker.data.errors import ArtifactError
from preflight.sagemaker.data.names import safe_path
from preflight.sagemaker.data.objects import InputObject, objects_below, objects_of_manifest

INPUT_DATA = "input/data"  # below /opt/ml


@dataclass(frozen=True)
class Channel:
    """One channel, of an S3DataSource. ``seed`` is ShuffleConfig's; without one the objects come in order.

    ``groups`` are the instance groups that get it; empty for all.
    """

    name: str
    s3_uri: str
    data_type: str
    distribution: str
    input_mode: str
    content_type: str | None
    record_wrapper: str
    is_gzipped: bool
    seed: int | None
    groups: tuple[str, ...]

    @property
    def uri(self) -> S3Uri:
        """Raises ValidationException if it names no bucket."""
        return S3Uri.parse(self.s3_uri)

    @property
    def is_manifest(self) -> bool:
        return self.data_type == "ManifestFile"

    @property
    def is_sharded(self) -> bool:
        return self.distribution == "ShardedByS3Key"

    def configuration(self) -> dict[str, str]:
        """Its entry in inputdataconfig.json. AWS tells the container File for FastFile, too."""
        entry = {
            "TrainingInputMode": "File" if self.input_mode == "FastFile" else self.input_mode,
            "S3DistributionType": self.distribution,
            "RecordWrapperType": self.record_wrapper,
        }
        if self.content_type is not None:
            entry["ContentType"] = self.content_type
        return entry


def find_objects(services: Clients, scope: Scope, channel: Channel) -> list[InputObject]:
    """The channel's objects.

    Raises:
        ArtifactError: there are none, a manifest cannot be read, or the prefix is not one for FastFile.
    """
    find = objects_of_manifest if channel.is_manifest else objects_below
    objects = find(services, scope, channel.uri)
    if not objects:
        raise ArtifactError(f"No S3 objects found under S3 URL {channel.uri!s}.")
    if channel.input_mode == "FastFile":
        _require_whole_names(channel.uri.key, objects)
    return objects


def download(
    services: Clients,
    scope: Scope,
    channel: Channel,
    objects: Iterable[InputObject],
    host_folder: Path,
    check: Callable[[], None],
) -> None:
    """Put ``objects`` below ``host_folder`` as files; a FastFile channel cannot be written to.

    ``check`` is called again and again, and may raise to give up.

    Raises:
        ArtifactError: an object is not there, or its name cannot be a file's.
    """
    folder = safe_path(host_folder / INPUT_DATA, channel.name)
    folder.mkdir(parents=True, exist_ok=True)
    for entry in objects:
        download_object(services, scope, entry.uri, folder, entry.path, check)
    if channel.input_mode == "FastFile":
        for path in [*folder.rglob("*"), folder]:
            path.chmod(0o555 if path.is_dir() else 0o444)


def _require_whole_names(prefix: str, objects: Iterable[InputObject]) -> None:
    for entry in objects:
        if prefix and entry.uri.key != prefix and not entry.uri.key.startswith(f"{prefix.rstrip('/')}/"):
            raise ArtifactError(
                "Failed to download data. For FastFile mode, partial S3 prefix is not supported. S3 prefix has to "
                "end with a full file or folder. Add a trailing '/' to the S3 prefix if it ends with a folder name "
                f"that is also a prefix for other folders. Current S3 prefix: [{prefix}], found S3 object: "
                f"[{entry.uri.key}]."
            )
