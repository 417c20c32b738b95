"""The input channels of a training job: what each is, and its data in File and FastFile mode.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-access-training-data.html
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.aws.s3 import S3Uri
from preflight.sagemaker.data.artifacts import ArtifactError, download_object, safe_path
from preflight.sagemaker.data.objects import InputObject, list_objects

INPUT_DATA = "input/data"  # below /opt/ml


@dataclass(frozen=True)
class Channel:
    """One channel as the request has it."""

    name: str
    request: Mapping[str, Any]
    input_mode: str

    @classmethod
    def all_of(cls, request: Mapping[str, Any]) -> "list[Channel]":
        default = request["AlgorithmSpecification"]["TrainingInputMode"]
        return [
            cls(channel["ChannelName"], channel, channel.get("InputMode") or default)
            for channel in request.get("InputDataConfig", [])
        ]

    @property
    def source(self) -> Mapping[str, Any]:
        source: Mapping[str, Any] = self.request["DataSource"]["S3DataSource"]
        return source

    @property
    def uri(self) -> S3Uri:
        return S3Uri.parse(self.source["S3Uri"])

    @property
    def is_sharded(self) -> bool:
        return self.source.get("S3DataDistributionType") == "ShardedByS3Key"

    @property
    def is_gzipped(self) -> bool:
        return self.request.get("CompressionType") == "Gzip"

    @property
    def seed(self) -> int | None:
        """ShuffleConfig's; None if the objects come in order."""
        seed: int | None = self.request.get("ShuffleConfig", {}).get("Seed")
        return seed

    @property
    def groups(self) -> tuple[str, ...]:
        """The instance groups that get it; empty for all."""
        return tuple(self.source.get("InstanceGroupNames", ()))

    def configuration(self) -> dict[str, str]:
        """Its entry in inputdataconfig.json. AWS tells the container File for FastFile, too."""
        entry = {
            "TrainingInputMode": "File" if self.input_mode == "FastFile" else self.input_mode,
            "S3DistributionType": self.source.get("S3DataDistributionType", "FullyReplicated"),
            "RecordWrapperType": self.request.get("RecordWrapperType", "None"),
        }
        if "ContentType" in self.request:
            entry["ContentType"] = self.request["ContentType"]
        return entry

    def describe(self) -> dict[str, Any]:
        """The channel as DescribeTrainingJob returns it."""
        source = {"S3DataDistributionType": "FullyReplicated", **self.source}
        defaults = {"CompressionType": "None", "RecordWrapperType": "None"}
        return {**defaults, **self.request, "DataSource": {"S3DataSource": source}}


def find_objects(services: Clients, scope: Scope, channel: Channel) -> list[InputObject]:
    """The channel's objects.

    Raises:
        ArtifactError: there are none, a manifest cannot be read, or the prefix is not one for FastFile.
    """
    objects = list_objects(services, scope, channel.source)
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
    before_each: Callable[[], None],
) -> None:
    """Put ``objects`` below ``host_folder`` as files; a FastFile channel cannot be written to.

    ``before_each`` may raise to give up.
    """
    folder = safe_path(host_folder / INPUT_DATA, channel.name)
    folder.mkdir(parents=True, exist_ok=True)
    for entry in objects:
        before_each()
        download_object(services, scope, entry.uri, folder, entry.path)
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
