"""The bucket, private and encrypted, and the files for training in it."""

import hashlib
import json
from itertools import batched
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from aws.client import Aws
from aws.errors import InputError, ResourceError
from aws.names import PROJECT_TAG, Names
from aws.report import Step

DATA_PREFIX = "data/"
MODELS_PREFIX = "models/"
BATCH_PREFIX = "batch/"
CAPTURE_PREFIX = "capture/"
ASYNC_PREFIX = "async/"
PREPARE_PREFIX = "prepare/"
PIPELINE_PREFIX = "pipeline/"
DELETE_OBJECTS_AT_ONCE = 1000  # S3's limit
PRIVATE = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
ENCRYPTED = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
ENCRYPTIONS = ("AES256", "aws:kms", "aws:kms:dsse")  # what an account prescribes beyond ours is left as it is


def ensure_bucket(aws: Aws, names: Names) -> str:
    """Create the project's bucket, or find it. Raises ``ResourceError`` if the name belongs to others.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
    """
    is_new = _find_bucket(aws, names.bucket) is None
    if is_new:
        _create_bucket(aws, names.bucket)
    owner = bucket_project(aws, names.bucket)
    if owner is None and not _has_objects(aws, names.bucket):
        why = "destroy finds it by this tag"
        aws.change("s3", "PutBucketTagging", why=why, Bucket=names.bucket, Tagging={"TagSet": names.tag_list})
    elif owner != names.project:
        raise ResourceError(
            f"The bucket {names.bucket} exists and is not of the project {names.project}. {_ANOTHER_NAME}"
        )
    if is_new or not _is_private(aws, names.bucket):
        _make_private(aws, names.bucket)
    if is_new or not _is_encrypted(aws, names.bucket):
        _encrypt(aws, names.bucket)
    _ensure_tls(aws, names.bucket)
    return names.bucket


_ANOTHER_NAME = "Set another one as `bucket` in [deploy] of preflight.toml."


def _find_bucket(aws: Aws, bucket: str) -> dict[str, Any] | None:
    try:
        found = aws.find("s3", "HeadBucket", Bucket=bucket)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code not in ("301", "400", "403"):  # HEAD has no body to say more
            raise
        raise ResourceError(
            f"The bucket name {bucket} is taken by another account or region, or these credentials may not "
            f"s3:ListBucket it (S3 said {code}). {_ANOTHER_NAME}"
        ) from error
    region = (found or {}).get("BucketRegion", aws.target.region)
    if region != aws.target.region:  # SageMaker trains on data of its own region only
        raise ResourceError(f"The bucket {bucket} is in the region {region}, not {aws.target.region}. {_ANOTHER_NAME}")
    return found


def _create_bucket(aws: Aws, bucket: str) -> None:
    # us-east-1 is the one region that must not be named.
    region = aws.target.region
    location: dict[str, Any] = {}
    if region != "us-east-1":
        location["CreateBucketConfiguration"] = {"LocationConstraint": region}
    try:
        aws.change("s3", "CreateBucket", why="it does not exist", Bucket=bucket, **location)
    except ClientError as error:
        if error.response["Error"]["Code"] != "BucketAlreadyExists":
            raise
        raise ResourceError(f"The bucket name {bucket} is taken by another account. {_ANOTHER_NAME}") from error


def bucket_project(aws: Aws, bucket: str) -> str | None:
    """The project a bucket is tagged with, if it exists and is tagged."""
    tagging = aws.find("s3", "GetBucketTagging", Bucket=bucket) or {"TagSet": []}
    return next((tag["Value"] for tag in tagging["TagSet"] if tag["Key"] == PROJECT_TAG), None)


def is_our_bucket(aws: Aws, names: Names) -> bool:
    """Whether the project's bucket exists: it has the tag, or is one whose deploy ended before it was tagged."""
    owner = bucket_project(aws, names.bucket)
    if owner is None and names.bucket == names.default_bucket:
        return _find_bucket(aws, names.bucket) is not None and not _has_objects(aws, names.bucket)
    return owner == names.project


def _has_objects(aws: Aws, bucket: str) -> bool:
    return bool((aws.find("s3", "ListObjectsV2", Bucket=bucket, MaxKeys=1) or {}).get("KeyCount"))


def _is_private(aws: Aws, bucket: str) -> bool:
    found = aws.find("s3", "GetPublicAccessBlock", Bucket=bucket) or {}
    return bool(found.get("PublicAccessBlockConfiguration") == PRIVATE)


def _make_private(aws: Aws, bucket: str) -> None:
    """New buckets are private already; this keeps it so, whatever a later policy or ACL says.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
    """
    why = "nothing in it may become public"
    aws.change("s3", "PutPublicAccessBlock", why=why, Bucket=bucket, PublicAccessBlockConfiguration=PRIVATE)


def _is_encrypted(aws: Aws, bucket: str) -> bool:
    found = aws.find("s3", "GetBucketEncryption", Bucket=bucket) or {}
    rules = found.get("ServerSideEncryptionConfiguration", {}).get("Rules", [])
    defaults = [rule.get("ApplyServerSideEncryptionByDefault", {}) for rule in rules]
    return any(default.get("SSEAlgorithm") in ENCRYPTIONS for default in defaults)


def _encrypt(aws: Aws, bucket: str) -> None:
    why = "what is stored is encrypted"
    aws.change("s3", "PutBucketEncryption", why=why, Bucket=bucket, ServerSideEncryptionConfiguration=ENCRYPTED)


def _ensure_tls(aws: Aws, bucket: str) -> None:
    """Refuse what comes without TLS. The local stack keeps the policy and, on plain HTTP, does not enforce it.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
    """
    arn = f"arn:{aws.target.partition}:s3:::{bucket}"
    statement = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    found = aws.find("s3", "GetBucketPolicy", Bucket=bucket)
    if found is None or json.loads(found["Policy"]) != policy:
        why = "it is reached by TLS only"
        aws.change("s3", "PutBucketPolicy", why=why, Bucket=bucket, Policy=json.dumps(policy))


def upload(aws: Aws, bucket: str, key: str, path: Path) -> str:
    """Store a file unless the same content is there already. Returns its SHA-256 in hex."""
    digest = file_digest(path)
    stored = aws.find("s3", "HeadObject", Bucket=bucket, Key=key)
    if stored is None or stored["Metadata"].get("sha256") != digest:
        why = "it is not there" if stored is None else "another content is there"
        aws.upload(path, why=why, bucket=bucket, key=key, metadata={"sha256": digest})
    return digest


def upload_by_digest(aws: Aws, bucket: str, path: Path) -> str:
    """Store a file under a key that holds its SHA-256, and return its URI."""
    key = f"{DATA_PREFIX}sources/{file_digest(path)[:16]}/{path.name}"
    upload(aws, bucket, key, path)
    return f"s3://{bucket}/{key}"


def file_digest(path: Path) -> str:
    """The SHA-256 of a file in hex, read in pieces."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}). Run `python -m data_prep` first.") from error


def delete_bucket(aws: Aws, bucket: str, step: Step) -> None:
    """Delete a bucket with all that is in it: unfinished uploads, objects, their versions, delete markers."""
    for upload in list(aws.list("s3", "ListMultipartUploads", "Uploads", Bucket=bucket)):
        aws.remove("s3", "AbortMultipartUpload", Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    for key in ("Versions", "DeleteMarkers"):
        listed = aws.list("s3", "ListObjectVersions", key, Bucket=bucket)
        for versions in batched(listed, DELETE_OBJECTS_AT_ONCE):
            step.show(f"deleting {len(versions)} objects")
            _delete_objects(aws, bucket, versions)
    aws.remove("s3", "DeleteBucket", Bucket=bucket)


def _delete_objects(aws: Aws, bucket: str, versions: tuple[dict[str, Any], ...]) -> None:
    objects = [{"Key": version["Key"], "VersionId": version["VersionId"]} for version in versions]
    answer = aws.change("s3", "DeleteObjects", Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    for refused in answer.get("Errors", []):  # a 200 all the same
        raise ResourceError(f"s3://{bucket}/{refused['Key']} cannot be deleted: {refused.get('Message')}.")
