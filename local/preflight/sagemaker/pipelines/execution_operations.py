"""The operations on PipelineExecution."""

import random
import string
import weakref
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from preflight.sagemaker.api.errors import ResourceNotFound, ValidationException, guessed
from preflight.sagemaker.api.listing import PageRequest
from preflight.sagemaker.api.operation import Answer, operation
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.jobs.running import RunningJobs
from preflight.sagemaker.jobs.time_limits import TimeLimits
from preflight.sagemaker.pipelines.caching import StepCache
from preflight.sagemaker.pipelines.callbacks import Callbacks
from preflight.sagemaker.pipelines.calls import Call, Refusal, RoleCalls
from preflight.sagemaker.pipelines.definition import Definition
from preflight.sagemaker.pipelines.description import (
    EXECUTION,
    PARAMETER_LISTING,
    PIPELINE,
    STEP_LISTING,
    describe_step,
    execution_status,
    found_version,
)
from preflight.sagemaker.pipelines.execution import ExecutionWork
from preflight.sagemaker.pipelines.experiment import Experiment
from preflight.sagemaker.pipelines.expressions import Unresolved
from preflight.sagemaker.pipelines.facts import ExecutionFacts
from preflight.sagemaker.pipelines.graph import Graph
from preflight.sagemaker.pipelines.news import PipelineNews
from preflight.sagemaker.pipelines.parameters import as_text, parameter_values
from preflight.sagemaker.pipelines.record import ExecutionRecord, PipelineRecord, PipelineVersion
from preflight.sagemaker.pipelines.request import (
    DescribePipelineDefinitionForExecution,
    DescribePipelineExecution,
    ListPipelineExecutions,
    ListPipelineExecutionSteps,
    ListPipelineParametersForExecution,
    RetryPipelineExecution,
    SelectiveExecutionConfig,
    StartPipelineExecution,
    StopPipelineExecution,
    UpdatePipelineExecution,
)
from preflight.sagemaker.pipelines.selection import Selection
from preflight.sagemaker.pipelines.step_run import StepRun
from preflight.sagemaker.resources.table import Table

Found = list[dict[str, Any]]

_ID_CHARACTERS = 12


class PipelineExecutions:
    """``call`` carries out SageMaker's operations, ``refusal`` tells what a role's policies do not allow."""

    def __init__(self, context: ServiceContext, running: RunningJobs, call: Call, refusal: Refusal) -> None:
        self._context = context
        self._running = running
        self._call = call
        self._refusal = refusal
        self._news = PipelineNews(context)
        self.callbacks = Callbacks()
        self._lock = context.resources.lock
        self.pipelines: Table[PipelineRecord] = Table(context.resources, PIPELINE)
        self._table: Table[ExecutionRecord] = Table(context.resources, EXECUTION)
        self._works: weakref.WeakValueDictionary[str, ExecutionWork] = weakref.WeakValueDictionary()  # while they run
        context.resources.offer("PipelineVersion", self._found_versions)

    def of(self, pipeline: PipelineRecord) -> list[ExecutionRecord]:
        return self._of_arn(pipeline.scope, pipeline.arn)

    def _of_arn(self, scope: Scope, pipeline_arn: str) -> list[ExecutionRecord]:
        return [each for each in self._table.of(scope) if each.pipeline_arn == pipeline_arn]

    @operation(StartPipelineExecution)
    def start(self, scope: Scope, request: StartPipelineExecution) -> Answer:
        given = {parameter.name: parameter.value for parameter in request.pipeline_parameters}
        parallelism = request.parallelism_configuration
        with self._lock:
            pipeline = self.pipeline(scope, request.pipeline_name)
            for other in self.of(pipeline):
                if other.token == request.client_request_token:
                    return {"PipelineExecutionArn": other.arn}
            version = self.version(pipeline, request.pipeline_version_id)
            definition = Definition.parse(version.definition)
            chosen = self._selection(pipeline, definition, request.selective_execution_config)
            execution_id = "".join(random.choices(string.ascii_lowercase + string.digits, k=_ID_CHARACTERS))
            now = datetime.now(UTC)
            execution = ExecutionRecord(
                scope=scope,
                name=execution_id,
                arn=f"{pipeline.arn}/execution/{execution_id}",
                creation_time=now,
                pipeline_name=pipeline.name,
                pipeline_arn=pipeline.arn,
                version=version.number,
                display_name=request.pipeline_execution_display_name or f"execution-{round(now.timestamp() * 1000)}",
                description=request.pipeline_execution_description,
                definition=version.definition,
                role_arn=pipeline.role_arn,
                parameters=parameter_values(definition.parameters, chosen.given(definition) | given),
                max_parallel=parallelism.max_parallel_execution_steps if parallelism else pipeline.max_parallel,
                token=request.client_request_token,
                selected=chosen.selected,
                source_arn=chosen.source.arn if chosen.source else None,
                steps=chosen.reused,
            )
            self._join_experiment(execution)
            self._table.add(execution)
            pipeline.last_run, version.last_execution_arn = now, execution.arn
            self._run(execution)
        return {"PipelineExecutionArn": execution.arn}

    @operation(UpdatePipelineExecution)
    def update(self, scope: Scope, request: UpdatePipelineExecution) -> Answer:
        with self._lock:
            execution = self._require(scope, request.pipeline_execution_arn)
            if request.pipeline_execution_description is not None:
                execution.description = request.pipeline_execution_description
            execution.display_name = request.pipeline_execution_display_name or execution.display_name
            if request.parallelism_configuration:
                execution.max_parallel = request.parallelism_configuration.max_parallel_execution_steps
            execution.touch()
            if work := self._works.get(execution.arn):
                work.look_again()
        return {"PipelineExecutionArn": execution.arn}

    @operation(StopPipelineExecution)
    def stop(self, scope: Scope, request: StopPipelineExecution) -> Answer:
        execution = self._require(scope, request.pipeline_execution_arn)
        self._running.stop(execution)
        return {"PipelineExecutionArn": execution.arn}

    @operation(RetryPipelineExecution)
    def retry(self, scope: Scope, request: RetryPipelineExecution) -> Answer:
        """What has succeeded stays; what has failed or was stopped runs again."""
        with self._lock:
            execution = self._require(scope, request.pipeline_execution_arn)
            if execution.status not in ("Failed", "Stopped"):
                raise ValidationException(
                    guessed(f"Only executions that are Failed or Stopped can be retried: {execution.arn}")
                )
            if request.parallelism_configuration:
                execution.max_parallel = request.parallelism_configuration.max_parallel_execution_steps
            execution.steps = {name: step for name, step in execution.steps.items() if step.has_succeeded}
            previous = execution_status(execution)
            execution.status, execution.end_time, execution.failure_reason = "InProgress", None, None
            execution.touch()
            self._run(execution, previous)
        return {"PipelineExecutionArn": execution.arn}

    @operation(DescribePipelineExecution)
    def describe(self, scope: Scope, request: DescribePipelineExecution) -> Answer:
        return self._table.describe(scope, self._require(scope, request.pipeline_execution_arn).name)

    @operation(DescribePipelineDefinitionForExecution)
    def describe_definition(self, scope: Scope, request: DescribePipelineDefinitionForExecution) -> Answer:
        execution = self._require(scope, request.pipeline_execution_arn)
        return {"PipelineDefinition": execution.definition, "CreationTime": execution.creation_time}

    @operation(ListPipelineExecutions)
    def list(self, scope: Scope, request: ListPipelineExecutions) -> Answer:
        pipeline = self.pipeline(scope, request.pipeline_name)
        own = f"{pipeline.arn}/execution/"
        return self._table.page(scope, request, lambda summary: summary["PipelineExecutionArn"].startswith(own))

    @operation(ListPipelineExecutionSteps)
    def list_steps(self, scope: Scope, request: ListPipelineExecutionSteps) -> Answer:
        """Those that have begun, the newest first."""
        if request.pipeline_execution_arn is None:
            raise ValidationException(guessed("PipelineExecutionArn is required."))
        with self._lock:
            execution = self._require(scope, request.pipeline_execution_arn)
            steps = [describe_step(step) for step in execution.steps.values()]
        page = PageRequest(
            next_token=request.next_token, max_results=request.max_results, sort_order=request.sort_order
        )
        return STEP_LISTING.page(steps, page)

    @operation(ListPipelineParametersForExecution)
    def list_parameters(self, scope: Scope, request: ListPipelineParametersForExecution) -> Answer:
        execution = self._require(scope, request.pipeline_execution_arn)
        rows = [{"Name": name, "Value": as_text(value)} for name, value in execution.parameters.items()]
        page = PageRequest(next_token=request.next_token, max_results=request.max_results, sort_by="Name")
        return PARAMETER_LISTING.page(rows, page)

    def pipeline(self, scope: Scope, name_or_arn: str) -> PipelineRecord:
        """Raises ResourceNotFound."""
        pipeline = self.pipelines.require(scope, name_or_arn.rpartition("/")[2])
        if name_or_arn.startswith("arn:") and name_or_arn.lower() != pipeline.arn:
            raise PIPELINE.missing(name_or_arn)
        return pipeline

    def version(self, pipeline: PipelineRecord, number: int | None) -> PipelineVersion:
        """The newest, or the one of that number. Raises ResourceNotFound."""
        if number is None:
            return pipeline.newest
        for version in pipeline.versions:
            if version.number == number:
                return version
        raise ResourceNotFound(guessed(f"Version {number} of pipeline '{pipeline.arn}' does not exist."))

    def _found_versions(self, scope: Scope) -> Found:
        """What Search knows of the versions of pipelines."""
        with self._lock:
            return [
                found_version(pipeline, version, self._last_execution(scope, version))
                for pipeline in self.pipelines.of(scope)
                for version in pipeline.versions
            ]

    def _last_execution(self, scope: Scope, version: PipelineVersion) -> ExecutionRecord | None:
        arn = version.last_execution_arn
        return self._table.find(scope, arn.rpartition("/")[2]) if arn else None

    def remove(self, executions: Iterable[ExecutionRecord]) -> None:
        for execution in executions:
            self._table.remove(execution)

    def _require(self, scope: Scope, arn: str) -> ExecutionRecord:
        execution = self._table.find(scope, arn.rpartition("/")[2])
        if execution is None or execution.arn != arn:
            raise ResourceNotFound(guessed(f"Pipeline execution '{arn}' does not exist."))
        return execution

    def _selection(
        self, pipeline: PipelineRecord, definition: Definition, config: SelectiveExecutionConfig | None
    ) -> Selection:
        """Raises ValidationException if what is selected cannot run by itself."""
        if config is None:
            return Selection()
        source = None
        if arn := config.source_pipeline_execution_arn:
            source = self._table.find(pipeline.scope, arn.rpartition("/")[2])
            if source is None or source.arn != arn or source.pipeline_arn != pipeline.arn or not source.is_final:
                raise ValidationException(
                    guessed(
                        f"Invalid SourcePipelineExecutionArn: {arn}. It is no execution of the pipeline that has ended."
                    )
                )
        return Selection.of([step.step_name for step in config.selected_steps], Graph(definition), source)

    def _calls(self, execution: ExecutionRecord) -> RoleCalls:
        services = self._context.services.acting_as(execution.role_arn, execution.scope)
        return RoleCalls(self._call, self._refusal, services, execution.scope)

    def _join_experiment(self, execution: ExecutionRecord) -> None:
        """Raises ServiceError if the definition names one that cannot be."""
        definition = Definition.parse(execution.definition)
        if definition.pipeline_experiment_config is None:
            return
        calls = self._calls(execution)
        facts = ExecutionFacts(execution, Graph(definition), calls.services, execution.name)
        try:
            execution.experiment = Experiment.of(definition.pipeline_experiment_config, facts)
        except Unresolved as problem:
            raise ValidationException(str(problem)) from None
        execution.experiment.make(calls)

    def _run(self, execution: ExecutionRecord, previous: str | None = None) -> None:
        """``previous`` is its status until now; None: it is new."""
        graph = Graph(Definition.parse(execution.definition))
        cache = StepCache(partial(self._of_arn, execution.scope, execution.pipeline_arn))
        calls = self._calls(execution)
        make_run = partial(StepRun, self._context, self._running, self.callbacks, cache, calls, graph, execution)
        self._works[execution.arn] = work = ExecutionWork(self._context, execution, graph, make_run)
        statuses = [previous]

        def tell() -> None:
            self._news.of_execution(execution, statuses[-1])
            statuses.append(execution_status(execution))

        tell()
        self._running.start(execution, work, TimeLimits(), on_change=tell, needs_slot=False)
