"""RetryPolicies of a step: after which failures it is tried again, and when.

https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-retry-policy.html
"""

import random
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from preflight.sagemaker.pipelines.parsing import Part

ExceptionType = Literal[
    "Step.SERVICE_FAULT",
    "Step.THROTTLING",
    "SageMaker.JOB_INTERNAL_ERROR",
    "SageMaker.CAPACITY_ERROR",
    "SageMaker.RESOURCE_LIMIT",
]
RETRIED_ANYWAY: tuple[ExceptionType, ...] = ("Step.SERVICE_FAULT", "Step.THROTTLING")

_JITTER = 0.1  # of the pause, so that steps do not come back all at once


class RetryPolicy(Part):
    exception_type: list[ExceptionType] | ExceptionType
    interval_seconds: Annotated[int, Field(ge=1, le=43_200)] = 1
    backoff_rate: Annotated[float, Field(ge=1)] = 2.0
    max_attempts: Annotated[int, Field(ge=1, le=20)] | None = None
    expire_after_min: Annotated[int, Field(ge=1, le=14_400)] | None = None

    @property
    def exception_types(self) -> list[ExceptionType]:
        return self.exception_type if isinstance(self.exception_type, list) else [self.exception_type]

    def pause_seconds(self, retries: int, seconds_taken: float) -> float | None:
        """How long to wait before the next retry; None if ``retries``, or ``seconds_taken``, were enough."""
        if self.expire_after_min is not None:
            is_over = seconds_taken >= self.expire_after_min * 60
        else:
            is_over = retries >= (self.max_attempts or DEFAULT_ATTEMPTS)
        if is_over:
            return None
        pause = self.interval_seconds * self.backoff_rate**retries
        return pause * random.uniform(1, 1 + _JITTER)


DEFAULT_ATTEMPTS = 5
_DEFAULT = RetryPolicy.model_validate({"ExceptionType": list(RETRIED_ANYWAY)})


def policy_for(policies: Sequence[RetryPolicy], exception_type: ExceptionType | None) -> RetryPolicy | None:
    """The first of ``policies`` that is about such a failure; of those that AWS retries anyway there always is one."""
    if exception_type is None:
        return None
    return next((policy for policy in [*policies, _DEFAULT] if exception_type in policy.exception_types), None)
