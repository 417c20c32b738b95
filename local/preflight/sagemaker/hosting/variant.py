"""Variant: a production variant as it runs, its instances and its share of the traffic."""

import functools
import random
import threading
from datetime import UTC, datetime
from typing import Any

from preflight.sagemaker.hosting.deployed_model import DeployedModel, HostingError
from preflight.sagemaker.serving.instance import Instance, at_once
from preflight.sagemaker.serving.serving_container import STOP_GRACE_SECONDS


class Variant:
    """``count`` instances of ``model``, as ``config`` asks for them.

    A serverless variant runs as one instance that takes up to MaxConcurrency requests at a time; on AWS each of these
    has a container of its own.
    """

    def __init__(self, deployed: DeployedModel) -> None:
        self._deployed = deployed
        self.config = config = deployed.config
        self.model = deployed.model
        self.name: str = config["VariantName"]
        self.serverless: dict[str, int] | None = config.get("ServerlessConfig")
        self.desired_serverless = self.serverless
        self.weight = self.desired_weight = float(config["InitialVariantWeight"])
        self.desired_count: int = config.get("InitialInstanceCount", 1)
        self._status: dict[str, Any] | None = None  # VariantStatus: what is being done to it, and since when
        self._resolution_time = datetime.now(UTC)
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
        """Fetch what instances need before any can start. Raises HostingError."""
        self._deployed.fetch_data(self._require_going)

    def _require_going(self) -> None:
        if self._is_stopped:
            raise HostingError("The endpoint was deleted while it started.")

    def scale(self, count: int) -> None:
        """Run ``count`` instances; those that go answer their requests first.

        Raises:
            HostingError: a new one did not become healthy; those that ran before still do.
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
            self._instances = []
        at_once([functools.partial(instance.stop, grace_seconds) for instance in leaving])

    def admit(self) -> bool:
        """Take a request in, to be let go with ``dismiss``; False if a serverless variant has all it can take."""
        if self.serverless is None:
            return True
        with self._changed:
            if self._concurrency >= self.serverless["MaxConcurrency"]:
                return False
            self._concurrency += 1
            return True

    def dismiss(self) -> None:
        if self.serverless is not None:
            with self._changed:
                self._concurrency -= 1

    def has(self, instance: Instance) -> bool:
        with self._changed:
            return instance in self._instances

    def begin_request(self, only: Instance | None = None) -> Instance | None:
        """A healthy instance, chosen as RoutingConfig says, to be given back with ``end_request``; None without any.

        ``only`` is the one instance it can be.
        """
        with self._changed:
            healthy = [one for one in self._instances if one.is_healthy and only in (None, one)]
            if not healthy:
                return None
            instance = random.choice(healthy)
            if self.config.get("RoutingConfig", {}).get("RoutingStrategy") == "LEAST_OUTSTANDING_REQUESTS":
                fewest = min(one.outstanding for one in healthy)
                instance = random.choice([one for one in healthy if one.outstanding == fewest])
            instance.outstanding += 1
        return instance

    def end_request(self, instance: Instance) -> None:
        with self._changed:
            instance.outstanding -= 1
            self._changed.notify_all()

    def set_status(self, status: str | None, message: str = "") -> None:
        """``Creating``, ``Updating``, ``ActivatingTraffic``, ``Baking`` or ``Deleting``; None when nothing changes.

        The messages speak of instances: a serverless variant has none.
        https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html has AWS's words.
        """
        said = {"StatusMessage": message} if message and self.serverless is None else {}
        self._status = {"Status": status, "StartTime": datetime.now(UTC), **said} if status else None

    def summary(self) -> dict[str, Any]:
        """As DescribeEndpoint shows it."""
        summary: dict[str, Any] = {
            "VariantName": self.name,
            "DeployedImages": [
                {"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": self._resolution_time}
                for image in self._deployed.images
            ],
            "CurrentWeight": self.weight,
            "DesiredWeight": self.desired_weight,
        }
        if self.serverless is None:
            summary |= {"CurrentInstanceCount": self.count, "DesiredInstanceCount": self.desired_count}
        else:
            summary |= {"CurrentInstanceCount": 0, "CurrentServerlessConfig": self.serverless}
        if self.desired_serverless != self.serverless:
            summary["DesiredServerlessConfig"] = self.desired_serverless
        if self._status:
            summary["VariantStatus"] = [self._status]
        return summary | {key: self.config[key] for key in ("RoutingConfig",) if key in self.config}

    def pending_summary(self) -> dict[str, Any]:
        """As DescribeEndpoint shows it while it is deployed."""
        return self.summary() | {key: self.config[key] for key in ("InstanceType",) if key in self.config}

    def _add(self, count: int) -> None:
        with self._changed:
            self._require_going()
            self._starting = [self._deployed.new_instance() for _ in range(count)]
        try:
            failed = next((name for name in at_once([one.start for one in self._starting]) if name), None)
        except BaseException:
            self._give_up_starting()
            raise
        if failed:
            self._give_up_starting()
            self._deployed.context.logs.flush()
            raise self._deployed.startup_failure(failed)
        with self._changed:
            started, self._starting = self._starting, []
            if not self._is_stopped:
                self._instances += started
                return
        at_once([functools.partial(instance.stop, 0) for instance in started])

    def _give_up_starting(self) -> None:
        with self._changed:
            given_up, self._starting = self._starting, []
        at_once([functools.partial(instance.stop, 0) for instance in given_up])

    def _remove(self, count: int) -> None:
        with self._changed:
            leaving, self._instances = self._instances[-count:], self._instances[:-count]
            self._changed.wait_for(
                lambda: not any(instance.outstanding for instance in leaving),
                self._deployed.context.settings.stream_timeout_seconds,
            )
        at_once([instance.stop for instance in leaving])
