"""Steps that make one request of a family: jobs, which they see to their end, models and model packages."""

import contextlib
import threading
from typing import Any

from preflight.sagemaker.api.errors import ServiceError, UnsupportedByPreflight, guessed
from preflight.sagemaker.pipelines.definition import RetriedStep
from preflight.sagemaker.pipelines.expressions import resolve
from preflight.sagemaker.pipelines.retries import ExceptionType
from preflight.sagemaker.pipelines.steps.requests import StepRequest
from preflight.sagemaker.pipelines.steps.work import Attempt, StepFailure, StepStopped

EXECUTION_TAG = "sagemaker:pipeline-execution-arn"
_SERVER_ERROR = 500
_RANKED_JOBS = 50
_JOB_FAILURES: dict[str, ExceptionType] = {
    "InternalServerError": "SageMaker.JOB_INTERNAL_ERROR",
    "CapacityError": "SageMaker.CAPACITY_ERROR",
}


class RequestStep:
    def __init__(self, step: RetriedStep, made: StepRequest, attempt: Attempt) -> None:
        self._step = step
        self._made = made
        self._attempt = attempt
        self._job = ""  # its name, once it is there
        self._lock = threading.Lock()

    def run(self) -> dict[str, Any]:
        members = resolve(self._step.arguments, self._attempt.facts)
        name = self._create(self._with_own(members))
        if not self._made.status:
            return self._describe(name)
        with self._lock:
            self._job = name
            if self._attempt.stop_asked.is_set():
                self._stop_job()
        return self._outcome(self._wait(name))

    def stop(self, *, is_over: bool) -> None:
        with self._lock:
            if self._job:
                self._stop_job()

    def _with_own(self, members: dict[str, Any]) -> dict[str, Any]:
        """With the name and the mark of the execution."""
        if not self._made.is_named:
            told = members.get("MetadataProperties") or {}
            if isinstance(told, dict):  # anything else the request is refused for
                told = {"GeneratedBy": self._attempt.execution_arn, **told}
            return {**members, "MetadataProperties": told}
        mark = {"Key": EXECUTION_TAG, "Value": self._attempt.execution_arn}
        tags = members.get("Tags") or []
        own = {self._made.name: self._attempt.name, "Tags": [*tags, mark] if isinstance(tags, list) else tags}
        joins = self._made.joins_experiment and self._attempt.experiment and "ExperimentConfig" not in members
        return {**members, **own, **({"ExperimentConfig": self._attempt.experiment} if joins else {})}

    def _create(self, members: dict[str, Any]) -> str:
        """Returns what Describe finds it by."""
        calls, made = self._attempt.calls, self._made
        try:
            if group := self._missing_group(members):
                calls.as_role("CreateModelPackageGroup", {"ModelPackageGroupName": group})
            arn = calls.as_role(made.operation, members)[made.arn]
        except ServiceError as error:
            words = f"ClientError: Failed to invoke sagemaker:{made.operation}. Error Details: {error.message}"
            raise StepFailure(words, _exception_type(error)) from error
        self._attempt.show({made.metadata: {"Arn": arn}})
        return self._attempt.name if made.is_named else arn

    def _missing_group(self, members: dict[str, Any]) -> str | None:
        """The model package group that AWS makes for the step, because it is not there."""
        group = members.get("ModelPackageGroupName")
        if self._made.is_named or not isinstance(group, str) or group.startswith("arn:"):
            return None
        try:
            self._attempt.calls.as_service("DescribeModelPackageGroup", {"ModelPackageGroupName": group})
        except ServiceError:
            return group
        return None

    def _describe(self, name: str) -> dict[str, Any]:
        return self._attempt.calls.as_service(self._made.describe, {self._made.name: name})

    def _wait(self, name: str) -> dict[str, Any]:
        job = self._describe(name)
        self._attempt.running.wait(job[self._made.arn])
        return self._describe(name)

    def _outcome(self, job: dict[str, Any]) -> dict[str, Any]:
        match job[self._made.status]:
            case "Completed":
                return {**job, **self._ranking(job)}
            case "Stopped":
                raise StepStopped
        reason = str(job.get("FailureReason", ""))
        raise StepFailure(f"ClientError: {reason}", _JOB_FAILURES.get(reason.partition(":")[0]))

    def _ranking(self, job: dict[str, Any]) -> dict[str, Any]:
        """What a Tuning step tells besides: its training jobs, the best first."""
        if self._step.type != "Tuning":  # type: ignore[attr-defined]
            return {}
        objective = job["HyperParameterTuningJobConfig"].get("HyperParameterTuningJobObjective", {})
        order = "Ascending" if objective.get("Type") == "Minimize" else "Descending"
        asked = {self._made.name: job[self._made.name], "SortBy": "FinalObjectiveMetricValue", "SortOrder": order}
        listed = self._attempt.calls.as_service(
            "ListTrainingJobsForHyperParameterTuningJob", {**asked, "MaxResults": _RANKED_JOBS}
        )
        return {"TrainingJobSummaries": listed["TrainingJobSummaries"]}

    def _stop_job(self) -> None:
        with contextlib.suppress(ServiceError):  # it has ended
            self._attempt.calls.as_service(self._made.stop, {self._made.name: self._job})


def _exception_type(error: ServiceError) -> ExceptionType | None:
    if error.code == "ResourceLimitExceeded":
        return "SageMaker.RESOURCE_LIMIT"
    if error.code == "ThrottlingException":
        return "Step.THROTTLING"
    is_ours = isinstance(error, UnsupportedByPreflight)
    return "Step.SERVICE_FAULT" if error.status >= _SERVER_ERROR and not is_ours else None


def no_retry(reason: str, execution_arn: str, step: str, exception_type: ExceptionType) -> str:
    """``reason`` with AWS's account of why the step is not tried again."""
    word = exception_type.replace(".", "_").upper()
    known = exception_type == "SageMaker.RESOURCE_LIMIT"
    tail = (
        f"\nRetry not appropriate on execution of step with PipelineExecutionArn {execution_arn} and StepId {step}. "
        f"No retry policy configured for the exception type {word}."
    )
    return reason + (tail if known else guessed(tail))
