"""Why an object has no result: what the job's log says of it, and what FailureReason."""

from preflight.sagemaker.api.errors import guessed
from preflight.sagemaker.aws.s3 import S3_ERRORS
from preflight.sagemaker.data.errors import ArtifactError, reason
from preflight.sagemaker.serving.instance import ContainerFailure
from preflight.sagemaker.serving.reply import Reply
from preflight.sagemaker.transform.association import AssociationError
from preflight.sagemaker.transform.batching import PayloadTooLarge
from preflight.sagemaker.transform.splitting import SplitError

OBJECT_ERRORS = (ContainerFailure, PayloadTooLarge, SplitError, AssociationError, ArtifactError, *S3_ERRORS)
PING_FAILURE = "AlgorithmError: Model container failed to respond to ping"


def failure_reason(error: Exception) -> str:
    """The FailureReason of a job that ends with ``error``, one of OBJECT_ERRORS; it never says more, as on AWS."""
    is_algorithms = isinstance(error, ContainerFailure) and not _is_refusal(error)
    return f"{'AlgorithmError' if is_algorithms else 'ClientError'}: See job logs for more information"


def log_lines(error: Exception) -> list[str]:
    """What the log says of an object that failed with ``error``, one of OBJECT_ERRORS."""
    if isinstance(error, ContainerFailure):
        if not isinstance(error.cause, Reply):
            return ["Unable to get response from algorithm"]
        status = error.cause.status
        first = f"ClientError: {status}" if _is_refusal(error) else f"Bad HTTP status received from algorithm: {status}"
        return [first, "", "Message:", *error.cause.body.decode(errors="replace").splitlines()]
    if isinstance(error, S3_ERRORS):
        return [guessed(f"Unable to store the result: {reason(error)}")]
    return [str(error)]


def is_worth_retrying(error: ContainerFailure) -> bool:
    """Whether the same request may fare better: AWS does not publish what it takes for that."""
    return not _is_refusal(error)


def _is_refusal(error: ContainerFailure) -> bool:
    return isinstance(error.cause, Reply) and 400 <= error.cause.status < 500
