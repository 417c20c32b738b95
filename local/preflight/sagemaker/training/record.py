"""TrainingJobRecord: all that is known of one training job."""

from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, Field

from preflight.sagemaker.jobs.record import JobRecord
from preflight.sagemaker.training.request import (
    AlgorithmSpecification,
    CreateTrainingJob,
    ResourceConfig,
)


class MetricData(BaseModel):
    """The last value of a metric."""

    value: float
    timestamp: datetime


class Tuned(BaseModel):
    """What makes a training job one of a tuning job's: whose, the metric it is after, and its values as they came."""

    job_arn: str
    objective: str
    values: list[float] = Field(default_factory=list)


class TrainingJobRecord(JobRecord):
    """``request`` is CreateTrainingJob's, with what UpdateTrainingJob has changed; ``tuned``: a tuning job made it."""

    noun: ClassVar[str] = "training job"

    request: CreateTrainingJob
    tuned: Tuned | None = None
    final_metrics: dict[str, MetricData] = Field(default_factory=dict)
    # The warm pool it leaves behind: see warm_pool.py.
    pool_updated: datetime | None = None
    pool_reused: datetime | None = None
    pool_reused_by: str | None = None

    @property
    def specification(self) -> AlgorithmSpecification:
        """CreateTrainingJob requires it."""
        assert self.request.algorithm_specification is not None
        return self.request.algorithm_specification

    @property
    def image(self) -> str:
        """CreateTrainingJob requires it."""
        assert self.specification.training_image is not None
        return self.specification.training_image

    @property
    def resources(self) -> ResourceConfig:
        """CreateTrainingJob requires it."""
        assert self.request.resource_config is not None
        return self.request.resource_config
