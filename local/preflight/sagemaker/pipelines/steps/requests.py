"""The requests that steps make: one operation of a family for each type of step."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StepRequest:
    """``operation`` makes what ``describe`` shows; ``name`` and ``arn`` are members of theirs.

    ``is_named``: the service finds the name. ``metadata`` is the key of the step's Metadata. Of a job, ``status`` is
    the member that tells its state, ``stop`` the operation that stops it.
    ``joins_experiment``: it has ExperimentConfig.
    """

    operation: str
    describe: str
    name: str
    arn: str
    metadata: str
    is_named: bool = True
    status: str = ""
    stop: str = ""
    joins_experiment: bool = False


def _job(noun: str, metadata: str, *, joins_experiment: bool = True) -> StepRequest:
    return StepRequest(
        f"Create{noun}",
        f"Describe{noun}",
        f"{noun}Name",
        f"{noun}Arn",
        metadata,
        status=f"{noun}Status",
        stop=f"Stop{noun}",
        joins_experiment=joins_experiment,
    )


REQUESTS = {
    "Training": _job("TrainingJob", "TrainingJob"),
    "Processing": _job("ProcessingJob", "ProcessingJob"),
    "Transform": _job("TransformJob", "TransformJob"),
    "Tuning": _job("HyperParameterTuningJob", "TuningJob", joins_experiment=False),
    "Model": StepRequest("CreateModel", "DescribeModel", "ModelName", "ModelArn", "Model"),
    "RegisterModel": StepRequest(
        "CreateModelPackage",
        "DescribeModelPackage",
        "ModelPackageName",
        "ModelPackageArn",
        "RegisterModel",
        is_named=False,
    ),
}
