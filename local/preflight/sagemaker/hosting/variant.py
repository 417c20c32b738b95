"""Variant: a production variant at work, its instances and the requests they have."""

import contextlib
import functools
import random
import threading
from collections.abc import Iterator

from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.hosting.record import VariantRecord
from preflight.sagemaker.serving.instance import Instance, at_once
from preflight.sagemaker.serving.served_model import ServedModel, ServingError
from preflight.sagemaker.serving.serving_container import STOP_GRACE_SECONDS


class Variant:
    """As many instances of ``served`` as it is scaled to; ``record`` is what is known of it.

    A serverless variant runs as one instance that takes up to MaxConcurrency requests at a time; on AWS each of these
    has a container of its own.
    """

    def __init__(self, context: ServiceContext, record: VariantRecord, served: ServedModel) -> None:
        self.record = record
        self.name = record.name
        self.model = record.model
        self._context = context
        self._served = served
        self._instances: list[Instance] = []
        self._starting: list[Instance] = []
        self._concurrency = 0
        self._is_stopped = False
        self._changed = threading.Condition()  # guards the instances and their requests

    @property
    def count(self) -> int:
        """How many instances serve."""
        return len(self._instances)

    def fetch_data(self) -> None:
        """Fetch what instances need before any can start. Raises ServingError."""
        self._served.fetch_data(self._require_going)

    def scale(self, count: int) -> None:
        """Run ``count`` instances; those that go answer their requests first.

        Raises:
            ServingError: a new one did not become healthy; those that ran before still do.
        """
        if count > self.count:
            self._add(count - self.count)
        elif count < self.count:
            self._remove(self.count - count)

    def stop(self, grace_seconds: float = STOP_GRACE_SECONDS) -> None:
        """Stop every instance, also those that start; returns when all are gone."""
        with self._changed:
            self._is_stopped = True
            leaving = [*self._instances, *self._starting]
            self._set_instances([])
        at_once([functools.partial(instance.stop, grace_seconds) for instance in leaving])

    @contextlib.contextmanager
    def admission(self) -> Iterator[int]:
        """Around a request: how many there are at work with it, 0 if it may not come in.

        A serverless variant takes MaxConcurrency at a time; others do not count.
        """
        serverless = self.record.serverless
        if serverless is None:
            yield 1
            return
        with self._changed:
            is_admitted = self._concurrency < serverless.max_concurrency
            self._concurrency += is_admitted
            executions = self._concurrency if is_admitted else 0
        try:
            yield executions
        finally:
            with self._changed:
                self._concurrency -= is_admitted

    def has(self, instance: Instance) -> bool:
        with self._changed:
            return instance in self._instances

    @contextlib.contextmanager
    def lease(
        self, only: Instance | None = None, below: int | None = None, model: str = ""
    ) -> Iterator[Instance | None]:
        """A healthy instance, chosen as RoutingConfig says, for one request; None without any.

        ``only`` is the one instance it can be; with ``below`` it is one with fewer requests, and of those the fewest;
        with ``model`` it is one that has loaded that model of a multi-model container, if there is such.
        """
        instance = self._take(only, below, model)
        try:
            yield instance
        finally:
            if instance is not None:
                with self._changed:
                    instance.outstanding -= 1
                    self._changed.notify_all()

    def _take(self, only: Instance | None, below: int | None, model: str) -> Instance | None:
        with self._changed:
            healthy = [one for one in self._instances if one.is_healthy and only in (None, one)]
            if below is not None:
                healthy = [one for one in healthy if one.outstanding < below]
            if not healthy:
                return None
            if model:
                healthy = [one for one in healthy if one.has(model)] or healthy
            routing = self.record.request.routing_config
            is_routed = routing is not None and routing.routing_strategy == "LEAST_OUTSTANDING_REQUESTS"
            if is_routed or below is not None:
                fewest = min(one.outstanding for one in healthy)
                healthy = [one for one in healthy if one.outstanding == fewest]
            instance = random.choice(healthy)
            instance.outstanding += 1
        return instance

    def _require_going(self) -> None:
        if self._is_stopped:
            raise ServingError("The endpoint was deleted while it started.")

    def _set_instances(self, instances: list[Instance]) -> None:
        self._instances = instances
        self.record.count = len(instances)

    def _add(self, count: int) -> None:
        with self._changed:
            self._require_going()
            self._starting = [self._served.new_instance() for _ in range(count)]
        try:
            failed = next((name for name in at_once([one.start for one in self._starting]) if name), None)
        except BaseException:
            self._give_up_starting()
            raise
        if failed:
            self._give_up_starting()
            self._context.logs.flush()
            raise self._startup_failure(failed)
        with self._changed:
            started, self._starting = self._starting, []
            if not self._is_stopped:
                self._set_instances(self._instances + started)
                return
        at_once([functools.partial(instance.stop, 0) for instance in started])

    def _give_up_starting(self) -> None:
        with self._changed:
            given_up, self._starting = self._starting, []
        at_once([functools.partial(instance.stop, 0) for instance in given_up])

    def _remove(self, count: int) -> None:
        with self._changed:
            leaving = self._instances[-count:]
            self._set_instances(self._instances[:-count])
            self._changed.wait_for(
                lambda: not any(instance.outstanding for instance in leaving),
                self._context.settings.stream_timeout_seconds,
            )
        at_once([instance.stop for instance in leaving])

    def _startup_failure(self, container_name: str) -> ServingError:
        """Why an instance did not start whose container of that name did not."""
        if self.record.serverless:
            seconds = f"{self._served.place.startup_timeout_seconds:g}"
            return ServingError(
                f"Unable to successfully stand up your model within the allotted {seconds} second timeout. Please "
                f"ensure that downloading your model artifacts, starting your model container and passing the ping "
                f"health checks can be completed within {seconds} seconds."
            )
        return ServingError(
            f"The {container_name} container for production variant {self.name} did not pass the ping health check. "
            f"Please check CloudWatch logs for this endpoint."
        )
