"""When a tuning job is over before its last training job.

https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-progress.html
"""

from collections.abc import Sequence

from preflight.sagemaker.tuning.child import Child, best, not_improving
from preflight.sagemaker.tuning.record import TuningJobRecord
from preflight.sagemaker.tuning.request import TuningJobCompletionCriteria

# AWS does not say when it takes an objective for converged.
CONVERGED_AFTER = 20  # training jobs at least
CONVERGED_SHARE = 0.5  # of them, the last, have brought no improvement


def has_converged(children: Sequence[Child], *, maximizes: bool) -> bool:
    """Whether more training jobs are not likely to improve the objective."""
    count = sum(child.has_succeeded for child in children)
    return count >= CONVERGED_AFTER and not_improving(children, maximizes=maximizes) >= count * CONVERGED_SHARE


def is_over(job: TuningJobRecord, children: Sequence[Child], *, maximizes: bool) -> bool:
    """Whether one of the job's completion criteria is met, or its time is up."""
    config = job.request.hyper_parameter_tuning_job_config
    limit, criteria = config.resource_limits.max_runtime_in_seconds, config.tuning_job_completion_criteria
    if limit is not None and job.seconds_waited >= limit:
        return True
    most = criteria.best_objective_not_improving.max_number_of_training_jobs_not_improving
    if most is not None and not_improving(children, maximizes=maximizes) >= most:
        return True
    if job.converged and _ends_on_convergence(job, criteria):
        return True
    return _is_target_met(criteria.target_objective_metric_value, children, maximizes=maximizes)


def _ends_on_convergence(job: TuningJobRecord, criteria: TuningJobCompletionCriteria) -> bool:
    """As it was asked, or by Autotune's choice."""
    asked = criteria.convergence_detected
    return asked.complete_on_convergence == "Enabled" if asked else job.request.autotune is not None


def _is_target_met(target: float | None, children: Sequence[Child], *, maximizes: bool) -> bool:
    found = best(children, maximizes=maximizes)
    if target is None or found is None or found.objective is None:
        return False
    return found.objective >= target if maximizes else found.objective <= target
