"""The tuning job: training jobs that differ in their hyperparameters, and the most accurate of them.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateHyperParameterTuningJob.html
"""

from collections.abc import Mapping
from typing import Any

from aws.steps.training import training_request
from aws.wanted import Wanted

STRATEGY = "Bayesian"


def tuning_request(wanted: Wanted, *, image: str, bucket: str, role_arn: str) -> dict[str, Any]:
    """A CreateHyperParameterTuningJob request without its name and tags.

    A hyperparameter that is tuned is not told as well.
    """
    settings, algorithm = wanted.settings.tuning, wanted.algorithm
    ranges = settings.ranges.get(algorithm.runs) or algorithm.ranges
    training = training_request(wanted, image=image, bucket=bucket, role_arn=role_arn)
    told = training.pop("HyperParameters")
    return {
        "HyperParameterTuningJobConfig": {
            "Strategy": STRATEGY,
            "HyperParameterTuningJobObjective": {
                "Type": "Maximize",
                "MetricName": f"{algorithm.held_out_channel}:{algorithm.accuracy[wanted.dataset.schema.kind]}",
            },
            "ResourceLimits": {
                "MaxNumberOfTrainingJobs": settings.jobs,
                "MaxParallelTrainingJobs": min(settings.parallel, settings.jobs),
            },
            "ParameterRanges": {
                "IntegerParameterRanges": _listed(ranges, int),
                "ContinuousParameterRanges": _listed(ranges, float),
            },
        },
        "TrainingJobDefinition": {
            **training,
            "StaticHyperParameters": {name: value for name, value in told.items() if name not in ranges},
        },
    }


def _listed(ranges: Mapping[str, tuple[float, float]], kind: type) -> list[dict[str, str]]:
    """Those of this kind of number. Where the upper end is a hundred times the lower one, powers are tried evenly."""
    return [
        {
            "Name": name,
            "MinValue": str(low),
            "MaxValue": str(high),
            "ScalingType": "Logarithmic" if 0 < 100 * low <= high else "Linear",
        }
        for name, (low, high) in ranges.items()
        if type(low) is kind
    ]
