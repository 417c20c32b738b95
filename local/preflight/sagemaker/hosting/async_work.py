"""AsyncWork: one asynchronous request, from its input to its result or failure in S3, and the notice of it."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from preflight.sagemaker.api.errors import ServiceError, guessed
from preflight.sagemaker.aws.clients import RoleClients
from preflight.sagemaker.aws.s3 import S3_ERRORS, S3Uri
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.data.outputs import encryption
from preflight.sagemaker.hosting.async_metrics import AsyncMeasurement
from preflight.sagemaker.hosting.async_notices import Notices
from preflight.sagemaker.hosting.async_queue import Waiting
from preflight.sagemaker.hosting.request import AsyncInferenceOutputConfig
from preflight.sagemaker.hosting.variant import Variant
from preflight.sagemaker.serving.instance import Call, ContainerFailure, Instance
from preflight.sagemaker.serving.reply import NotReached, Reply, TimedOut

LOG = logging.getLogger(__name__)

MAX_BYTES = 1 << 30  # of an input, and of a result
DEFAULT_CONTENT_TYPE = "application/octet-stream"


class NotTaken(Exception):
    """No instance got the request: it can go back to the queue."""


class _Failure(Exception):
    """Why the request has no result, with the metric that counts it, and what the model answered if it did."""

    def __init__(self, reason: str, metric: str, reply: Reply | None = None) -> None:
        super().__init__(reason)
        self.reason, self.metric, self.reply = reason, metric, reply


@dataclass(frozen=True)
class AsyncWork:
    """``waiting`` by a variant whose role reads, writes and publishes.

    Once ``is_over`` says so, the stack goes down: what ends then is neither written nor told.
    """

    context: ServiceContext
    config: AsyncInferenceOutputConfig
    variant: Variant
    waiting: Waiting
    is_over: Callable[[], bool]

    def run(self, instance: Instance) -> None:
        """End with a result or a failure, each told. Raises NotTaken."""
        started, request = time.monotonic(), self.waiting.request
        waited = request.age_seconds
        try:
            body, content_type = self._input()
            reply = self._ask(instance, body, content_type)
            self._write_output(reply)
        except _Failure as failure:
            if not self.is_over():
                self._fail(failure, instance)
            return
        told = self._notices.completed(request, self.waiting.places, reply)
        taken = (time.monotonic() - started) * 1000
        self._measure(("InvocationsProcesssed", "Count", 1), ("TotalProcessingTime", "Milliseconds", taken))
        self._measure(("TimeInBacklog", "Milliseconds", waited * 1000), ("NotificationFailures", "Count", not told))

    def expire(self) -> None:
        """It has waited for too long."""
        seconds = self.waiting.request.ttl_seconds
        self._fail(_Failure(guessed(f"ClientError: The request waited longer than {seconds} s."), "ExpiredRequests"))

    @property
    def _services(self) -> RoleClients:
        return self.context.services.acting_as(self.variant.model.role_arn, self.waiting.request.scope)

    @property
    def _notices(self) -> Notices:
        return Notices(self._services, self.config.notification_config)

    def _input(self) -> tuple[bytes, str]:
        """The input and its content type, where it has one."""
        request = self.waiting.request
        if "InputLocation" not in request.members:
            return request.body, DEFAULT_CONTENT_TYPE
        began = time.monotonic()
        location = request.members["InputLocation"]
        try:
            uri = S3Uri.parse(location)
            found = self._services.client("s3", request.scope).get_object(Bucket=uri.bucket, Key=uri.key)
            if found["ContentLength"] > MAX_BYTES:
                raise _Failure(guessed(f"ClientError: The input {uri} is above 1 GB."), "RequestDownloadFailures")
            body, content_type = found["Body"].read(), str(found.get("ContentType") or DEFAULT_CONTENT_TYPE)
        except (*S3_ERRORS, ServiceError) as error:
            reason = guessed(f"ClientError: The input {location} could not be downloaded: {error}")
            raise _Failure(reason, "RequestDownloadFailures") from error
        self._measure(("RequestDownloadLatency", "Microseconds", (time.monotonic() - began) * 1e6))
        return body, content_type

    def _ask(self, instance: Instance, body: bytes, content_type: str) -> Reply:
        request, began = self.waiting.request, time.monotonic()
        call = Call(
            request.forwarded_headers(content_type), body, began + request.timeout_seconds, max_reply_bytes=MAX_BYTES
        )
        try:
            reply = instance.invoke(call)
        except ContainerFailure as failure:
            if isinstance(failure.cause, NotReached):
                raise NotTaken from failure
            raise self._model_failure(failure) from failure
        self._measure(("ModelLatency", "Microseconds", (time.monotonic() - began) * 1e6))
        return reply

    def _model_failure(self, failure: ContainerFailure) -> _Failure:
        cause = failure.cause
        reply = cause if isinstance(cause, Reply) else None
        status = reply.status if reply else 500
        kind = "client" if 400 <= status < 500 else "server"
        self._measure(
            ("Invocation4XXErrors", "None", kind == "client"), ("Invocation5XXErrors", "None", kind == "server")
        )
        if isinstance(cause, TimedOut):
            seconds = self.waiting.request.timeout_seconds
            reason = guessed(f"ClientError: The model did not answer within {seconds} s.")
        else:
            reason = (
                f"ClientError: Received {kind} error ({status}) from model. See the SageMaker Endpoint logs in your "
                "account for more information."
            )
        return _Failure(reason, "InvocationFailures", reply)

    def _write_output(self, reply: Reply) -> None:
        began = time.monotonic()
        try:
            self._put(self.waiting.places.output, reply.body, reply.headers.get("Content-Type", DEFAULT_CONTENT_TYPE))
        except S3_ERRORS as error:
            reason = guessed(f"ClientError: The result could not be uploaded: {error}")
            raise _Failure(reason, "ResponseUploadFailures") from error
        self._measure(("ResponseUploadLatency", "Microseconds", (time.monotonic() - began) * 1e6))

    def _fail(self, failure: _Failure, instance: Instance | None = None) -> None:
        request, places = self.waiting.request, self.waiting.places
        self._measure((failure.metric, "Count", 1))
        if instance:
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
            line = guessed(f"{now}:[sagemaker logs] [{request.inference_id}] {failure.reason}")
            self.context.logs.write(instance.log_stream.below("data-log"), line)
        if places.failure:
            body = failure.reply.body if failure.reply else failure.reason.encode()
            try:
                self._put(places.failure, body, "text/plain")
            except S3_ERRORS as error:
                LOG.warning("The failure of %s could not be written: %s", request.inference_id, error)
        told = self._notices.failed(request, places, failure.reason, failure.reply)
        self._measure(("NotificationFailures", "Count", not told))

    def _put(self, uri: S3Uri, body: bytes, content_type: str) -> None:
        scope = self.waiting.request.scope
        options = encryption(self._services, scope, self.config.kms_key_id)
        self._services.client("s3", scope).put_object(
            Bucket=uri.bucket, Key=uri.key, Body=body, ContentType=content_type, **options
        )

    def _measure(self, *names: tuple[str, str, float]) -> None:
        request = self.waiting.request
        self.context.metrics.put(
            AsyncMeasurement(time.time(), request.scope, request.endpoint_name, self.variant.name, names)
        )
