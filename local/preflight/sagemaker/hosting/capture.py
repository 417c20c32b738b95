"""Capture: what an endpoint is asked and answers, as DataCaptureConfig says, in files of a minute in S3.

A request only leaves what it had and got; a thread of the fleet's own makes the lines, keeps them on disk, and stores
each file a minute after its first line. What it has is stored when the fleet stops.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-interpreting-results.html
"""

import base64
import json
import logging
import random
import threading
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.s3 import S3_ERRORS
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.data import captured
from preflight.sagemaker.hosting.request import CaptureContentTypeHeader, DataCaptureConfig
from preflight.sagemaker.launching.folders import remove_folder
from preflight.sagemaker.serving.reply import Reply

LOG = logging.getLogger(__name__)

COMPANY_SECONDS = 0.25  # how long the first of some exchanges waits to be written with others
MAX_WAITING_BYTES = 256 * 1024 * 1024  # AWS too gives up captured data before it slows an answer
STOP_SECONDS = 20.0
UNNAMED_TYPE = "application/octet-stream"


@dataclass(frozen=True)
class Exchange:
    """A request that was answered. ``role_arn`` is of the variant's model: its files are stored by that role."""

    variant: str
    role_arn: str
    content_type: str | None
    body: bytes
    reply: Reply
    inference_id: str | None
    custom_attributes: str | None
    moment: datetime

    @property
    def size_bytes(self) -> int:
        return len(self.body) + len(self.reply.body)


@dataclass(frozen=True)
class _File:
    """Lines of one variant, not stored yet. ``due`` is when they are, on the monotonic clock."""

    path: Path
    first: Exchange
    due: float


class Capture:
    """``take`` is for the threads of requests; it costs them an append."""

    def __init__(
        self, context: ServiceContext, scope: Scope, endpoint_name: str, config: DataCaptureConfig, folder: Path
    ) -> None:
        self._context, self._scope, self._endpoint_name = context, scope, endpoint_name
        self._config, self._folder = config, folder
        self._changed = threading.Condition()  # guards what follows
        self._waiting: list[Exchange] = []
        self._waiting_bytes = 0
        self._lost = 0
        self._thread: threading.Thread | None = None
        self._is_over = threading.Event()
        self._files: dict[str, _File] = {}  # by variant; the thread's own

    def is_chosen(self) -> bool:
        """Whether one more request is to be captured."""
        return random.random() * 100 < self._config.initial_sampling_percentage

    def take(self, exchange: Exchange) -> None:
        """Have it captured. Never blocks, never raises."""
        with self._changed:
            if self._is_over.is_set() or self._waiting_bytes > MAX_WAITING_BYTES:
                self._lost += 1
                return
            self._waiting.append(exchange)
            self._waiting_bytes += exchange.size_bytes
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"capture-{self._endpoint_name}", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Store what was taken, and end; returns when that is done."""
        with self._changed:
            self._is_over.set()
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while not self._is_over.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_over.is_set(), self._seconds_left())
            self._is_over.wait(COMPANY_SECONDS)
            self._write(self._taken())
            self._store(file for file in self._files.values() if file.due <= time.monotonic())
        self._write(self._taken())
        self._store(self._files.values())
        remove_folder(self._folder)

    def _seconds_left(self) -> float | None:
        """Until the first file is due; None without one."""
        return max(0.0, min(file.due for file in self._files.values()) - time.monotonic()) if self._files else None

    def _taken(self) -> list[Exchange]:
        with self._changed:
            taken, self._waiting = self._waiting, []
            lost, self._waiting_bytes, self._lost = self._lost, 0, 0
        if lost:
            self._warn(f"{lost} requests were not captured: they came too fast, or too late")
        return taken

    def _write(self, exchanges: Iterable[Exchange]) -> None:
        for exchange in exchanges:
            file = self._files.get(exchange.variant)
            if file is None:
                file = self._files[exchange.variant] = self._new_file(exchange)
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                with file.path.open("ab") as lines:
                    lines.write(line(exchange, self._config))
            except OSError as error:
                self._warn(f"a request was not captured: {error}")

    def _new_file(self, exchange: Exchange) -> _File:
        due = time.monotonic() + self._context.settings.capture_seconds
        return _File(self._folder / f"{uuid.uuid4()}.jsonl", exchange, due)

    def _store(self, files: Iterable[_File]) -> None:
        for file in list(files):
            del self._files[file.first.variant]
            moment, variant = file.first.moment, file.first.variant
            name = f"{moment:%M-%S}-{moment.microsecond // 1000:03}-{file.path.name}"
            path = f"{self._endpoint_name}/{variant}/{captured.hour(moment)}/{name}"
            services = self._context.services.acting_as(file.first.role_arn, self._scope)
            to = self._config.destination_s3_uri
            try:
                with file.path.open("rb") as lines:
                    captured.store(services, self._scope, to, self._config.kms_key_id, path, lines)
            except (OSError, *S3_ERRORS) as error:
                self._warn(f"{path} could not be stored in {to}: {error}")
            file.path.unlink(missing_ok=True)

    def _warn(self, text: str) -> None:
        LOG.warning("Data capture of endpoint %s: %s.", self._endpoint_name, text)


def line(exchange: Exchange, config: DataCaptureConfig) -> bytes:
    """What is captured of one request, as AWS writes it."""
    header = config.capture_content_type_header
    sides = {
        "Input": ("endpointInput", "INPUT", exchange.content_type, exchange.body),
        "Output": ("endpointOutput", "OUTPUT", exchange.reply.headers.get("Content-Type"), exchange.reply.body),
    }
    metadata: dict[str, Any] = {"eventId": str(uuid.uuid4())}
    if exchange.custom_attributes is not None:
        metadata["customAttributes"] = [exchange.custom_attributes]
    if exchange.inference_id is not None:
        metadata["inferenceId"] = exchange.inference_id
    record = {
        "captureData": {
            name: _side(mode, content_type or UNNAMED_TYPE, body, header)
            for kind, (name, mode, content_type, body) in sides.items()
            if config.captures(kind)
        },
        "eventMetadata": {**metadata, "inferenceTime": f"{exchange.moment:%Y-%m-%dT%H:%M:%SZ}"},
        "eventVersion": "0",
    }
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def _side(mode: str, content_type: str, body: bytes, header: CaptureContentTypeHeader) -> dict[str, str]:
    data, encoding = _encoded(content_type, body, header)
    return {"observedContentType": content_type, "mode": mode, "data": data, "encoding": encoding}


def _encoded(content_type: str, body: bytes, header: CaptureContentTypeHeader) -> tuple[str, str]:
    """Parameters of a type, as ``charset``, do not count. Bytes that are no text stay bytes, whatever they claim."""
    plain = content_type.partition(";")[0].strip().lower()
    for encoding, types in (("CSV", header.csv_content_types), ("JSON", header.json_content_types)):
        if plain in map(str.lower, types):
            try:
                return body.decode(), encoding
            except UnicodeDecodeError:
                break
    return base64.b64encode(body).decode(), "BASE64"
