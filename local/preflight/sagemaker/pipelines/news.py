"""What EventBridge and CloudWatch learn of executions and their steps.

https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
"""

import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.pipelines.description import execution_status
from preflight.sagemaker.pipelines.record import ExecutionRecord, StepRecord
from preflight.sagemaker.telemetry.cloudwatch import Source

NAMESPACE = "AWS/Sagemaker/ModelBuildingPipeline"  # AWS writes it so
EVENT = "SageMaker Model Building Pipeline Execution"

_ENDS = ("Succeeded", "Failed", "Stopped")
_STARTS = {"Execution": "Executing", "Step": "Starting"}


class PipelineMeasurement(NamedTuple):
    """One count, or one duration in milliseconds."""

    moment: float
    scope: Scope
    dimensions: tuple[tuple[str, str], ...]
    name: str
    unit: str
    value: float

    def source(self) -> Source:
        return Source(self.scope, NAMESPACE, self.dimensions)

    def values(self) -> Iterable[tuple[str, str, float]]:
        return ((self.name, self.unit, self.value),)


class PipelineNews:
    """Call it under the resources' lock, so that no change overtakes another."""

    def __init__(self, context: ServiceContext) -> None:
        self._events, self._metrics = context.events, context.metrics

    def of_execution(self, execution: ExecutionRecord, previous: str | None) -> None:
        """It has a new status; None: it has just begun."""
        status = execution_status(execution)
        if status == previous:
            return
        detail = {
            "pipelineExecutionDisplayName": execution.display_name,
            "currentPipelineExecutionStatus": status,
            "previousPipelineExecutionStatus": previous,
            "executionStartTime": execution.creation_time,
            "executionEndTime": execution.end_time,
            "pipelineExecutionDescription": execution.description,
        }
        self._tell(execution, f"{EVENT} Status Change", detail)
        pipeline = (("PipelineName", execution.pipeline_name),)
        for dimensions in ((), pipeline):
            self._measure(execution, dimensions, "Execution", status, execution.creation_time, execution.end_time)

    def of_step(self, execution: ExecutionRecord, step: StepRecord, previous: str | None) -> None:
        """It has a new status; None: it has just begun."""
        detail = {
            "metadata": _in_camel_case(step.metadata),
            "stepStartTime": step.start_time,
            "stepEndTime": step.end_time,
            "stepName": step.name,
            "stepType": step.type,
            "previousStepStatus": previous,
            "currentStepStatus": step.status,
            "failureReason": step.failure_reason,
            "cacheHitResult": step.cached_from and {"sourcePipelineExecutionArn": step.cached_from},
        }
        self._tell(execution, f"{EVENT} Step Status Change", detail)
        dimensions = (("PipelineName", execution.pipeline_name), ("StepName", step.name))
        self._measure(execution, dimensions, "Step", step.status, step.start_time, step.end_time)

    def _tell(self, execution: ExecutionRecord, detail_type: str, detail: dict[str, Any]) -> None:
        arns = {"pipelineArn": execution.pipeline_arn, "pipelineExecutionArn": execution.arn}
        known = {name: value for name, value in {**detail, **arns}.items() if value is not None}
        self._events.put(execution.scope, detail_type, list(arns.values()), known)

    def _measure(
        self,
        execution: ExecutionRecord,
        dimensions: tuple[tuple[str, str], ...],
        noun: str,
        status: str,
        start: datetime,
        end: datetime | None,
    ) -> None:
        for name, unit, value in _measured(noun, status, start, end):
            self._metrics.put(PipelineMeasurement(time.time(), execution.scope, dimensions, name, unit, value))


def _measured(noun: str, status: str, start: datetime, end: datetime | None) -> Iterator[tuple[str, str, float]]:
    if status == _STARTS[noun]:
        yield f"{noun}Started", "Count", 1
    elif status in _ENDS and end:
        yield f"{noun}{status}", "Count", 1
        yield f"{noun}Duration", "Milliseconds", (end - start).total_seconds() * 1000


def _in_camel_case(value: Any) -> Any:
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: _in_camel_case(item) for name, item in value.items()}
    return [_in_camel_case(item) for item in value] if isinstance(value, list) else value
