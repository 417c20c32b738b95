"""The operations on PipelineExecution."""

import random
import string
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial

from preflight.sagemaker.api.errors import ResourceNotFound, ValidationException, guessed
from preflight.sagemaker.api.listing import PageRequest
from preflight.sagemaker.api.operation import Answer, operation
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.jobs.running import RunningJobs
from preflight.sagemaker.jobs.time_limits import TimeLimits
from preflight.sagemaker.pipelines.calls import Call, Refusal, RoleCalls
from preflight.sagemaker.pipelines.definition import Definition
from preflight.sagemaker.pipelines.description import (
    EXECUTION,
    PARAMETER_LISTING,
    PIPELINE,
    STEP_LISTING,
    describe_step,
)
from preflight.sagemaker.pipelines.execution import ExecutionWork
from preflight.sagemaker.pipelines.experiment import Experiment
from preflight.sagemaker.pipelines.expressions import Unresolved
from preflight.sagemaker.pipelines.facts import ExecutionFacts
from preflight.sagemaker.pipelines.graph import Graph
from preflight.sagemaker.pipelines.parameters import as_text, parameter_values
from preflight.sagemaker.pipelines.record import ExecutionRecord, PipelineRecord
from preflight.sagemaker.pipelines.request import (
    DescribePipelineDefinitionForExecution,
    DescribePipelineExecution,
    ListPipelineExecutions,
    ListPipelineExecutionSteps,
    ListPipelineParametersForExecution,
    RetryPipelineExecution,
    StartPipelineExecution,
    StopPipelineExecution,
)
from preflight.sagemaker.pipelines.step_run import StepRun
from preflight.sagemaker.resources.table import Table

_ID_CHARACTERS = 12


class PipelineExecutions:
    """``call`` carries out SageMaker's operations, ``refusal`` tells what a role's policies do not allow."""

    def __init__(self, context: ServiceContext, running: RunningJobs, call: Call, refusal: Refusal) -> None:
        self._context = context
        self._running = running
        self._call = call
        self._refusal = refusal
        self._lock = context.resources.lock
        self.pipelines: Table[PipelineRecord] = Table(context.resources, PIPELINE)
        self._table: Table[ExecutionRecord] = Table(context.resources, EXECUTION)

    def of(self, pipeline: PipelineRecord) -> list[ExecutionRecord]:
        return [each for each in self._table.of(pipeline.scope) if each.pipeline_arn == pipeline.arn]

    @operation(StartPipelineExecution)
    def start(self, scope: Scope, request: StartPipelineExecution) -> Answer:
        given = {parameter.name: parameter.value for parameter in request.pipeline_parameters}
        parallelism = request.parallelism_configuration
        with self._lock:
            pipeline = self.pipeline(scope, request.pipeline_name)
            for other in self.of(pipeline):
                if other.token == request.client_request_token:
                    return {"PipelineExecutionArn": other.arn}
            execution_id = "".join(random.choices(string.ascii_lowercase + string.digits, k=_ID_CHARACTERS))
            now = datetime.now(UTC)
            execution = ExecutionRecord(
                scope=scope,
                name=execution_id,
                arn=f"{pipeline.arn}/execution/{execution_id}",
                creation_time=now,
                pipeline_name=pipeline.name,
                pipeline_arn=pipeline.arn,
                version=pipeline.version,
                display_name=request.pipeline_execution_display_name or f"execution-{round(now.timestamp() * 1000)}",
                description=request.pipeline_execution_description,
                definition=pipeline.definition,
                role_arn=pipeline.role_arn,
                parameters=parameter_values(Definition.parse(pipeline.definition).parameters, given),
                max_parallel=parallelism.max_parallel_execution_steps if parallelism else pipeline.max_parallel,
                token=request.client_request_token,
            )
            self._join_experiment(execution)
            self._table.add(execution)
            pipeline.last_run = now
            self._run(execution)
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
            execution.status, execution.end_time, execution.failure_reason = "InProgress", None, None
            execution.touch()
            self._run(execution)
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

    def remove(self, executions: Iterable[ExecutionRecord]) -> None:
        for execution in executions:
            self._table.remove(execution)

    def _require(self, scope: Scope, arn: str) -> ExecutionRecord:
        execution = self._table.find(scope, arn.rpartition("/")[2])
        if execution is None or execution.arn != arn:
            raise ResourceNotFound(guessed(f"Pipeline execution '{arn}' does not exist."))
        return execution

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

    def _run(self, execution: ExecutionRecord) -> None:
        graph = Graph(Definition.parse(execution.definition))
        make_run = partial(StepRun, self._context, self._running, self._calls(execution), graph, execution)
        work = ExecutionWork(self._context, execution, graph, make_run)
        self._running.start(execution, work, TimeLimits(), on_change=lambda: None, needs_slot=False)
