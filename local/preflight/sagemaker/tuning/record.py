"""TuningJobRecord: all that is known of one tuning job."""

from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, Field

from preflight.sagemaker.jobs.record import JobRecord
from preflight.sagemaker.tuning.request import CreateHyperParameterTuningJob


class Trial(BaseModel):
    """A training job that a tuning job has made: of which of its definitions, with which values."""

    training_job_name: str
    definition: int
    hyper_parameters: dict[str, str]


class TuningJobRecord(JobRecord):
    """``seed`` is RandomSeed, or was drawn; ``converged`` is when the objective was seen to improve no more."""

    noun: ClassVar[str] = "hyperparameter tuning job"

    request: CreateHyperParameterTuningJob
    seed: int
    trials: list[Trial] = Field(default_factory=list)
    converged: datetime | None = None
