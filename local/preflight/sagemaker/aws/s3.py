"""S3 as SageMaker sees it: where an object is, and which there are."""

import re
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.clients import Clients, require_refusal

S3_ERRORS = (ClientError, BotoCoreError, Boto3Error)  # S3 says no, or breaks off

_BUCKET = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,253}[a-zA-Z0-9]")  # S3 itself knows the finer rules


@dataclass(frozen=True)
class S3Uri:
    """``s3://bucket/key``; ``key`` may be empty or a prefix."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> "S3Uri":
        """Reads ``s3://bucket/key`` and the two https forms of the same."""
        try:
            parsed = cls._split(uri)
        except ValueError:
            parsed = cls("", "")
        if not _BUCKET.fullmatch(parsed.bucket):
            raise ValidationException(guessed(f"The S3 URI {uri} does not name a bucket."))
        return parsed

    @classmethod
    def _split(cls, uri: str) -> "S3Uri":
        parts = urllib.parse.urlsplit(uri)
        path = urllib.parse.unquote(parts.path).lstrip("/") if parts.scheme == "https" else uri[len("s3://") :]
        if parts.scheme == "https" and ".s3" in parts.netloc:  # https://bucket.s3.region.amazonaws.com/key
            return cls(parts.netloc.split(".s3", 1)[0], path)
        bucket, _, key = path.partition("/")
        return cls(bucket, key)

    def below(self, path: str) -> "S3Uri":
        """``path`` below this one, whether it ends with a slash or not; with ``""`` this one as a folder."""
        return S3Uri(self.bucket, f"{self.key.rstrip('/')}/{path}".lstrip("/"))

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True)
class S3Object:
    key: str
    size: int


def objects(services: Clients, scope: Scope, uri: S3Uri) -> Iterator[S3Object]:
    """The objects whose key starts with ``uri``'s; nothing if the bucket does not exist."""
    pages = services.client("s3", scope).get_paginator("list_objects_v2")
    try:
        for page in pages.paginate(Bucket=uri.bucket, Prefix=uri.key):
            for entry in page.get("Contents", ()):
                yield S3Object(entry["Key"], entry["Size"])
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchBucket", "AccessDenied"):
            raise


def has_object(services: Clients, scope: Scope, uri: S3Uri) -> bool:
    if not uri.key:
        return False
    try:
        services.client("s3", scope).head_object(Bucket=uri.bucket, Key=uri.key)
    except ClientError as error:
        require_refusal(error)
        return False
    return True


def bucket_region(services: Clients, scope: Scope, bucket: str) -> str | None:
    """The region ``bucket`` is in; None if there is no such bucket."""
    try:
        region: str = services.client("s3", scope).head_bucket(Bucket=bucket)["BucketRegion"]
    except ClientError as error:
        require_refusal(error)
        return None
    return region
