"""Buckets and objects, with all their versions: these get new ids and times, and a multipart object a plain ETag."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from botocore.exceptions import ClientError

from preflight.state_file.archive import chunks_of
from preflight.state_file.requests import Request
from preflight.state_file.source import Source, only

_OF_OBJECTS = (
    *("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType", "Metadata"),
    *("StorageClass", "WebsiteRedirectLocation"),
)
_CHECKSUMS = ("CRC32", "SHA1", "SHA256")  # others need packages that not every botocore has


def requests(source: Source) -> Iterator[Request]:
    s3 = source.client("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        yield from _bucket(source, s3, bucket["Name"])


def _bucket(source: Source, s3: Any, name: str) -> Iterator[Request]:
    region = s3.get_bucket_location(Bucket=name).get("LocationConstraint")
    yield source.request(
        "s3", "CreateBucket", Bucket=name, CreateBucketConfiguration=region and {"LocationConstraint": region}
    )
    tags = _optional(s3.get_bucket_tagging, "TagSet", Bucket=name)
    if tags:
        yield source.request("s3", "PutBucketTagging", Bucket=name, Tagging={"TagSet": tags})
    if rules := _optional(s3.get_bucket_cors, "CORSRules", Bucket=name):
        yield source.request("s3", "PutBucketCors", Bucket=name, CORSConfiguration={"CORSRules": rules})
    yield from _objects(source, s3, name)
    if policy := _optional(s3.get_bucket_policy, "Policy", Bucket=name):
        yield source.request("s3", "PutBucketPolicy", Bucket=name, Policy=policy)
    notified = s3.get_bucket_notification_configuration(Bucket=name)
    if set(notified) - {"ResponseMetadata"}:
        source.left_out.append(f"notifications of the bucket {name}")


def _objects(source: Source, s3: Any, bucket: str) -> Iterator[Request]:
    """Oldest first. Those without a version were stored before there were any, or after there were no more."""
    status = s3.get_bucket_versioning(Bucket=bucket).get("Status")
    found: list[dict[str, Any]] = []
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found += [
            *page.get("Versions", ()),
            *({**marker, "is_marker": True} for marker in page.get("DeleteMarkers", ())),
        ]
    found.sort(key=lambda each: (each["LastModified"], each["IsLatest"]))
    plain = [each for each in found if each["VersionId"] == "null"]
    versions = [each for each in found if each["VersionId"] != "null"]
    if status == "Suspended":
        yield _versioning(source, bucket, "Enabled")
        for each in versions:
            yield _object(source, s3, bucket, each)
        yield _versioning(source, bucket, status)
        versions = []
    for each in plain:
        yield _object(source, s3, bucket, each)
    if status == "Enabled":
        yield _versioning(source, bucket, status)
    for each in versions:
        yield _object(source, s3, bucket, each)


def _versioning(source: Source, bucket: str, status: str) -> Request:
    return source.request("s3", "PutBucketVersioning", Bucket=bucket, VersioningConfiguration={"Status": status})


def _object(source: Source, s3: Any, bucket: str, version: dict[str, Any]) -> Request:
    place = {"Bucket": bucket, "Key": version["Key"]}
    if version.get("is_marker"):
        return source.request("s3", "DeleteObject", **place)
    found = s3.get_object(**place, VersionId=version["VersionId"])
    body = source.keep(chunks_of(found["Body"]))
    tags = s3.get_object_tagging(**place, VersionId=version["VersionId"])["TagSet"] if found.get("TagCount") else []
    return source.request(
        "s3",
        "PutObject",
        **place,
        Body=body,
        **only(found, *_OF_OBJECTS),
        Tagging=_query(tags),
        ChecksumAlgorithm=next((each for each in version.get("ChecksumAlgorithm", ()) if each in _CHECKSUMS), None),
    )


def _query(tags: list[dict[str, str]]) -> str:
    return urlencode([(tag["Key"], tag["Value"]) for tag in tags])


def _optional(read: Any, member: str, **parameters: Any) -> Any:
    """None where AWS says that there is no such configuration."""
    try:
        return read(**parameters)[member]
    except ClientError:
        return None
