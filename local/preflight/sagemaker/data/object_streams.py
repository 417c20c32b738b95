"""Objects of any size in little memory: read range by range, written part by part."""

import contextlib
import zlib
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from preflight.sagemaker.api.errors import guessed
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.aws.s3 import S3_ERRORS, S3Uri
from preflight.sagemaker.data.compression import decompressed
from preflight.sagemaker.data.errors import ArtifactError, unreadable
from preflight.sagemaker.data.outputs import encryption

PART_BYTES = 8 << 20  # of S3's 10,000 parts


def read_object(services: Clients, scope: Scope, uri: S3Uri, is_gzipped: bool = False) -> Iterator[bytes]:
    """The content of one object, in pieces.

    Range by range: who reads slowly holds no connection open, and makes no server keep what it has not read.

    Raises:
        ArtifactError: it is not there, changes while it is read, or is not gzip.
    """
    chunks = _ranges(services, scope, uri)
    if not is_gzipped:
        yield from chunks
        return
    try:
        yield from decompressed(chunks)
    except zlib.error as error:
        raise ArtifactError(guessed(f"{uri} is not gzip: {error}.")) from error


def _ranges(services: Clients, scope: Scope, uri: S3Uri) -> Iterator[bytes]:
    client = services.client("s3", scope)
    same: dict[str, str] = {}
    start = 0
    try:
        while True:
            asked = f"bytes={start}-{start + PART_BYTES - 1}"
            try:
                answer = client.get_object(Bucket=uri.bucket, Key=uri.key, Range=asked, **same)
            except ClientError as error:
                if error.response["Error"]["Code"] == "InvalidRange" and start == 0:  # it is empty
                    return
                raise
            with contextlib.closing(answer["Body"]) as body:
                yield body.read()
            start += PART_BYTES
            if start >= int(answer["ContentRange"].rpartition("/")[2]):
                return
            same = {"IfMatch": answer["ETag"]}
    except S3_ERRORS as error:
        raise unreadable(uri, error) from error


class ObjectWriter:
    """An object that is there, whole, once it is finished. Each method raises S3_ERRORS; then, ``abandon`` it."""

    def __init__(self, services: Clients, scope: Scope, uri: S3Uri, kms_key_id: str = "") -> None:
        self._client: Any = services.client("s3", scope)
        self._place = {"Bucket": uri.bucket, "Key": uri.key}
        self._encryption = encryption(services, scope, kms_key_id)
        self._buffer = bytearray()
        self._upload_id: str | None = None
        self._parts: list[dict[str, Any]] = []

    def write(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= PART_BYTES:
            self._upload_part(bytes(memoryview(self._buffer)[:PART_BYTES]))
            del self._buffer[:PART_BYTES]

    def finish(self) -> None:
        if self._upload_id is None:
            self._client.put_object(**self._place, Body=bytes(self._buffer), **self._encryption)
            return
        if self._buffer:
            self._upload_part(bytes(self._buffer))
        upload = {"Parts": self._parts}
        self._client.complete_multipart_upload(**self._place, UploadId=self._upload_id, MultipartUpload=upload)

    def abandon(self) -> None:
        """Leave nothing of it."""
        if self._upload_id is not None:
            with contextlib.suppress(*S3_ERRORS):  # the error that led here says more
                self._client.abort_multipart_upload(**self._place, UploadId=self._upload_id)

    def _upload_part(self, data: bytes) -> None:
        if self._upload_id is None:
            self._upload_id = self._client.create_multipart_upload(**self._place, **self._encryption)["UploadId"]
        number = len(self._parts) + 1
        part = self._client.upload_part(**self._place, UploadId=self._upload_id, PartNumber=number, Body=data)
        self._parts.append({"PartNumber": number, "ETag": part["ETag"]})
