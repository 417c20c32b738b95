"""TransformJobRecord: all that is known of one transform job."""

from typing import ClassVar

from preflight.sagemaker.jobs.record import JobRecord
from preflight.sagemaker.serving.model import ModelRecord
from preflight.sagemaker.transform.request import CreateTransformJob


class TransformJobRecord(JobRecord):
    """``model`` is the one named by ``request``, as it was then: it may be deleted while the job runs."""

    noun: ClassVar[str] = "transform job"

    request: CreateTransformJob
    model: ModelRecord
