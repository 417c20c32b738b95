"""InvokeEndpointAsync: a request is taken into its endpoint's queue; its result comes to S3.

Pages: InvokeEndpointAsync in the SageMaker Runtime API reference; "Asynchronous inference" in the developer guide.
"""

import contextlib
import json
import threading
import time
import uuid
from collections.abc import Mapping
from functools import partial

from preflight.sagemaker.api.answer import Answer
from preflight.sagemaker.api.errors import guessed
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.hosting.async_config import DEFAULT_CONCURRENCY, Places
from preflight.sagemaker.hosting.async_metrics import BacklogMeasurement
from preflight.sagemaker.hosting.async_notices import Notices
from preflight.sagemaker.hosting.async_queue import ROOM_POLL_SECONDS, AsyncQueue, Waiting
from preflight.sagemaker.hosting.async_record import ASYNC_REQUEST, AsyncRecord
from preflight.sagemaker.hosting.async_request import AsyncRequest
from preflight.sagemaker.hosting.async_work import AsyncWork, NotTaken
from preflight.sagemaker.hosting.dispatch import Dispatcher, NoEndpoint
from preflight.sagemaker.hosting.endpoint_operations import Endpoints
from preflight.sagemaker.hosting.fleet import Fleet
from preflight.sagemaker.hosting.request import AsyncInferenceConfig
from preflight.sagemaker.hosting.runtime_errors import RuntimeServiceError, endpoint_not_found, validation_error
from preflight.sagemaker.hosting.variant import Variant
from preflight.sagemaker.resources.table import Change, Table
from preflight.sagemaker.serving.instance import Instance


class AsyncInvocations:
    """The queues of all asynchronous endpoints, each made with its first request and gone with its endpoint."""

    def __init__(self, context: ServiceContext, endpoints: Endpoints) -> None:
        self._context, self._endpoints = context, endpoints
        self._dispatcher = Dispatcher(context, endpoints)
        self._lock = context.resources.lock
        self._queues: dict[str, AsyncQueue] = {}  # by the endpoint's ARN
        self._kept: Table[AsyncRecord] = Table(context.resources, ASYNC_REQUEST)  # all that have no result yet
        self._is_over = False
        context.resources.observe(self._follow)

    def invoke(self, scope: Scope, endpoint_name: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer one InvokeEndpointAsync. What is wrong with the input shows when its turn comes."""
        try:
            request = AsyncRequest.read(scope, endpoint_name, headers, body)
            waiting = self._enqueue(request)
        except RuntimeServiceError as error:
            answer = error.answer()
        else:
            located = {"X-Amzn-SageMaker-OutputLocation": str(waiting.places.output)}
            if waiting.places.failure:
                located["X-Amzn-SageMaker-FailureLocation"] = str(waiting.places.failure)
            text = json.dumps({"InferenceId": request.inference_id}).encode()
            answer = Answer(202, text, {"Content-Type": "application/json", **located})
        answer.headers["x-amzn-RequestId"] = str(uuid.uuid4())
        return answer

    def resume(self) -> None:
        """Go on with what waited, or was asked, when the stack ended."""
        with self._lock:
            for record in sorted(self._kept, key=lambda record: record.creation_time):
                endpoint = self._endpoints.find(record.scope, record.endpoint_name)
                if endpoint is None:
                    self._kept.remove(record)
                    continue
                waiting, arn = record.waiting(), endpoint.record.arn
                (self._queues.get(arn) or self._new_queue(waiting.request, arn)).put(waiting)

    def close(self) -> None:
        """Nothing more is begun, and nothing written: the stack goes down."""
        self._is_over = True
        with self._lock:
            for queue in self._queues.values():
                queue.close()

    def _enqueue(self, request: AsyncRequest) -> Waiting:
        with self._lock:
            endpoint = self._endpoints.find(request.scope, request.endpoint_name)
            fleet = endpoint.route(None) if endpoint else None
            if endpoint is None or fleet is None:
                raise endpoint_not_found(request.scope, request.endpoint_name)
            config = fleet.record.config.request.async_inference_config
            if config is None:
                raise validation_error(
                    guessed(f"Endpoint {request.endpoint_name} is not an asynchronous endpoint: it has no queue.")
                )
            queue = self._queues.get(endpoint.record.arn) or self._new_queue(request, endpoint.record.arn)
            waiting = Waiting(request, Places.of(config.output_config, request))
            self._kept.add(AsyncRecord.of(waiting, self._kept.arn(request.scope, waiting.id)))
        queue.put(waiting)
        return waiting

    def _new_queue(self, request: AsyncRequest, arn: str) -> AsyncQueue:
        scope, name = request.scope, request.endpoint_name
        queue = self._queues[arn] = AsyncQueue(
            name,
            lambda waiting: self._begin(queue, waiting),
            self._expire,
            partial(self._measure, scope, name),
            self._context.settings.scaling_minute_seconds,  # AWS writes these metrics each minute
        )
        return queue

    def _begin(self, queue: AsyncQueue, waiting: Waiting) -> bool:
        """Start the work on a request in a thread of its own, if an instance has room for it."""
        with contextlib.ExitStack() as held:
            try:
                fleet = held.enter_context(
                    self._dispatcher.fleet(waiting.request.scope, waiting.request.endpoint_name, None)
                )
            except NoEndpoint:
                return False
            config = fleet.record.config.request.async_inference_config
            variant = fleet.choose_variant()
            if config is None or variant is None:
                return False
            instance = held.enter_context(variant.lease(below=_concurrency(config)))
            if instance is None:
                return False
            work = self._new_work(config, variant, waiting)
            task = partial(self._work, queue, work, instance, held.pop_all())
        threading.Thread(target=task, name=f"async {waiting.request.inference_id}", daemon=True).start()
        return True

    def _work(self, queue: AsyncQueue, work: AsyncWork, instance: Instance, held: contextlib.ExitStack) -> None:
        try:
            with held:
                work.run(instance)
        except NotTaken:
            time.sleep(ROOM_POLL_SECONDS)  # until it is noticed that the instance is gone
            queue.put_back(work.waiting)
        else:
            self._forget(work.waiting)
            queue.done()

    def _forget(self, waiting: Waiting) -> None:
        """It has its result or its failure, or its endpoint is gone; not if the stack ended meanwhile."""
        with self._lock:
            record = self._kept.find(waiting.request.scope, waiting.id)
            if record and not self._is_over:
                self._kept.remove(record)

    def _expire(self, waiting: Waiting) -> None:
        request = waiting.request
        with (
            contextlib.suppress(NoEndpoint),
            self._dispatcher.fleet(request.scope, request.endpoint_name, None) as fleet,
        ):
            if config := fleet.record.config.request.async_inference_config:
                self._new_work(config, _any_variant(fleet), waiting).expire()
        self._forget(waiting)

    def _new_work(self, config: AsyncInferenceConfig, variant: Variant, waiting: Waiting) -> AsyncWork:
        return AsyncWork(self._context, config.output_config, variant, waiting, lambda: self._is_over)

    def _measure(self, scope: Scope, endpoint_name: str, size: int, oldest_seconds: float) -> None:
        with self._lock:
            endpoint = self._endpoints.find(scope, endpoint_name)
            fleet = endpoint.record.fleet if endpoint else None
        if fleet:
            count = sum(variant.count for variant in fleet.variants)
            self._context.metrics.put(
                BacklogMeasurement(time.time(), scope, endpoint_name, size, oldest_seconds, count)
            )

    def _follow(self, change: Change) -> None:
        """Close the queue of an endpoint that goes, and try the topics of one that comes or changes."""
        if change.kind != "Endpoint":
            return
        status = change.description["EndpointStatus"]
        if status == "Deleting" and (queue := self._queues.pop(change.arn, None)):
            queue.close()
            for record in self._kept.of(change.scope):
                if record.endpoint_name == change.description["EndpointName"]:
                    self._kept.remove(record)
        if status in ("Creating", "Updating"):
            name = change.description["EndpointName"]
            threading.Thread(target=self._try_topics, args=(change.scope, name), daemon=True).start()

    def _try_topics(self, scope: Scope, endpoint_name: str) -> None:
        with self._lock:
            endpoint = self._endpoints.find(scope, endpoint_name)
            fleet = endpoint and (endpoint.record.pending or endpoint.record.fleet)
        config = fleet and fleet.config.request.async_inference_config
        if fleet and config:
            services = self._context.services.acting_as(fleet.variants[0].model.role_arn, scope)
            Notices(services, config.output_config.notification_config).test(scope)


def _concurrency(config: AsyncInferenceConfig) -> int:
    return config.client_config.max_concurrent_invocations_per_instance or DEFAULT_CONCURRENCY


def _any_variant(fleet: Fleet) -> Variant:
    return fleet.choose_variant() or fleet.variants[0]
