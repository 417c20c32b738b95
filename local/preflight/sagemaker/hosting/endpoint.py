"""Endpoint: a name that keeps answering while the fleet behind it comes, changes and goes.

States (EndpointStatus), as on AWS::

    Creating ─► InService ◄─► Updating          a failed update: InService on the old fleet, with FailureReason;
        │            │                          a failed change of capacity gets there by way of RollingBack
        └─► Failed ──┴─► Deleting ─► gone

One thread carries each change through; reads and invocations never wait for it. The operations are in endpoints.py.
"""

import logging
import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from preflight.sagemaker.api.errors import ValidationException
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.hosting.capacity import CapacityChange
from preflight.sagemaker.hosting.deployed_model import HostingError
from preflight.sagemaker.hosting.deployment import Deployment
from preflight.sagemaker.hosting.deployment_config import DeploymentConfig
from preflight.sagemaker.hosting.fleet import Fleet
from preflight.sagemaker.hosting.variant import Variant

LOG = logging.getLogger(__name__)

MAX_FAILURE_REASON_CHARACTERS = 1024

_SETTLED = ("InService", "Failed", "OutOfService", "UpdateRollbackFailed")
_ANSWERING = ("InService", "Updating", "RollingBack", "UpdateRollbackFailed")


class Endpoint:
    """One endpoint; ``describe`` shows it as DescribeEndpoint does."""

    def __init__(self, context: ServiceContext, scope: Scope, name: str, config_name: str) -> None:
        self.name = name
        self.arn = scope.arn("endpoint", name)
        self.config_name = config_name
        self.status = "Creating"
        self.fleet: Fleet | None = None
        self.deployment_config = DeploymentConfig({})
        self._context, self._scope = context, scope
        self._pending: Fleet | None = None  # the one that is to take over, ``_share`` of the traffic already
        self._pending_since = datetime.now(UTC)
        self._share = 0.0
        self._leaving: Fleet | None = None
        self._worker: threading.Thread | None = None
        self._failure_reason: str | None = None
        self.creation_time = self._last_modified = datetime.now(UTC)

    def describe(self) -> dict[str, Any]:
        with self._context.stores.lock:
            description = {
                "EndpointName": self.name,
                "EndpointArn": self.arn,
                "EndpointConfigName": self.config_name,
                "EndpointStatus": self.status,
                "ProductionVariants": [variant.summary() for variant in self.fleet.variants] if self.fleet else None,
                "FailureReason": self._failure_reason,
                "CreationTime": self.creation_time,
                "LastModifiedTime": self._last_modified,
                "LastDeploymentConfig": self.deployment_config.request or None,
                "PendingDeploymentSummary": self._pending_summary(self._pending) if self._pending else None,
                **(self.fleet.config.endpoint_members() if self.fleet else {}),
            }
        return {key: value for key, value in description.items() if value is not None}

    def _pending_summary(self, pending: Fleet) -> dict[str, Any]:
        return {
            "EndpointConfigName": pending.config.name,
            "ProductionVariants": [variant.pending_summary() for variant in pending.variants],
            "StartTime": self._pending_since,
        }

    def summary(self) -> dict[str, Any]:
        with self._context.stores.lock:
            return {
                "EndpointName": self.name,
                "EndpointArn": self.arn,
                "CreationTime": self.creation_time,
                "LastModifiedTime": self._last_modified,
                "EndpointStatus": self.status,
            }

    @property
    def variants(self) -> list[Variant]:
        """All that run or are about to, of every fleet."""
        return [variant for fleet in (self.fleet, self._pending) if fleet for variant in fleet.variants]

    def route(self, session_id: str | None) -> Fleet | None:
        """The fleet for one more request, or None if it does not answer. Call under the stores' lock."""
        if self.status not in _ANSWERING:
            return None
        if session_id is not None:
            is_new = self._pending is not None and self._pending.sessions.variant_of(session_id) is not None
            return self._pending if is_new else self.fleet
        if self._pending and random.random() < self._share:
            return self._pending
        return self.fleet

    def require_settled(self) -> None:
        """Raises ValidationException while a change is under way."""
        if self.status not in _SETTLED:
            raise ValidationException(f'Cannot update in-progress endpoint "{self.arn}".')

    def deploy(self, fleet: Fleet, config: DeploymentConfig) -> None:
        """Start ``fleet`` in the background and put it in the place of the one that serves."""
        self._pending, self._pending_since, self._share = fleet, datetime.now(UTC), 0.0
        self.deployment_config = config
        fleet.begin_creation()
        self._become("Updating" if self.fleet else "Creating")
        deployment = Deployment(
            self._context, self._scope, config, self.fleet, fleet, self._shift, self._tell_deployment
        )
        self._work(lambda: self._deploy(deployment, fleet))

    def change_capacity(self, change: CapacityChange) -> None:
        """Make the variants what ``change`` asks for; the weights at once, the instances in the background."""
        change.begin()
        self._become("Updating")
        self._tell_deployment()
        self._work(lambda: self._change_capacity(change))

    def delete(self) -> None:
        """Stop its fleet in the background; then it is gone."""
        self._become("Deleting")
        if self.fleet:
            self.fleet.begin_deletion()
        self._work(self._delete)

    def kill(self) -> None:
        """Stop its processes at once: the stack goes down."""
        for fleet in (self._pending, self.fleet, self._leaving):
            if fleet:
                fleet.stop(grace_seconds=0)

    def _become(self, status: str, failure: str | None = None) -> None:
        """Every change of EndpointStatus comes by here."""
        with self._context.stores.lock:
            self.status = status
            self._failure_reason = failure[:MAX_FAILURE_REASON_CHARACTERS] if failure else None
            self._last_modified = datetime.now(UTC)
            self._context.events.write(self._scope, "Endpoint", self.arn, self.describe())

    def _work(self, task: Callable[[], None]) -> None:
        """Do ``task`` in a thread of its own, after the one before: that may still be ending an old fleet."""
        previous = self._worker

        def run() -> None:
            if previous:
                previous.join()
            task()

        self._worker = threading.Thread(target=run, name=f"endpoint-{self.name}", daemon=True)
        self._worker.start()

    def _shift(self, share: float) -> None:
        with self._context.stores.lock:
            self._share = share
            self._tell_deployment()

    def _tell_deployment(self) -> None:
        with self._context.stores.lock:
            self._context.events.write(self._scope, "Endpoint Deployment", self.arn, self.describe())

    def _deploy(self, deployment: Deployment, fleet: Fleet) -> None:
        failure: str | None = None
        unsettled = "Failed"
        try:
            deployment.run()
        except Exception as error:
            failure = self._reason(error)
            unsettled = self._undo(deployment.roll_back)
        with self._context.stores.lock:
            self._pending = None
            if failure is None:
                self._leaving, self.fleet, self.config_name = self.fleet, fleet, fleet.config.name
                fleet.settle()
            self._become("InService" if failure is None else unsettled, failure)
        if self._leaving:
            self._leaving.drain(self._context.settings.stream_timeout_seconds)
            self._leaving.stop()
            self._leaving = None

    def _change_capacity(self, change: CapacityChange) -> None:
        try:
            change.run()
        except Exception as error:
            failure = self._reason(error)
            self._become("RollingBack", failure)
            self._become(self._undo(change.roll_back), failure)
        else:
            self._become("InService")

    def _undo(self, roll_back: Callable[[], None]) -> str:
        """The status that a failed change leaves."""
        try:
            roll_back()
        except Exception:
            LOG.exception("Endpoint %s could not be rolled back.", self.name)
            return "UpdateRollbackFailed"
        return "InService" if self.fleet else "Failed"

    def _reason(self, error: Exception) -> str:
        """FailureReason for what ended a change."""
        if isinstance(error, HostingError):
            return str(error)
        LOG.error("Endpoint %s failed inside Preflight.", self.name, exc_info=error)
        return f"InternalServerError: {type(error).__name__}: {error}"

    def _delete(self) -> None:
        try:
            if self.fleet:
                self.fleet.drain(self._context.settings.stream_timeout_seconds)
                self.fleet.stop()
        finally:
            with self._context.stores.lock:
                self._become("Deleted")  # not a state of the API's: only the event has it
                store = self._context.stores[self._scope]
                store.endpoints.pop(self.name, None)
                store.tags.pop(self.arn, None)
