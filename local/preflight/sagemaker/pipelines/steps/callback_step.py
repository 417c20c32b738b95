"""Callback steps: a message to a queue, and whoever reads it says how the step ends.

https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html#step-type-callback
"""

import json
import queue
import time
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from preflight.sagemaker.api.errors import guessed
from preflight.sagemaker.pipelines.callbacks import Callback, CallbackAnswer, StopAsked
from preflight.sagemaker.pipelines.definition import CallbackStep, OutputParameter
from preflight.sagemaker.pipelines.expressions import resolve
from preflight.sagemaker.pipelines.parameters import read_float, read_integer
from preflight.sagemaker.pipelines.steps.work import Attempt, StepFailure, StepStopped

_BOOLEANS = {"true": True, "false": False}
_READERS: Mapping[str, Callable[[str], Any]] = {
    "String": str,
    "Integer": read_integer,
    "Float": read_float,
    "Boolean": lambda text: _BOOLEANS[text.lower()],
}


class CallbackWait:
    def __init__(self, step: CallbackStep, attempt: Attempt) -> None:
        self._step = step
        self._attempt = attempt
        self._callback: Callback | None = None

    def run(self) -> dict[str, Any]:
        """Also when it is to stop, the answer is waited for."""
        attempt, facts = self._attempt, self._attempt.facts
        url = str(resolve(self._step.sqs_queue_url, facts))
        arguments = resolve(self._step.arguments, facts)
        with attempt.callbacks.waiting(attempt.calls.scope, attempt.execution_arn) as callback:
            shown = {"CallbackToken": callback.token, "SqsQueueUrl": url}
            attempt.show({"Callback": shown})
            self._callback = callback
            if attempt.stop_asked.is_set():
                raise StepStopped
            self._send(url, callback, arguments, "Executing")
            answer = self._answer(url, callback, arguments)
        if answer.failure is not None:
            raise StepFailure(answer.failure)
        outputs = {each.output_name: _output(each, answer.outputs) for each in self._step.output_parameters}
        told = [{"Name": name, "Value": value} for name, value in answer.outputs.items()]
        attempt.show({"Callback": {**shown, "OutputParameters": told}})
        return {"OutputParameters": outputs}

    def stop(self, *, is_over: bool) -> None:
        if self._callback:
            self._callback.news.put(StopAsked(is_over))

    def _answer(self, url: str, callback: Callback, arguments: Any) -> CallbackAnswer:
        seconds = self._attempt.callback_seconds
        deadline = time.monotonic() + seconds
        is_stopping = False
        while True:
            try:
                news = callback.news.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise StepFailure(
                    guessed(f"ClientError: The callback was not answered within {seconds:g} seconds.")
                ) from None
            if isinstance(news, StopAsked) and not news.is_over:
                is_stopping = True
                self._send(url, callback, arguments, "Stopping")
                continue
            if isinstance(news, StopAsked) or is_stopping:
                raise StepStopped
            return news

    def _send(self, url: str, callback: Callback, arguments: Any, status: str) -> None:
        message = {
            "token": callback.token,
            "pipelineExecutionArn": callback.execution_arn,
            "arguments": arguments,
            "status": status,
        }
        calls = self._attempt.calls
        try:
            calls.services.client("sqs", calls.scope).send_message(QueueUrl=url, MessageBody=json.dumps(message))
        except (ClientError, ParamValidationError) as error:
            words = error.response["Error"]["Message"] if isinstance(error, ClientError) else str(error)
            raise StepFailure(
                guessed(f"ClientError: Failed to invoke sqs:SendMessage. Error Details: {words}")
            ) from error


def _output(declared: OutputParameter, told: Mapping[str, str]) -> Any:
    """Raises StepFailure if it was not told, or is something else."""
    name, kind = declared.output_name, declared.output_type
    if name not in told:
        raise StepFailure(guessed(f"ClientError: The callback did not bring the output parameter {name}."))
    try:
        return _READERS[kind](told[name])
    except (ValueError, KeyError):
        raise StepFailure(guessed(f"ClientError: The output parameter {name} is not of type {kind}.")) from None
