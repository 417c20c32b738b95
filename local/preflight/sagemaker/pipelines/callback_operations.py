"""The operations by which others end a Callback step."""

from preflight.sagemaker.api.operation import Answer, operation
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.pipelines.callbacks import CallbackAnswer, Callbacks
from preflight.sagemaker.pipelines.request import SendPipelineExecutionStepFailure, SendPipelineExecutionStepSuccess


class PipelineCallbacks:
    def __init__(self, callbacks: Callbacks) -> None:
        self._callbacks = callbacks

    @operation(SendPipelineExecutionStepSuccess)
    def succeed(self, scope: Scope, request: SendPipelineExecutionStepSuccess) -> Answer:
        outputs = {each.name: each.value for each in request.output_parameters}
        arn = self._callbacks.answer(scope, request.callback_token, CallbackAnswer(outputs))
        return {"PipelineExecutionArn": arn}

    @operation(SendPipelineExecutionStepFailure)
    def fail(self, scope: Scope, request: SendPipelineExecutionStepFailure) -> Answer:
        answer = CallbackAnswer(failure=request.failure_reason or "")
        return {"PipelineExecutionArn": self._callbacks.answer(scope, request.callback_token, answer)}
