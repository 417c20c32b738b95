"""Pipe mode: an input's objects streamed from S3 into FIFOs, one an epoch, nothing on disk.

``<path>_<epoch>``, from epoch 0: ``/opt/ml/input/data/train_0``. Each epoch's FIFO is there before the last one ends.
"""

import contextlib
import itertools
import logging
import subprocess
import threading
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path

from preflight.sagemaker.api.errors import guessed
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.aws.s3 import S3_ERRORS
from preflight.sagemaker.data.compression import CHUNK_BYTES, decompressed
from preflight.sagemaker.data.errors import ArtifactError, unreadable
from preflight.sagemaker.data.names import safe_path
from preflight.sagemaker.data.objects import InputObject
from preflight.sagemaker.data.s3_input import S3Input
from preflight.sagemaker.launching.container import Container
from preflight.sagemaker.launching.fifo import make_fifo

LOG = logging.getLogger(__name__)

ENDING_SECONDS = 5


class Pipe:
    """One input of one host. ``objects_of(epoch)`` are what it streams."""

    def __init__(
        self,
        services: Clients,
        scope: Scope,
        source: S3Input,
        host_folder: Path,
        objects_of: Callable[[int], Iterable[InputObject]],
    ) -> None:
        self._services = services
        self._scope = scope
        self._source = source
        self._host_folder = host_folder
        self._objects_of = objects_of
        self._thread: threading.Thread | None = None
        first = safe_path(host_folder, self._path(0))
        first.parent.mkdir(parents=True, exist_ok=True)
        make_fifo(first)

    def start(self, container: Container, on_error: Callable[[ArtifactError], None]) -> None:
        """Feed ``container`` until it ends; ``on_error`` is called while it still waits for more."""
        arguments = (container, on_error)
        self._thread = threading.Thread(
            target=self._feed, args=arguments, name=f"pipe-{self._source.name}", daemon=True
        )
        self._thread.start()

    def join(self, timeout_seconds: float) -> None:
        """Wait until nothing of the host's folder is touched any more; call once the container has ended."""
        if self._thread:
            self._thread.join(timeout_seconds)

    def _feed(self, container: Container, on_error: Callable[[ArtifactError], None]) -> None:
        try:
            for epoch in itertools.count():
                make_fifo(self._host_folder / self._path(epoch + 1))
                with contextlib.closing(self._chunks(epoch, on_error)) as chunks:  # the reader may break off
                    container.feed(self._path(epoch), chunks)
                if container.poll() is not None:
                    return
                (self._host_folder / self._path(epoch)).unlink(missing_ok=True)
        except Exception as error:
            if not _ends(container):  # it would wait for the rest for ever
                LOG.exception("Input %s is not fed any more.", self._source.name)
                on_error(ArtifactError(f"Input {self._source.name} cannot be streamed: {error}"))

    def _chunks(self, epoch: int, on_error: Callable[[ArtifactError], None]) -> Generator[bytes]:
        try:
            for entry in self._objects_of(epoch):
                yield from self._read(entry)
        except ArtifactError as error:
            on_error(error)  # before the FIFO is closed: what has come so far must not pass for the whole

    def _read(self, entry: InputObject) -> Iterator[bytes]:
        try:
            answer = self._services.client("s3", self._scope).get_object(Bucket=entry.uri.bucket, Key=entry.uri.key)
            with contextlib.closing(answer["Body"]) as body:
                chunks: Iterator[bytes] = body.iter_chunks(CHUNK_BYTES)
                yield from decompressed(chunks) if self._source.is_gzipped else chunks
        except S3_ERRORS as error:
            raise unreadable(entry.uri, error) from error
        except zlib.error as error:
            raise ArtifactError(guessed(f"{entry.uri} is not gzip: {error}.")) from error

    def _path(self, epoch: int) -> str:
        return f"{self._source.path}_{epoch}"


def _ends(container: Container) -> bool:
    """Whether ``container`` is about to end, which alone may have kept it from being fed."""
    try:
        container.wait(ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True
