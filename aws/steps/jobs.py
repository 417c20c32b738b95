"""Jobs of SageMaker, found again by the hash of all that goes into them, or started; waited for; ended.

Their kinds differ in one word: CreateTrainingJob and TrainingJobName, CreateTransformJob and TransformJobName.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from aws.client import Aws
from aws.errors import ResourceError
from aws.names import Names
from aws.report import Step
from aws.steps.logs import PROCESSING_GROUP, TRAINING_GROUP, TRANSFORM_GROUP, last_lines

# A job has its own time limit; what comes on top is finding a machine and moving the data.
JOB_TIMEOUT_SECONDS = 24 * 3600
STOP_TIMEOUT_SECONDS = 1800
CHANGING = ("InProgress", "Stopping")

Description = dict[str, Any]


@dataclass(frozen=True)
class JobKind:
    word: str  # as AWS's operations and members spell it
    log_group: str

    @property
    def describe(self) -> str:
        return f"Describe{self.word}Job"

    def status(self, job: Description) -> str | None:
        return job.get(f"{self.word}JobStatus")

    def name(self, job_name: str) -> dict[str, Any]:
        """The member of a request that names the job."""
        return {f"{self.word}JobName": job_name}

    def title(self, job_name: str) -> str:
        return f"The {self.word.lower()} job {job_name}"


TRAINING = JobKind("Training", TRAINING_GROUP)
TRANSFORM = JobKind("Transform", TRANSFORM_GROUP)
PROCESSING = JobKind("Processing", PROCESSING_GROUP)


def find_or_start(
    aws: Aws,
    names: Names,
    kind: JobKind,
    base_name: str,
    request: dict[str, Any],
    *,
    has_result: Callable[[Description], bool],
    result: str,
    why: str,
) -> str:
    """The name of a job for this request that is under way or has its ``result``, else of a new one.

    The name of a job that failed, or whose result is gone, stays taken: the next attempt gets a number.
    """
    for attempt in count(1):
        job_name = base_name if attempt == 1 else f"{base_name}-{attempt}"
        job = aws.find("sagemaker", kind.describe, **kind.name(job_name))
        if job is None:
            parameters = {**kind.name(job_name), "Tags": names.tag_list, **request}
            aws.change("sagemaker", f"Create{kind.word}Job", why=why, **parameters)
            return job_name
        status = kind.status(job)
        if status == "InProgress" or (status == "Completed" and has_result(job)):
            return job_name
        why = f"{job_name} is {status} and has no {result}"
    raise AssertionError("unreachable")


def wait_until_completed(aws: Aws, kind: JobKind, job_name: str, step: Step) -> Description:
    """The job's description. Raises ``ResourceError`` with its FailureReason and its last log lines."""
    return aws.wait(
        "sagemaker",
        kind.describe,
        lambda job: _is_completed(aws, kind, job_name, job, step),
        what=kind.title(job_name),
        timeout_seconds=JOB_TIMEOUT_SECONDS,
        **kind.name(job_name),
    )


def _is_completed(aws: Aws, kind: JobKind, job_name: str, job: Description, step: Step) -> bool:
    status = kind.status(job)
    shown = job.get("SecondaryStatus") or status
    if status in CHANGING:
        step.show(str(shown))
        return False
    if status == "Completed":
        return True
    reason = job.get("ExitMessage") or job.get("FailureReason") or f"it ended {shown or 'with nothing to describe'}"
    reason = reason.rstrip(".")
    raise ResourceError(
        f"{kind.title(job_name)} did not complete: {reason}. Its logs are in CloudWatch Logs, "
        f"group {kind.log_group}, streams {job_name}/...{last_lines(aws, kind.log_group, f'{job_name}/')}"
    )


def stop_job(aws: Aws, kind: JobKind, job_name: str, step: Step) -> None:
    """End a running job, and return when it has ended; its record stays with SageMaker and costs nothing."""
    job = aws.find("sagemaker", kind.describe, **kind.name(job_name)) or {}
    if kind.status(job) == "InProgress":
        aws.change("sagemaker", f"Stop{kind.word}Job", **kind.name(job_name))
    step.show("Stopping")
    aws.wait(
        "sagemaker",
        kind.describe,
        lambda job: kind.status(job) not in CHANGING,
        what=kind.title(job_name),
        timeout_seconds=STOP_TIMEOUT_SECONDS,
        **kind.name(job_name),
    )
