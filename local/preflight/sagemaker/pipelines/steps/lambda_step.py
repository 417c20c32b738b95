"""Lambda steps: a function is called with the step's Arguments, and what it returns is the step's output.

https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html#step-type-lambda
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError, ReadTimeoutError

from preflight.sagemaker.api.errors import guessed
from preflight.sagemaker.pipelines.definition import LambdaStep, OutputParameter, refuse_constant
from preflight.sagemaker.pipelines.expressions import printed, resolve
from preflight.sagemaker.pipelines.steps.work import Attempt, StepFailure, StepStopped

SHOWN_CHARACTERS = 200  # of an answer that is no JSON

_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "String": lambda value: isinstance(value, str | int | float),  # AWS's own example declares a status code so
    "Integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "Float": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "Boolean": lambda value: isinstance(value, bool),
}


class FunctionCall:
    def __init__(self, step: LambdaStep, attempt: Attempt) -> None:
        self._step = step
        self._attempt = attempt

    def run(self) -> dict[str, Any]:
        """Also when it is to stop, the function is waited for: ten minutes at most, as on AWS."""
        facts = self._attempt.facts
        function = str(resolve(self._step.function_arn, facts))
        returned = self._invoke(function, resolve(self._step.arguments, facts))
        if self._attempt.stop_asked.is_set():
            raise StepStopped
        outputs = {each.output_name: _output(each, returned) for each in self._step.output_parameters}
        shown = [{"Name": name, "Value": printed(value)} for name, value in outputs.items()]
        self._attempt.show({"Lambda": {"Arn": function, "OutputParameters": shown}})
        return {"OutputParameters": outputs}

    def stop(self, *, is_over: bool) -> None:
        """It ends with the function."""

    def _invoke(self, function: str, event: Mapping[str, Any]) -> Any:
        calls = self._attempt.calls
        try:
            answer = calls.services.client("lambda", calls.scope).invoke(
                FunctionName=function, Payload=json.dumps(event).encode()
            )
            payload = answer["Payload"].read().decode()
        except ClientError as error:
            message = error.response["Error"]["Message"]
            raise StepFailure(f"ClientError: Failed to invoke lambda:Invoke. Error Details: {message}") from error
        except ParamValidationError as error:
            raise StepFailure(
                guessed(f"ClientError: Failed to invoke lambda:Invoke. Error Details: {error}")
            ) from error
        except ReadTimeoutError as error:
            limit = f"{calls.services.lambda_seconds:g} seconds"
            raise StepFailure(guessed(f"ClientError: The function {function} did not end within {limit}.")) from error
        if "FunctionError" in answer:
            raise StepFailure(guessed(f"ClientError: The function {function} ended in an error: {payload}"))
        try:
            return json.loads(payload, parse_constant=refuse_constant)
        except (ValueError, RecursionError) as error:
            raise StepFailure(
                guessed(f"ClientError: The function {function} did not return JSON: {payload[:SHOWN_CHARACTERS]}")
            ) from error


def _output(declared: OutputParameter, returned: Any) -> Any:
    """Raises StepFailure if the function has not returned it, or as something else."""
    name, kind = declared.output_name, declared.output_type
    if not isinstance(returned, dict) or name not in returned:
        raise StepFailure(guessed(f"ClientError: The function did not return the output parameter {name}."))
    if not _TYPES[kind](returned[name]):
        raise StepFailure(guessed(f"ClientError: The output parameter {name} is not of type {kind}."))
    return printed(returned[name]) if kind == "String" else returned[name]
