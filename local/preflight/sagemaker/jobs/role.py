"""The role that a job's programs act as."""

from collections.abc import Mapping

from botocore.exceptions import ClientError

from preflight.sagemaker.aws.clients import RoleClients
from preflight.sagemaker.jobs.job import JobFailure

_NOT_ASSUMED = (
    "ClientError: TrainingHostAgent Initialization failed:InvalidInputException: SageMaker is unable to perform: "
    "sts:AssumeRole on the role. Check if you have a trust relationship for 'sagemaker.amazonaws.com' to assume the "
    "role."
)


def role_environment(services: RoleClients, *, is_isolated: bool = False) -> Mapping[str, str]:
    """What programs need in their environment to act as the role; nothing where they have no network.

    Raises:
        JobFailure: the role is gone, or cannot be assumed any more.
    """
    try:
        environment = services.environment()
    except ClientError as error:
        raise JobFailure(_NOT_ASSUMED) from error
    return {} if is_isolated else environment
