"""The errors of SageMaker Runtime, which are not the control plane's.

The code is ``ValidationError``, a container's failure is ``ModelError`` with status 424, and the code travels in
``x-amzn-ErrorType`` as well as the body. Page: InvokeEndpoint in the SageMaker Runtime API reference.
"""

import json
from typing import Any

from preflight.sagemaker.api.answer import Answer
from preflight.sagemaker.api.errors import guessed
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.s3 import S3Uri
from preflight.sagemaker.serving.instance import ContainerFailure
from preflight.sagemaker.serving.reply import Reply, TimedOut

MAX_MESSAGE_CHARACTERS = 2048


class RuntimeServiceError(Exception):
    """An error of the runtime's API, with the members of its body."""

    def __init__(self, status: int, error_type: str, message: str | None, **members: Any) -> None:
        super().__init__(message)
        self.status, self.error_type, self.message, self.members = status, error_type, message, members

    def answer(self) -> Answer:
        body = {"message": None} if self.message is None else {"Message": self.message, **self.members}
        headers = {"Content-Type": "application/json", "x-amzn-ErrorType": self.error_type}
        return Answer(self.status, json.dumps(body).encode(), headers)


def validation_error(message: str, **members: Any) -> RuntimeServiceError:
    return RuntimeServiceError(400, "ValidationError", message, **members)


def endpoint_not_found(scope: Scope, endpoint_name: str) -> RuntimeServiceError:
    message = f"Endpoint {endpoint_name} of account {scope.account_id} not found."
    return validation_error(message, ErrorCode="NO_SUCH_ENDPOINT")


def throttling_exception() -> RuntimeServiceError:
    """A serverless variant has all the requests it can take."""
    return RuntimeServiceError(400, "ThrottlingException", None)


def model_not_there(uri: S3Uri) -> RuntimeServiceError:
    """A multi-model endpoint cannot get what a request names."""
    return validation_error(
        guessed(
            f"Failed to download model data (bucket: {uri.bucket}, key: {uri.key}). Please ensure that there is "
            "an object located at the URL and that the role passed to CreateModel has permissions to download "
            "the model."
        )
    )


def model_not_ready() -> RuntimeServiceError:
    """A multi-model endpoint is still loading what a request names."""
    message = guessed("The target model is still being downloaded or loaded. Wait and try your request again.")
    return RuntimeServiceError(429, "ModelNotReadyException", message)


def model_error(scope: Scope, endpoint_name: str, failure: ContainerFailure) -> RuntimeServiceError:
    """What a container answered instead of a prediction, or that it did not: status 0 is a time-out."""
    name, cause = failure.container_name, failure.cause
    text: str | None
    match cause:
        case Reply(status=status, body=body):
            text = body.decode(errors="replace")
        case TimedOut():
            status = 0
            text = (
                f"Your invocation timed out while waiting for a response from container {name}. Review the latency "
                f"metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
            )
        case _:
            status, text = 500, None
    is_client_error = 400 <= status < 500
    received = f"Received {'client' if is_client_error else 'server'} error ({status}) from {name} "
    text = text and text[:MAX_MESSAGE_CHARACTERS]
    said = "and could not load the entire response body. " if text is None else f'with message "{text}". '
    group = f"/aws/sagemaker/Endpoints/{endpoint_name}"
    message = (
        f"{received}{said}See https://{scope.region}.console.aws.amazon.com/cloudwatch/home?region={scope.region}"
        f"#logEventViewer:group={group} in account {scope.account_id} for more information."
    )
    return RuntimeServiceError(
        424,
        "ModelError",
        message[:MAX_MESSAGE_CHARACTERS],
        ErrorCode="CLIENT_ERROR_FROM_MODEL" if is_client_error else "INTERNAL_FAILURE_FROM_MODEL",
        LogStreamArn=f"arn:{scope.partition}:logs:{scope.region}:{scope.account_id}:log-group:{group}",
        OriginalMessage=text or "",
        OriginalStatusCode=status,
    )
