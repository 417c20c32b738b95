"""StepRun: one step of an execution, from its start over its retries to its end, in a thread of its own."""

import json
import logging
import random
import string
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from preflight.sagemaker.api.errors import ServiceError, guessed
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.jobs.job_status import Stopped
from preflight.sagemaker.jobs.record import FAILURE_REASON_CHARACTERS
from preflight.sagemaker.jobs.running import RunningJobs
from preflight.sagemaker.pipelines.caching import StepCache, cache_key
from preflight.sagemaker.pipelines.callbacks import Callbacks
from preflight.sagemaker.pipelines.calls import RoleCalls
from preflight.sagemaker.pipelines.definition import (
    CallbackStep,
    ConditionStep,
    FailStep,
    JobStep,
    LambdaStep,
    ProcessingStep,
    RetriedStep,
)
from preflight.sagemaker.pipelines.expressions import Unresolved, resolve
from preflight.sagemaker.pipelines.facts import ExecutionFacts
from preflight.sagemaker.pipelines.graph import AnyStep, Graph
from preflight.sagemaker.pipelines.news import PipelineNews
from preflight.sagemaker.pipelines.record import ExecutionRecord, StepRecord
from preflight.sagemaker.pipelines.retries import policy_for
from preflight.sagemaker.pipelines.steps.callback_step import CallbackWait
from preflight.sagemaker.pipelines.steps.decisions import Decision, Refuser
from preflight.sagemaker.pipelines.steps.lambda_step import FunctionCall
from preflight.sagemaker.pipelines.steps.request_step import RequestStep, no_retry
from preflight.sagemaker.pipelines.steps.requests import REQUESTS
from preflight.sagemaker.pipelines.steps.work import Attempt, StepFailure, StepStopped, StepWork

LOG = logging.getLogger(__name__)

_NAME_CHARACTERS = 20  # of a step's name, in the name of what it makes
_SHORT_NAME_CHARACTERS = 8
_SUFFIX_CHARACTERS = 10


class StepRun:
    """``on_end`` is called last, when nothing of the step runs any more."""

    def __init__(
        self,
        context: ServiceContext,
        running: RunningJobs,
        callbacks: Callbacks,
        cache: StepCache,
        calls: RoleCalls,
        graph: Graph,
        execution: ExecutionRecord,
        step: AnyStep,
        on_end: Callable[[], None],
    ) -> None:
        self._lock = context.resources.lock
        self._news = PipelineNews(context)
        self._callback_seconds = context.settings.callback_step_seconds
        self._running = running
        self._callbacks = callbacks
        self._cache = cache
        self._calls = calls
        self._graph = graph
        self._execution = execution
        self._step = step
        self._on_end = on_end
        self._stop_asked = threading.Event()
        self._work: StepWork | None = None
        self._record = StepRecord(
            name=step.name, type=step.type, display_name=step.display_name, description=step.description
        )
        self._thread = threading.Thread(target=self._live, name=f"step {step.name}", daemon=True)

    def start(self) -> None:
        """Call under the resources' lock."""
        self._execution.steps[self._step.name] = self._record
        self._news.of_step(self._execution, self._record, None)
        self._thread.start()

    def stop(self, *, is_over: bool) -> None:
        """Ask it to stop; returns at once. ``is_over``: the stack goes down."""
        with self._lock:
            self._stop_asked.set()
            if self._record.end_time is None:
                self._enter("Stopping")
            work = self._work
        if work:
            work.stop(is_over=is_over)

    def _live(self) -> None:
        try:
            self._end("Succeeded", properties=self._try_until_done())
        except (StepStopped, Stopped):
            self._end("Stopped")
        except StepFailure as failure:
            self._end("Failed", str(failure))
        except Unresolved as error:
            self._end("Failed", f"ClientError: {error}")
        except (ServiceError, ClientError) as error:
            self._end("Failed", guessed(f"ClientError: {error}"))
        except Exception as error:
            LOG.exception("The step %s of %s failed inside Preflight.", self._step.name, self._execution.arn)
            self._end("Failed", f"InternalServerError: {type(error).__name__}: {error}")
        finally:
            self._on_end()

    def _try_until_done(self) -> dict[str, Any]:
        policies = self._step.retry_policies if isinstance(self._step, RetriedStep) else []
        started = time.monotonic()
        while True:
            try:
                return self._try()
            except StepFailure as failure:
                policy = policy_for(policies, failure.exception_type)
                if policy is None and failure.exception_type:
                    raise StepFailure(
                        no_retry(str(failure), self._execution.arn, self._step.name, failure.exception_type)
                    ) from failure
                taken = time.monotonic() - started
                pause = policy.pause_seconds(self._record.attempts - 1, taken) if policy else None
                if pause is None:
                    raise
                if self._stop_asked.wait(pause):
                    raise StepStopped from None

    def _try(self) -> dict[str, Any]:
        name = _made_name(self._execution.name, self._step)
        facts = ExecutionFacts(self._execution, self._graph, self._calls.services, name)
        if found := self._cached(facts):
            return found.properties
        work = _work_of(
            self._step,
            Attempt(
                name,
                self._execution.arn,
                experiment.members() if (experiment := self._execution.experiment) else None,
                facts,
                self._calls,
                self._running,
                self._callbacks,
                self._stop_asked,
                self._callback_seconds,
                self._show,
            ),
        )
        with self._lock:
            if self._stop_asked.is_set():
                raise StepStopped
            self._record.attempts += 1
            self._enter("Executing")
            self._work = work
        return work.run()

    def _cached(self, facts: ExecutionFacts) -> StepRecord | None:
        """The step whose result it takes over, if it may, and there is one."""
        step = self._step
        if not isinstance(step, JobStep | ProcessingStep) or not (step.cache_config and step.cache_config.enabled):
            return None
        key = cache_key(step.type, resolve(step.arguments, facts))
        with self._lock:
            self._record.cache_key = key
            hit = self._cache.find(step.name, key, step.cache_config.expire_after)
            if hit is None:
                return None
            self._record.cached_from, found = hit
            self._record.metadata = found.metadata
        return found

    def _enter(self, status: str) -> None:
        """Call under the lock."""
        previous, self._record.status = self._record.status, status
        if status != previous:
            self._news.of_step(self._execution, self._record, previous)

    def _show(self, metadata: dict[str, Any]) -> None:
        with self._lock:
            self._record.metadata = metadata

    def _end(self, status: str, reason: str | None = None, properties: dict[str, Any] | None = None) -> None:
        plain = json.loads(json.dumps(properties or {}, default=_plain))
        with self._lock:
            self._record.properties = plain
            self._record.failure_reason = reason and reason[:FAILURE_REASON_CHARACTERS]
            self._record.end_time = datetime.now(UTC)
            self._enter(status)


def _work_of(step: AnyStep, attempt: Attempt) -> StepWork:
    match step:
        case ConditionStep():
            return Decision(step, attempt)
        case FailStep():
            return Refuser(step, attempt)
        case LambdaStep():
            return FunctionCall(step, attempt)
        case CallbackStep():
            return CallbackWait(step, attempt)
    return RequestStep(step, REQUESTS[step.type], attempt)


def _made_name(execution_id: str, step: AnyStep) -> str:
    """``pipelines-<execution>-<step>-<suffix>``, as AWS names what a step makes; shorter for a tuning job."""
    suffix = "".join(random.choices(string.ascii_letters + string.digits, k=_SUFFIX_CHARACTERS))
    part = step.name.replace("_", "-")
    if step.type == "Tuning":
        return f"{execution_id}-{part[:_SHORT_NAME_CHARACTERS]}-{suffix}"
    return f"pipelines-{execution_id}-{part[:_NAME_CHARACTERS]}-{suffix}"


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
