"""What a training job runs: a built-in algorithm, or a script of the caller's in an image that runs scripts."""

import json

from preflight.sagemaker.launching.programs import find_builtin_algorithm
from preflight.sagemaker.training.request import CreateTrainingJob

PROGRAM = "sagemaker_program"  # the hyperparameter that names a script


def runs_script(request: CreateTrainingJob) -> bool:
    """Whether it names a script. Values are JSON, as the SDK sends them."""
    value = request.hyper_parameters.get(PROGRAM, "")
    try:
        return bool(json.loads(value))
    except ValueError:
        return bool(value)


def find_algorithm(request: CreateTrainingJob, region: str) -> str | None:
    """The built-in algorithm that runs; None if it is a script, or an image of the caller's."""
    specification = request.algorithm_specification
    if specification is None or specification.training_image is None or runs_script(request):
        return None
    return find_builtin_algorithm(specification.training_image, region)
