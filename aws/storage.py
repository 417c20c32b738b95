"""The bucket, and the files for training in it."""

import hashlib
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from aws.client import Aws
from aws.errors import InputError, ResourceError
from aws.names import PROJECT_TAG, Names


def ensure_bucket(aws: Aws, names: Names) -> str:
    """Create the project's bucket, or find it. Raises ``ResourceError`` if the name belongs to others.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
    """
    try:
        found = aws.find("s3", "HeadBucket", Bucket=names.bucket)
    except ClientError as error:
        raise ResourceError(
            f"The bucket name {names.bucket} is taken by another account or region "
            f"({error.response['Error']['Code']}). Set another one as `bucket` in [deploy] of preflight.toml."
        ) from error
    if found is None:
        aws.change("s3", "CreateBucket", Bucket=names.bucket, **_location(aws.target.region))
    owner = bucket_project(aws, names.bucket)
    if owner == names.project:
        return names.bucket
    if owner is not None or _has_objects(aws, names.bucket):
        raise ResourceError(
            f"The bucket {names.bucket} exists and is not of the project {names.project}. "
            "Set another one as `bucket` in [deploy] of preflight.toml."
        )
    aws.change("s3", "PutBucketTagging", Bucket=names.bucket, Tagging={"TagSet": names.tag_list})
    return names.bucket


def _location(region: str) -> dict[str, Any]:
    # us-east-1 is the one region that must not be named.
    return {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}


def bucket_project(aws: Aws, bucket: str) -> str | None:
    """The project a bucket is tagged with, if it exists and is tagged."""
    tagging = aws.find("s3", "GetBucketTagging", Bucket=bucket) or {"TagSet": []}
    return next((tag["Value"] for tag in tagging["TagSet"] if tag["Key"] == PROJECT_TAG), None)


def _has_objects(aws: Aws, bucket: str) -> bool:
    return bool((aws.find("s3", "ListObjectsV2", Bucket=bucket, MaxKeys=1) or {}).get("KeyCount"))


def upload(aws: Aws, bucket: str, key: str, path: Path) -> str:
    """Store a file unless the same content is there already. Returns its SHA-256 in hex."""
    digest = file_digest(path)
    stored = aws.find("s3", "HeadObject", Bucket=bucket, Key=key)
    if stored is None or stored["Metadata"].get("sha256") != digest:
        aws.upload(str(path), bucket, key, {"sha256": digest})
    return digest


def file_digest(path: Path) -> str:
    """The SHA-256 of a file in hex, read in pieces."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}). Run `python -m data_prep` first.") from error
