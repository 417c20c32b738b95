"""ExecutionWork: runs the steps of an execution, each as soon as those that it waits for have succeeded.

https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-overview.html
"""

import queue
from collections.abc import Callable
from functools import partial

from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.jobs.job import JobFailure
from preflight.sagemaker.jobs.job_status import JobStatus, Stopped
from preflight.sagemaker.jobs.record import JobRecord
from preflight.sagemaker.pipelines.graph import AnyStep, Graph, Node
from preflight.sagemaker.pipelines.record import ExecutionRecord
from preflight.sagemaker.pipelines.step_run import StepRun

DEFAULT_PARALLEL_STEPS = 50
FAILURE = "Step failure: One or multiple steps failed."

MakeRun = Callable[[AnyStep, Callable[[], None]], StepRun]


class ExecutionWork:
    """``make_run`` makes what runs one step, and is told whom to call at its end."""

    def __init__(self, context: ServiceContext, execution: ExecutionRecord, graph: Graph, make_run: MakeRun) -> None:
        self._lock = context.resources.lock
        self._execution = execution
        self._graph = graph
        self._make_run = make_run
        self._runs: dict[str, StepRun] = {}
        self._ended: queue.SimpleQueue[str] = queue.SimpleQueue()  # names of steps; empty: to look again
        self._is_over = False

    def run(self, record: JobRecord, status: JobStatus) -> None:
        """After a failure the steps that run are seen to their end, and no other is started."""
        while True:
            with self._lock:
                if not status.stop_asked and not self._has_failed():
                    self._start_ready()
                if not self._runs:
                    break
            name = self._ended.get()
            if self._is_over:
                raise Stopped("Stopped")
            if name:
                with self._lock:
                    del self._runs[name]
        if not status.stop_asked and self._has_failed():
            raise JobFailure(FAILURE)

    def look_again(self) -> None:
        """Start what may be started now: more steps may run at the same time."""
        self._ended.put("")

    def terminate(self, grace_seconds: float) -> None:
        with self._lock:
            runs = list(self._runs.values())
            self._is_over = grace_seconds == 0
        if self._is_over:  # the jobs of the steps are ended by whoever ends all
            self.look_again()
        for run in runs:
            run.stop(is_over=self._is_over)

    def remove(self) -> None:
        """Steps leave nothing here; their jobs see to themselves."""

    def _start_ready(self) -> None:
        most = self._execution.max_parallel or DEFAULT_PARALLEL_STEPS
        for name, node in self._graph.nodes.items():
            if len(self._runs) >= most:
                return
            if name not in self._execution.steps and self._is_wanted(name) and self._is_ready(node):
                self._runs[name] = run = self._make_run(node.step, partial(self._ended.put, name))
                run.start()

    def _is_wanted(self, name: str) -> bool:
        return self._execution.selected is None or name in self._execution.selected

    def _is_ready(self, node: Node) -> bool:
        steps = self._execution.steps
        if not all(parent in steps and steps[parent].has_succeeded for parent in node.parents):
            return False
        branch = node.branch
        return branch is None or steps[branch.condition].properties["Outcome"] == str(branch.outcome)

    def _has_failed(self) -> bool:
        return any(step.status in ("Failed", "Stopped") for step in self._execution.steps.values())
