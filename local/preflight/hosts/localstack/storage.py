"""S3, with what it stores in the stack's own folder: an object's bytes are one file, whole when the request ends.

LocalStack's own keeps small objects in memory and others in files that vanish with it, in one folder of the machine,
where two stacks with a bucket of the same name take each other's objects away.

A file is written once, under a name made of what S3's store says of the object. So a store that is older than the last
bytes of an object still finds the bytes it speaks of: what is replaced goes when no store that is kept speaks of it.
"""

import base64
import contextlib
import functools
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from io import UnsupportedOperation
from pathlib import Path
from typing import Any

from localstack.services.plugins import Service, aws_provider
from localstack.services.s3.constants import S3_CHUNK_SIZE
from localstack.services.s3.models import S3Object
from localstack.services.s3.storage.core import (
    LimitedStream,
    S3ObjectStore,
    S3StoredMultipart,
    S3StoredObject,
    should_copy_in_place,
)
from localstack.services.s3.utils import get_s3_checksum

from preflight import kept_files
from preflight.sagemaker.settings import kept_folder


@aws_provider(api="s3", name="preflight")
def s3() -> Service:
    """LocalStack's S3 over a folder of this stack."""
    from localstack.services.s3.provider import S3Provider

    return Service.for_provider(S3Provider(objects()))


@functools.cache
def objects() -> "ObjectFiles":
    """What is stored: in the folder of what the stack keeps, else in its ``TMPDIR``."""
    kept = kept_folder(os.environ)
    return ObjectFiles(Path(kept or tempfile.gettempdir(), "s3"), is_kept=kept is not None)


class ObjectFiles(S3ObjectStore):
    """The files of all objects, ``<bucket>/<hash of key and version>-<when it was written>``, and of parts."""

    def __init__(self, folder: Path, *, is_kept: bool) -> None:
        self.root_directory = str(folder)  # as LocalStack asks for it
        self._folder = folder
        self._is_kept = is_kept
        self._latest: dict[Path, int] = {}  # when the last bytes of each were written
        self._before: dict[Path, int] = {}  # the same of those that a request is about to replace
        self._replaced: list[Path] = []
        self._unsynced: list[Path] = []

    def open(self, bucket: str, s3_object: Any, mode: str = "r") -> "ObjectFile":
        return ObjectFile(self, self._place(bucket, s3_object), s3_object, mode)

    def copy(self, src_bucket: str, src_object: Any, dest_bucket: str, dest_object: Any) -> "ObjectFile":
        if should_copy_in_place(src_bucket, src_object, dest_bucket, dest_object):
            dest_object.internal_last_modified = src_object.internal_last_modified
            return self.open(dest_bucket, dest_object)
        with self.open(src_bucket, src_object) as source:
            target = self.open(dest_bucket, dest_object, "w")
            target.write(source)
        return target

    def remove(self, bucket: str, s3_object: Any) -> None:
        for each in s3_object if isinstance(s3_object, list) else [s3_object]:
            if isinstance(each, S3Object):  # a delete marker has no bytes
                self.remove_file(self._place(bucket, each))

    def get_multipart(self, bucket: str, upload: Any) -> "Parts":
        return Parts(self, bucket, upload)

    def remove_multipart(self, bucket: str, upload: Any) -> None:
        self.get_multipart(bucket, upload).close()

    def part_place(self, bucket: str, upload_id: str, number: int) -> Path:
        return self._folder / bucket / _hash(f"{upload_id}/{number}")

    def path(self, place: Path, written: int) -> Path:
        """The bytes of ``place`` that were written then; the last ones, if those are replaced and gone."""
        path = _at(place, written)
        return path if path.exists() or place not in self._latest else _at(place, self._latest[place])

    def take_in(self, new: Path, place: Path, written: int) -> None:
        """Put the file ``new`` in its place: it is what ``place`` holds, unless it is removed before ``replace``."""
        path = _at(place, written)
        new.replace(path)
        if self._is_kept:
            self._unsynced.append(path)
        if place in self._latest:
            self._before[place] = self._latest[place]
        self._latest[place] = written

    def replace(self, place: Path) -> None:
        """What was there before it was written to is not needed any more."""
        if (before := self._before.pop(place, None)) is not None:
            self._let_go(_at(place, before))

    def remove_file(self, place: Path) -> None:
        """Of what is being written: what was there before is there again."""
        if (written := self._latest.pop(place, None)) is not None:
            self._let_go(_at(place, written))
        if (before := self._before.pop(place, None)) is not None:
            self._latest[place] = before

    def reset(self) -> None:
        """Forget all."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._latest.clear()
        self._before.clear()
        self._replaced.clear()
        self._unsynced.clear()

    def replaced(self) -> list[Path]:
        """What no store will speak of that is written from now on."""
        replaced, self._replaced = self._replaced, []
        return replaced

    def sync(self) -> None:
        """All that has been stored outlives a power cut."""
        unsynced, self._unsynced = self._unsynced, []
        kept_files.sync_files(unsynced)

    def _let_go(self, path: Path) -> None:
        if self._is_kept:
            self._replaced.append(path)
        else:
            path.unlink(missing_ok=True)

    def _place(self, bucket: str, s3_object: Any) -> Path:
        return self._folder / bucket / _hash(f"{s3_object.key}?{s3_object.version_id or 'null'}")

    def take_up(self, stores: Any) -> list[str]:
        """Go on with the files that S3's ``stores`` speak of, and remove all others, which were to be replaced.

        An object whose bytes are not here any more is taken out of its store; returns the names of these.
        """
        lost, known = [], set()
        for _, _, store in stores.iter_stores():
            for bucket in store.buckets.values():
                for place, each in [*self._places_of(bucket)]:
                    path = _at(place, each.internal_last_modified)
                    if path.is_file() and path.stat().st_size == each.size:
                        self._latest[place] = each.internal_last_modified
                        known.add(path)
                    elif isinstance(each, S3Object):
                        bucket.objects.pop(each.key, each.version_id)
                        lost.append(f"s3://{bucket.name}/{each.key}")
        for path in self._folder.glob("*/*"):
            if path in known:
                continue
            if path.is_dir() and not path.is_symlink():  # nothing that was ever written here
                shutil.rmtree(path)
            else:
                path.unlink()
        return lost

    def _places_of(self, bucket: Any) -> Iterator[tuple[Path, Any]]:
        """Of its objects, and of the parts of uploads that are not complete."""
        for each in bucket.objects.values(with_versions=True):
            if isinstance(each, S3Object):  # a delete marker has no bytes
                yield self._place(bucket.name, each), each
        for upload in bucket.multiparts.values():
            for part in upload.parts.values():
                yield self.part_place(bucket.name, upload.id, part.part_number), part


class ObjectFile(S3StoredObject):
    """The bytes of one object, or one part: read from their file, or written to a new one."""

    def __init__(self, files: ObjectFiles, place: Path, s3_object: Any, mode: str) -> None:
        super().__init__(s3_object, mode)
        self._files = files
        self._place = place
        self._etag = ""
        self._checksum: str | None = None
        self._written = int(getattr(s3_object, "internal_last_modified", 0))
        if mode == "r":
            path = files.path(place, self._written)
            self._file: Any = path.open("rb")
            self._written = int(path.name.rpartition("-")[2])

    def read(self, s: int = -1) -> bytes:
        if self._mode == "w":
            raise UnsupportedOperation("The object is being written.")
        data: bytes = self._file.read(s)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self._file.seek(offset, whence))

    def __iter__(self) -> Iterator[bytes]:
        while data := self.read(S3_CHUNK_SIZE):
            yield data

    def write(self, stream: Any) -> int:
        """Make ``stream`` the object's bytes: those that were there stay until it is read to its end."""
        etag = hashlib.md5(usedforsecurity=False)
        algorithm = self.s3_object.checksum_algorithm
        checksum = get_s3_checksum(algorithm) if algorithm else None
        with self._new_file() as file:
            while data := stream.read(S3_CHUNK_SIZE) if stream is not None else b"":
                file.write(data)
                etag.update(data)
                if checksum:
                    checksum.update(data)
        if checksum:
            self._checksum = base64.b64encode(checksum.digest()).decode()
        self._etag = self.s3_object.etag = etag.hexdigest()
        return int(self.s3_object.size)

    def append(self, part: S3StoredObject) -> int:
        raise UnsupportedOperation("Parts are put together at once.")

    def put_together(self, parts: Iterable[S3StoredObject]) -> None:
        """Make the bytes of ``parts`` the object's."""
        with self._new_file() as file:
            for part in parts:
                for data in part:
                    file.write(data)

    def close(self) -> None:
        if self._mode == "r":
            self._file.close()
        else:
            self._files.replace(self._place)
        self.closed = True

    @property
    def last_modified(self) -> int:
        return self._written

    @property
    def etag(self) -> str:
        if not self._etag:
            self._etag = hashlib.md5(b"".join(self._again()), usedforsecurity=False).hexdigest()
        return self._etag

    @property
    def checksum(self) -> str | None:
        """In base64; None if the object has no algorithm for it."""
        algorithm = self.s3_object.checksum_algorithm
        if algorithm and self._checksum is None:
            checksum = get_s3_checksum(algorithm)
            for data in self._again():
                checksum.update(data)
            self._checksum = base64.b64encode(checksum.digest()).decode()
        return self._checksum

    def _again(self) -> Iterator[bytes]:
        """Its bytes, wherever its reader is."""
        with ObjectFile(self._files, self._place, self.s3_object, "r") as again:
            yield from again

    @contextlib.contextmanager
    def _new_file(self) -> Iterator[Any]:
        """A file that is the object's at the end."""
        kept_files.make_folder(self._place.parent)
        with tempfile.NamedTemporaryFile(dir=self._place.parent, prefix=".new-", delete_on_close=False) as file:
            yield file
            self.s3_object.size = file.tell()
            file.close()
            self._written = time.time_ns()
            self._files.take_in(Path(file.name), self._place, self._written)
        self.s3_object.internal_last_modified = self._written


class Parts(S3StoredMultipart):
    """The parts of one upload."""

    def __init__(self, files: ObjectFiles, bucket: str, upload: Any) -> None:
        super().__init__(files, bucket, upload)
        self._files = files

    def open(self, s3_part: Any, mode: str = "r") -> ObjectFile:
        return ObjectFile(self._files, self._place(s3_part), s3_part, mode)

    def remove_part(self, s3_part: Any) -> None:
        self._files.remove_file(self._place(s3_part))

    def complete_multipart(self, parts: list[Any]) -> None:
        with self._files.open(self.bucket, self.s3_multipart.object, "w") as whole, contextlib.ExitStack() as opened:
            whole.put_together(opened.enter_context(self.open(part)) for part in parts)

    def copy_from_object(self, s3_part: Any, src_bucket: str, src_s3_object: Any, range_data: Any) -> None:
        with self._files.open(src_bucket, src_s3_object) as source, self.open(s3_part, "w") as part:
            part.write(LimitedStream(source, range_data=range_data) if range_data else source)
            if s3_part.checksum_algorithm:
                s3_part.checksum_value = part.checksum

    def close(self) -> None:
        for each in self.s3_multipart.parts.values():
            self.remove_part(each)

    def _place(self, s3_part: Any) -> Path:
        return self._files.part_place(self.bucket, self.s3_multipart.id, s3_part.part_number)


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()


def _at(place: Path, written: int) -> Path:
    return place.with_name(f"{place.name}-{written}")
