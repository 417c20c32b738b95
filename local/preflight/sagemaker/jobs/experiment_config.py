"""ExperimentConfig: the trial that a job's trial component belongs to (``experiments/job_components.py`` makes it).

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ExperimentConfig.html
"""

from preflight.sagemaker.api.errors import ResourceNotFound, guessed
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.api.shape import Shape, described
from preflight.sagemaker.resources.table import Resources


class ExperimentConfig(Shape):
    experiment_name: str | None = None
    trial_name: str | None = None
    trial_component_display_name: str | None = None
    run_name: str | None = described()


def require_experiment(resources: Resources, scope: Scope, config: ExperimentConfig | None) -> None:
    """Raises ResourceNotFound if the experiment or the trial of a job is not there."""
    if config is None:
        return
    for kind, name in (("experiment", config.experiment_name), ("experiment-trial", config.trial_name)):
        if name is not None and not resources.tags.has(scope, arn := scope.arn(kind, name)):
            raise ResourceNotFound(guessed(f"Resource '{arn}' does not exist."))
