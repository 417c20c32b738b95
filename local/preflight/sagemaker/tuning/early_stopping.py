"""The median rule of TrainingJobEarlyStoppingType Auto.

https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-early-stopping.html
"""

from collections.abc import Iterable, Sequence
from statistics import fmean, median


def is_worse_than_median(objectives: Sequence[float], earlier: Iterable[Sequence[float]], *, maximizes: bool) -> bool:
    """Whether a training job is to be stopped.

    Args:
        objectives: its values of the objective, one an epoch.
        earlier: those of the training jobs before it. The median is that of their running averages at the same epoch.
    """
    epoch = len(objectives)
    averages = [fmean(values[:epoch]) for values in earlier if len(values) >= epoch]
    if not objectives or not averages:
        return False
    return objectives[-1] < median(averages) if maximizes else objectives[-1] > median(averages)
