"""Objects of any size in little memory: read range by range, written part by part."""

import contextlib
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
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
    """Its ranges; of those that there are, the next is fetched while one is worked on."""
    client = services.client("s3", scope)

    def fetch(start: int, same: Mapping[str, str]) -> tuple[bytes, int, str]:
        """A range, how many bytes the object has, and its ETag."""
        asked = f"bytes={start}-{start + PART_BYTES - 1}"
        answer = client.get_object(Bucket=uri.bucket, Key=uri.key, Range=asked, **same)
        with contextlib.closing(answer["Body"]) as body:
            return body.read(), int(answer["ContentRange"].rpartition("/")[2]), answer["ETag"]

    try:
        try:
            content, size, etag = fetch(0, {})
        except ClientError as error:
            if error.response["Error"]["Code"] == "InvalidRange":  # it is empty
                return
            raise
        if size <= PART_BYTES:
            yield content
            return
        with ThreadPoolExecutor(1, "read-ahead") as pool:
            for start in range(PART_BYTES, size, PART_BYTES):
                upcoming = pool.submit(fetch, start, {"IfMatch": etag})
                yield content
                content, _, _ = upcoming.result()
            yield content
    except S3_ERRORS as error:
        raise unreadable(uri, error) from error


class ObjectWriter:
    """An object that is there, whole, once it is finished. Each method raises S3_ERRORS; then, ``abandon`` it.

    A part is sent while what comes after it is written.
    """

    def __init__(self, services: Clients, scope: Scope, uri: S3Uri, kms_key_id: str = "") -> None:
        self._client: Any = services.client("s3", scope)
        self._place = {"Bucket": uri.bucket, "Key": uri.key}
        self._encryption = encryption(services, scope, kms_key_id)
        self._buffer = bytearray()
        self._upload_id: str | None = None
        self._parts: list[dict[str, Any]] = []
        self._sender: ThreadPoolExecutor | None = None
        self._sent: Future[None] | None = None  # the part that is on its way

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
        self._settle()
        upload = {"Parts": self._parts}
        self._client.complete_multipart_upload(**self._place, UploadId=self._upload_id, MultipartUpload=upload)
        self._close()

    def abandon(self) -> None:
        """Leave nothing of it."""
        self._close()
        if self._upload_id is not None:
            with contextlib.suppress(*S3_ERRORS):  # the error that led here says more
                self._client.abort_multipart_upload(**self._place, UploadId=self._upload_id)

    def _upload_part(self, data: bytes) -> None:
        if self._sender is None:
            self._upload_id = self._client.create_multipart_upload(**self._place, **self._encryption)["UploadId"]
            self._sender = ThreadPoolExecutor(1, "upload")
        self._settle()
        self._sent = self._sender.submit(self._send_part, len(self._parts) + 1, data)

    def _send_part(self, number: int, data: bytes) -> None:
        part = self._client.upload_part(**self._place, UploadId=self._upload_id, PartNumber=number, Body=data)
        self._parts.append({"PartNumber": number, "ETag": part["ETag"]})

    def _settle(self) -> None:
        """Return once no part is on its way. Raises why one has not arrived."""
        sent, self._sent = self._sent, None
        if sent is not None:
            sent.result()

    def _close(self) -> None:
        """Wait for the part that is on its way, arrived or not."""
        if self._sender is not None:
            self._sender.shutdown()
