"""TrainingJob: one run of a container's ``train``, from the S3 input to the S3 model.

One thread carries a job through its states (``training_status.py``); reads never wait for it.
"""

import contextlib
import logging
import threading
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from preflight.sagemaker.api.errors import ServiceError
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.jobs.status import Stopped, TrainingStatus
from preflight.sagemaker.jobs.time_limits import TimeLimits
from preflight.sagemaker.training.description import describe, metric_definitions
from preflight.sagemaker.training.metrics import MetricReader
from preflight.sagemaker.training.run import STOP_GRACE_SECONDS, TrainingFailure, TrainingRun
from preflight.sagemaker.training.warm_pool import WarmPool

LOG = logging.getLogger(__name__)

SLOT_POLL_SECONDS = 0.2


class TrainingJob:
    """One training job. ``request`` is CreateTrainingJob's, with what UpdateTrainingJob has changed."""

    def __init__(self, context: ServiceContext, scope: Scope, request: Mapping[str, Any]) -> None:
        self.name: str = request["TrainingJobName"]
        self.arn = scope.arn("training-job", self.name)
        self.scope = scope
        self.request = dict(request)
        self.status = TrainingStatus(context.stores.lock, on_change=self._announce)
        self.metrics = MetricReader(
            metric_definitions(request, scope.region),
            lambda metric, value: context.metrics.training_metric(scope, self.name, metric, value),
        )
        self.warm_pool = WarmPool(request, self.status)
        self._context = context
        self._limits = TimeLimits.of(request)
        # A name may be used again once its job is deleted; the folder is this job's only.
        unique = f"{self.name}-{uuid.uuid4().hex[:8]}"
        folder = context.folder(scope.account_id, scope.region, "training-jobs", unique)
        self._run = TrainingRun(context, scope, request, self.arn, folder)

    def start(self) -> None:
        self._announce()
        threading.Thread(target=self._work, name=f"training-{self.name}", daemon=True).start()

    def stop(self) -> None:
        """Ask the job to stop; what it has in its model folder by then is kept."""
        self.status.ask_to_stop()
        self._run.terminate(STOP_GRACE_SECONDS)

    def kill(self) -> None:
        """End its containers at once: the stack goes down."""
        self._run.terminate(0)

    def _announce(self) -> None:
        with self._context.stores.lock:
            self._context.events.write(self.scope, "Training Job", self.arn, describe(self))

    def _work(self) -> None:
        try:
            with self._slot():
                self._train()
        except Stopped as stopped:
            self.status.stop(str(stopped))
        except TrainingFailure as failure:
            self.status.fail(str(failure))
        except ServiceError as error:
            self.status.fail(f"ClientError: {error.message}")
        except Exception as error:
            LOG.exception("Training job %s failed inside Preflight.", self.name)
            self.status.fail(f"InternalServerError: {type(error).__name__}: {error}")
        finally:
            self._run.remove()

    @contextlib.contextmanager
    def _slot(self) -> Iterator[None]:
        """Wait for one of the few places to train, as a job on AWS waits for instances."""
        slots = self._context.training_slots
        self.status.proceed("Starting", "Launching requested ML instances")
        while not slots.acquire(timeout=SLOT_POLL_SECONDS):
            self.status.proceed("Pending", "Waiting for other training jobs to end")  # words guessed
            if exceeded := self._limits.exceeded_waiting(self._waited()):
                raise Stopped(exceeded)
        try:
            yield
        finally:
            slots.release()

    def _train(self) -> None:
        if self.status.secondary == "Starting":
            self.status.proceed("Starting", "Preparing the instances for training")
        self.status.proceed("Downloading", "Downloading input data")
        self._run.prepare(self.status.require_going)
        self.status.proceed("Downloading", "Downloading the training image")
        self.status.proceed("Training", "Training image download completed. Training in progress.")
        limit, exceeded = self._limits.for_running(self._waited())
        ended = self._run.train(limit, self.status.creation_time, self.metrics.read)
        failed = ended.code != 0 and not ended.out_of_time and not self.status.stop_asked
        self.status.upload()
        try:
            self._run.upload()  # of a failed job, too
        finally:
            if failed:
                raise TrainingFailure(self._run.failure_reason(ended))
        if ended.out_of_time and not self.status.stop_asked:
            self.status.stop(exceeded)
        else:
            self.status.complete()

    def _waited(self) -> float:
        return (datetime.now(UTC) - self.status.creation_time).total_seconds()
