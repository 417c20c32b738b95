"""One input of a job: objects in S3, and where a container finds them."""

from dataclasses import dataclass

from preflight.sagemaker.aws.s3 import S3Uri


@dataclass(frozen=True, kw_only=True)
class S3Input:
    """Objects in S3 that a container finds at ``path`` below ``/opt/ml``. ``name`` is the request's for it.

    ``seed`` is ShuffleConfig's; without one the objects come in order.
    """

    name: str
    path: str
    s3_uri: str
    data_type: str
    distribution: str
    input_mode: str
    is_gzipped: bool = False
    seed: int | None = None

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
