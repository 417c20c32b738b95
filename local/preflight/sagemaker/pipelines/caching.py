"""The cache of steps: one that is asked what an earlier one has done takes over its result.

https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-caching.html
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from preflight.sagemaker.pipelines.record import ExecutionRecord, StepRecord

# What of a step's Arguments must be the same. Outputs, roles and instances need not be.
_KEYS: Mapping[str, tuple[str, ...]] = {
    "Processing": ("AppSpecification", "Environment", "ProcessingInputs"),
    "Training": (
        *("AlgorithmSpecification", "CheckpointConfig", "DebugHookConfig", "DebugRuleConfigurations", "Environment"),
        *("HyperParameters", "InputDataConfig"),
    ),
    "Tuning": ("HyperParameterTuningJobConfig", "TrainingJobDefinition", "TrainingJobDefinitions"),
    "Transform": ("DataProcessing", "Environment", "ModelName", "TransformInput"),
}


def cache_key(step_type: str, arguments: Mapping[str, Any]) -> str:
    """Stands for what a step is asked to do; ``arguments`` have no expressions any more."""
    asked = {member: arguments[member] for member in _KEYS[step_type] if member in arguments}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class StepCache:
    """``executions`` are those of one pipeline. Call under the resources' lock."""

    executions: Callable[[], Iterable[ExecutionRecord]]

    def find(self, name: str, key: str, expire_after: timedelta | None) -> tuple[str, StepRecord] | None:
        """The newest step of that name that has run and succeeded with the same key, and its execution's ARN."""
        oldest = datetime.now(UTC) - expire_after if expire_after else datetime.min.replace(tzinfo=UTC)
        found = [
            (step.end_time, execution.arn, step)
            for execution in self.executions()
            if (step := execution.steps.get(name)) and step.has_run and step.cache_key == key
            if step.end_time and step.end_time >= oldest
        ]
        if not found:
            return None
        _, arn, newest = max(found, key=lambda each: each[:2])
        return arn, newest
