"""A training job as DescribeTrainingJob and ListTrainingJobs show it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from preflight.sagemaker.data.channels import Channel
from preflight.sagemaker.data.outputs import OutputLocation
from preflight.sagemaker.jobs.time_limits import DEFAULT_MAX_RUNTIME_SECONDS
from preflight.sagemaker.launching.programs import find_builtin_algorithm
from preflight.sagemaker.training import debugger
from preflight.sagemaker.training.metrics import BUILTIN_METRICS

if TYPE_CHECKING:
    from preflight.sagemaker.training.job import TrainingJob

# Members shown as they were asked for; the others have something added.
_AS_ASKED = (
    "HyperParameters",
    "RoleArn",
    "VpcConfig",
    "CheckpointConfig",
    "Environment",
    "ExperimentConfig",
    "TensorBoardOutputConfig",
    "RetryStrategy",
    "RemoteDebugConfig",
    "InfraCheckConfig",
)
_FLAGS = ("EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining")


def describe(job: "TrainingJob") -> dict[str, Any]:
    """Call under the stores' lock."""
    request, status = job.request, job.status
    description = {
        "TrainingJobName": job.name,
        "TrainingJobArn": job.arn,
        "ModelArtifacts": {"S3ModelArtifacts": str(OutputLocation.of(request).model)},
        "TrainingJobStatus": status.status,
        "SecondaryStatus": status.secondary,
        "FailureReason": status.failure_reason,
        "AlgorithmSpecification": _algorithm_specification(job),
        "InputDataConfig": [channel.describe() for channel in Channel.all_of(request)],
        "OutputDataConfig": {"CompressionType": "GZIP", "KmsKeyId": "", **request["OutputDataConfig"]},
        "ResourceConfig": _resource_config(job),
        "WarmPoolStatus": job.warm_pool.describe(),
        "StoppingCondition": {
            "MaxRuntimeInSeconds": DEFAULT_MAX_RUNTIME_SECONDS,
            **request.get("StoppingCondition", {}),
        },
        "CreationTime": status.creation_time,
        "TrainingStartTime": status.start_time,
        "TrainingEndTime": status.end_time,
        "LastModifiedTime": status.last_modified,
        "SecondaryStatusTransitions": [dict(transition) for transition in status.transitions],
        "FinalMetricDataList": job.metrics.final_metric_data_list() or None,
        **{flag: request.get(flag, False) for flag in _FLAGS},
        **{key: request[key] for key in _AS_ASKED if key in request},
        **debugger.describe(request, status.creation_time),
    }
    if status.start_time and status.end_time:
        seconds = max(1, round((status.end_time - status.start_time).total_seconds()))
        description |= {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}
    return {key: value for key, value in description.items() if value is not None}


def summarize(job: "TrainingJob") -> dict[str, Any]:
    """One of TrainingJobSummaries. Call under the stores' lock."""
    status = job.status
    summary = {
        "TrainingJobName": job.name,
        "TrainingJobArn": job.arn,
        "CreationTime": status.creation_time,
        "TrainingEndTime": status.end_time,
        "LastModifiedTime": status.last_modified,
        "TrainingJobStatus": status.status,
        "SecondaryStatus": status.secondary,
        "WarmPoolStatus": job.warm_pool.describe(),
    }
    return {key: value for key, value in summary.items() if value is not None}


def metric_definitions(request: Mapping[str, Any], region: str) -> list[dict[str, str]]:
    """The caller's, or for its own images AWS's."""
    specification = request["AlgorithmSpecification"]
    algorithm = find_builtin_algorithm(specification["TrainingImage"], region)
    return BUILTIN_METRICS[algorithm] if algorithm else list(specification.get("MetricDefinitions", []))


def _algorithm_specification(job: "TrainingJob") -> dict[str, Any]:
    asked = job.request["AlgorithmSpecification"]
    specification = {"EnableSageMakerMetricsTimeSeries": False, **asked}
    if definitions := metric_definitions(job.request, job.scope.region):
        specification["MetricDefinitions"] = definitions
    return specification


def _resource_config(job: "TrainingJob") -> dict[str, Any]:
    resources = dict(job.request["ResourceConfig"])
    if "KeepAlivePeriodInSeconds" in resources:
        resources["KeepAlivePeriodInSeconds"] = job.warm_pool.keep_alive_seconds  # UpdateTrainingJob may change it
    return resources
