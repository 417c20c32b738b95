"""Steps that decide and run nothing: Condition and Fail."""

from typing import Any

from preflight.sagemaker.pipelines.definition import ConditionStep, FailStep
from preflight.sagemaker.pipelines.expressions import printed, resolve
from preflight.sagemaker.pipelines.steps.work import Attempt, StepFailure


class Decision:
    """All of its conditions hold, or not."""

    def __init__(self, step: ConditionStep, attempt: Attempt) -> None:
        self._step = step
        self._attempt = attempt

    def run(self) -> dict[str, Any]:
        holds = all(condition.holds(self._attempt.facts) for condition in self._step.arguments.conditions)
        self._attempt.show({"Condition": {"Outcome": str(holds)}})
        return {"Outcome": str(holds)}

    def stop(self, *, is_over: bool) -> None:
        """It ends by itself."""


class Refuser:
    """Fails, with the message that it was given."""

    def __init__(self, step: FailStep, attempt: Attempt) -> None:
        self._step = step
        self._attempt = attempt

    def run(self) -> dict[str, Any]:
        message = printed(resolve(self._step.arguments.error_message, self._attempt.facts))
        self._attempt.show({"Fail": {"ErrorMessage": message}})
        raise StepFailure(message)

    def stop(self, *, is_over: bool) -> None:
        """It ends by itself."""
