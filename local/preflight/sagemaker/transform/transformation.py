"""Transformation: what one instance does with its objects, from S3 to S3.

One object after another is read, split and sent; up to MaxConcurrentTransforms mini-batches are with the model at the
same time, those of the next object beside the last ones of this. Their answers are stored in the order of the records.
An object with a mini-batch that fails has no result; the others have theirs.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.data.object_streams import read_object
from preflight.sagemaker.data.objects import InputObject
from preflight.sagemaker.jobs.job import JobFailure
from preflight.sagemaker.serving.instance import Call, ContainerFailure, Instance
from preflight.sagemaker.serving.reply import NoReply
from preflight.sagemaker.transform.assembling import Result
from preflight.sagemaker.transform.association import Association
from preflight.sagemaker.transform.batching import batches
from preflight.sagemaker.transform.data_log import DataLog
from preflight.sagemaker.transform.failures import OBJECT_ERRORS, failure_reason, is_worth_retrying
from preflight.sagemaker.transform.parameters import Parameters
from preflight.sagemaker.transform.record import TransformJobRecord

RETRY_SECONDS = 0.5
MAX_ANSWER_BYTES = 256 << 20  # AWS does not say; what is longer is no answer
USER_AGENT = "Go-http-client/1.1"  # AWS's own client's


@dataclass(frozen=True)
class _Step:
    """A mini-batch that is with the model; without one, the end of its object."""

    result: Result
    answer: Future[bytes] | None = None


class Transformation:
    def __init__(
        self,
        context: ServiceContext,
        services: Clients,
        job: TransformJobRecord,
        instance: Instance,
        association: Association | None,
        check: Callable[[], None],
    ) -> None:
        """``services`` act as the model's role.

        ``check`` is called again and again, and may raise to give up: what is unfinished then is not stored.
        """
        self._services = services
        self._job = job
        self._instance = instance
        self._association = association
        self._check = check
        self._log = DataLog(context.logs, instance.log_stream)
        self._steps: deque[_Step] = deque()
        self._open: list[Result] = []
        self.done: list[InputObject] = []
        self.errors: list[Exception] = []

    def run(self, objects: Iterable[InputObject]) -> None:
        """Transform ``objects``: those that have a result are ``done`` then, ``errors`` has why others have none."""
        parameters = Parameters.in_force(self._job.request, self._instance)
        self._log.begin(parameters)
        try:
            if self._is_streamed(parameters):
                for source in objects:
                    self._stream(source)
            else:
                with ThreadPoolExecutor(parameters.max_concurrent_transforms, "transform") as pool:
                    self._run(objects, parameters, pool)
        finally:
            for result in self._open:
                result.abandon()

    def _run(self, objects: Iterable[InputObject], parameters: Parameters, pool: ThreadPoolExecutor) -> None:
        try:
            for source in objects:
                result = self._begin(source)
                try:
                    for payload in self._payloads(source, parameters):
                        self._check()
                        self._make_room(parameters.max_concurrent_transforms)
                        if result.failed:
                            break
                        self._steps.append(_Step(result, pool.submit(self._transform, payload)))
                except OBJECT_ERRORS as error:
                    self._fail(result, error)
                self._steps.append(_Step(result))
            self._make_room(0)
        finally:
            for step in self._steps:
                if step.answer:
                    step.answer.cancel()

    def _payloads(self, source: InputObject, parameters: Parameters) -> Iterator[bytes]:
        split_type = self._job.request.transform_input.split_type
        return batches(self._read(source), split_type, parameters.batch_strategy, parameters.max_payload_bytes)

    def _read(self, source: InputObject) -> Iterator[bytes]:
        is_gzipped = self._job.request.transform_input.compression_type == "Gzip"
        return read_object(self._services, self._job.scope, source.uri, is_gzipped)

    def _make_room(self, limit: int) -> None:
        """Store the oldest answers, until at most ``limit`` mini-batches are with the model."""
        while self._steps and (
            self._steps[0].answer is None or sum(step.answer is not None for step in self._steps) > limit
        ):
            self._take(self._steps.popleft())

    def _take(self, step: _Step) -> None:
        """Store the answer to a mini-batch once it is there, or the whole result."""
        result = step.result
        if result.failed:
            return
        self._check()
        try:
            if step.answer is None:
                result.finish()
                self._open.remove(result)
                self.done.append(result.source)
            else:
                result.add(step.answer.result())
        except OBJECT_ERRORS as error:
            self._fail(result, error)

    def _begin(self, source: InputObject) -> Result:
        result = Result(self._services, self._job.scope, self._job.request.transform_output, source)
        self._open.append(result)
        return result

    def _fail(self, result: Result, error: Exception) -> None:
        self._check()  # of a job that is stopped, no object has failed
        if result.failed:
            return
        result.failed = True
        self.errors.append(error)
        self._log.failed(result.source.uri, error)
        self._open.remove(result)
        result.abandon()
        if not self._instance.is_healthy:  # its container has ended, and with it the job
            raise JobFailure(failure_reason(error))

    def _transform(self, payload: bytes) -> bytes:
        """What is stored of one mini-batch. Raises ContainerFailure, AssociationError."""
        if self._association is None:
            return self._ask(payload)
        return self._association.result(payload, self._ask(self._association.request_body(payload)))

    def _ask(self, body: bytes) -> bytes:
        """The model's answer; a request that fails is made again as often as the job allows."""
        retries = self._job.request.model_client_config.invocations_max_retries
        while True:
            try:
                return self._instance.invoke(self._call(body)).body
            except ContainerFailure as failure:
                if retries == 0 or not is_worth_retrying(failure) or not self._instance.is_healthy:
                    raise
            retries -= 1
            time.sleep(RETRY_SECONDS)

    def _call(self, body: bytes | Iterator[bytes]) -> Call:
        request = self._job.request
        headers = {
            "User-Agent": USER_AGENT,
            "Content-Type": request.transform_input.content_type,
            "Accept": request.transform_output.accept,
        }
        given = {name: value for name, value in headers.items() if value}
        deadline = time.monotonic() + request.model_client_config.invocations_timeout_in_seconds
        return Call(given, body, deadline, max_reply_bytes=MAX_ANSWER_BYTES)

    def _is_streamed(self, parameters: Parameters) -> bool:
        """Whether an object goes through whole, without being held: MaxPayloadInMB 0."""
        parts = parameters.batch_strategy == "SINGLE_RECORD" and self._job.request.transform_input.split_type != "None"
        return parameters.max_payload_bytes is None and not parts and self._association is None

    def _stream(self, source: InputObject) -> None:
        """Send an object as it is read, and store the answer as it comes; what is sent so is sent once."""
        self._check()
        result = self._begin(source)
        try:
            reply = self._instance.open(self._call(self._read(source)))
            try:
                for chunk in reply.chunks:
                    self._check()
                    result.extend(chunk)
            except NoReply as error:
                raise ContainerFailure("", error) from error
            finally:
                reply.chunks.close()
            result.end_answer()
        except OBJECT_ERRORS as error:
            self._fail(result, error)
        self._take(_Step(result))
