"""LiveEndpoint: a name that keeps answering while the fleet behind it comes, changes and goes.

States (EndpointStatus), as on AWS::

    Creating ─► InService ◄─► Updating          a failed update: InService on the old fleet, with FailureReason;
        │            │                          a failed change of capacity gets there by way of RollingBack
        └─► Failed ──┴─► Deleting ─► gone

One thread carries each change through; reads and invocations never wait for it.
"""

import functools
import logging
import random
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from preflight.sagemaker.api.errors import ValidationException
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.hosting.capacity import CapacityChange
from preflight.sagemaker.hosting.deployment import Deployment
from preflight.sagemaker.hosting.description import describe
from preflight.sagemaker.hosting.fleet import Fleet
from preflight.sagemaker.hosting.record import EndpointRecord, FleetRecord
from preflight.sagemaker.hosting.request import DeploymentConfig
from preflight.sagemaker.jobs.interrupted import INTERNAL_SERVER_ERROR
from preflight.sagemaker.resources.table import Table
from preflight.sagemaker.resources.tags import Tag
from preflight.sagemaker.serving.served_model import ServingError

LOG = logging.getLogger(__name__)

MAX_FAILURE_REASON_CHARACTERS = 1024

_SETTLED = ("InService", "Failed", "OutOfService", "UpdateRollbackFailed")
_ANSWERING = ("InService", "Updating", "RollingBack", "UpdateRollbackFailed")


class LiveEndpoint:
    """What works on one endpoint; ``record`` is what is known of it."""

    def __init__(
        self,
        context: ServiceContext,
        table: Table[EndpointRecord],
        record: EndpointRecord,
        on_end: Callable[["LiveEndpoint"], None],
    ) -> None:
        """``on_end`` is called when it is deleted and nothing of it runs any more."""
        self.record = record
        self.fleet: Fleet | None = None
        self._context, self._table = context, table
        self._lock = context.resources.lock
        self._on_end = on_end
        self._pending: Fleet | None = None  # the one that is to take over, ``_share`` of the traffic already
        self._share = 0.0
        self._leaving: Fleet | None = None
        self._is_resumed = threading.Event()
        self._is_resumed.set()
        self._is_asleep = False
        self._worker: threading.Thread | None = None

    def route(self, session_id: str | None) -> Fleet | None:
        """The fleet for one more request, or None if it does not answer. Call under the resources' lock."""
        if self.record.status not in _ANSWERING:
            return None
        if session_id is not None:
            is_new = self._pending is not None and self._pending.sessions.variant_of(session_id) is not None
            return self._pending if is_new else self.fleet
        if self._pending and random.random() < self._share:
            return self._pending
        return self.fleet

    def require_settled(self) -> None:
        """Raises ValidationException while a change is under way."""
        if self.record.status not in _SETTLED:
            raise ValidationException(f'Cannot update in-progress endpoint "{self.record.arn}".')

    def create(self, fleet: Fleet, config: DeploymentConfig, tags: Iterable[Tag]) -> None:
        """Enter the endpoint among the resources and start ``fleet``. Raises ValidationException, of its tags."""
        self._take_on(fleet, config)
        self._table.add(self.record, tags)
        self._start_deployment(fleet)

    def update(self, fleet: Fleet, config: DeploymentConfig) -> None:
        """Start ``fleet`` in the background and put it in the place of the one that serves."""
        self._wake()
        self._take_on(fleet, config)
        self._become("Updating" if self.fleet else "Creating")
        self._start_deployment(fleet)

    def change_capacity(self, change: CapacityChange) -> None:
        """Make the variants what ``change`` asks for; the weights at once, the instances in the background."""
        self._wake()
        change.begin()
        self._become("Updating")
        self._tell_deployment()
        self._work(lambda: self._change_capacity(change))

    def delete(self) -> None:
        """Stop its fleet in the background; then it is gone."""
        self._become("Deleting")
        for variant in self.fleet.variants if self.fleet else ():
            variant.record.set_status("Deleting", f"Terminating {variant.count} instance(s).")
        self._work(self._delete)

    def resume(self) -> None:
        """Go on after the stack was stopped: its instances are started anew, and requests wait for them."""
        record = self.record
        if record.status == "Deleting":
            self._work(self._delete)
        elif record.fleet:
            self.fleet = self._fleet_of(record.fleet)
            self._is_resumed.clear()
            self._work(functools.partial(self._start_again, self.fleet))
        elif record.pending:
            self._pending = self._fleet_of(record.pending)
            self._start_deployment(self._pending)

    def sleep(self) -> None:
        """Be as a file of somebody's describes it: its instances, which run what is theirs, start when it is used."""
        if self.record.fleet:
            self.fleet = self._fleet_of(self.record.fleet)
            self._is_resumed.clear()
            self._is_asleep = True

    def wait_until_resumed(self, timeout_seconds: float) -> None:
        """Return once its instances run again after the stack was stopped, or do not start."""
        self._wake()
        self._is_resumed.wait(timeout_seconds)

    def kill(self) -> None:
        """Stop its processes at once: the stack goes down."""
        for fleet in (self._pending, self.fleet, self._leaving):
            if fleet:
                fleet.stop(grace_seconds=0)

    def _wake(self) -> None:
        if not self._is_asleep:
            return
        with self._lock:
            if self._is_asleep and self.fleet:
                self._is_asleep = False
                self._work(functools.partial(self._start_again, self.fleet))

    def _take_on(self, fleet: Fleet, config: DeploymentConfig) -> None:
        self._pending, self._share = fleet, 0.0
        self.record.pending, self.record.deployment_config = fleet.record, config
        for variant in fleet.variants:
            variant.record.set_status("Creating", f"Launching {variant.record.desired_count} instance(s).")

    def _start_deployment(self, fleet: Fleet) -> None:
        deployment = Deployment(
            self._context,
            self.record.scope,
            self.record.deployment_config,
            self.fleet,
            fleet,
            self._shift,
            self._tell_deployment,
        )
        self._work(lambda: self._deploy(deployment, fleet))

    def _become(self, status: str, failure: str | None = None) -> None:
        """Every change of EndpointStatus comes by here."""
        with self._lock:
            self.record.status = status
            self.record.failure_reason = failure[:MAX_FAILURE_REASON_CHARACTERS] if failure else None
            self.record.last_modified = datetime.now(UTC)
            self._table.announce(self.record)

    def _work(self, task: Callable[[], None]) -> None:
        """Do ``task`` in a thread of its own, after the one before: that may still be ending an old fleet."""
        previous = self._worker

        def run() -> None:
            if previous:
                previous.join()
            task()

        self._worker = threading.Thread(target=run, name=f"endpoint-{self.record.name}", daemon=True)
        self._worker.start()

    def _shift(self, share: float) -> None:
        with self._lock:
            self._share = share
            self._tell_deployment()

    def _tell_deployment(self) -> None:
        with self._lock:
            record = self.record
            self._context.resources.announce(record.scope, "Endpoint Deployment", record.arn, describe(record))

    def _deploy(self, deployment: Deployment, fleet: Fleet) -> None:
        failure: str | None = None
        unsettled = "Failed"
        try:
            deployment.run()
        except Exception as error:
            failure = self._reason(error)
            unsettled = self._undo(deployment.roll_back)
        with self._lock:
            self._pending = self.record.pending = None
            if failure is None:
                self._leaving, self.fleet = self.fleet, fleet
                self.record.fleet, self.record.config_name = fleet.record, fleet.record.config.name
                for variant in fleet.variants:
                    variant.record.set_status(None)
            self._become("InService" if failure is None else unsettled, failure)
        if self._leaving:
            self._leaving.drain(self._context.settings.stream_timeout_seconds)
            self._leaving.stop()
            self._leaving = None

    def _fleet_of(self, record: FleetRecord) -> Fleet:
        return Fleet(self._context, self.record.scope, self.record.name, record)

    def _start_again(self, fleet: Fleet) -> None:
        """Back to the fleet that served; a change that was under way has failed."""
        record = self.record
        failure = record.failure_reason if record.status == "InService" else None
        if record.status not in _SETTLED:
            failure = INTERNAL_SERVER_ERROR
        status = "InService"
        try:
            fleet.start()
        except Exception as error:
            failure, status = self._reason(error), "Failed"
            fleet.stop()
        with self._lock:
            record.pending = None
            for variant in fleet.variants:
                variant.record.serverless = variant.record.desired_serverless
                variant.record.set_status(None)
            self.fleet = fleet if status == "InService" else None
            if (status, failure) != (record.status, record.failure_reason):
                self._become(status, failure)
        self._is_resumed.set()

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
            LOG.exception("Endpoint %s could not be rolled back.", self.record.name)
            return "UpdateRollbackFailed"
        return "InService" if self.fleet else "Failed"

    def _reason(self, error: Exception) -> str:
        """FailureReason for what ended a change."""
        if isinstance(error, ServingError):
            return str(error)
        LOG.error("Endpoint %s failed inside Preflight.", self.record.name, exc_info=error)
        return f"InternalServerError: {type(error).__name__}: {error}"

    def _delete(self) -> None:
        try:
            if self.fleet:
                self.fleet.drain(self._context.settings.stream_timeout_seconds)
                self.fleet.stop()
        finally:
            with self._lock:
                self._become("Deleted")  # not a state of the API's: only the event has it
                self._table.remove(self.record)
                self._on_end(self)
