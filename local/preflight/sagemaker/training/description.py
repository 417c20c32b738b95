"""A training job as DescribeTrainingJob and ListTrainingJobs show it. Call under the resources' lock."""

from typing import Any

from preflight.sagemaker.api.errors import ResourceInUse, ValidationException
from preflight.sagemaker.api.listing import Listing
from preflight.sagemaker.resources.table import Kind
from preflight.sagemaker.training import debugger
from preflight.sagemaker.training.algorithm import find_algorithm
from preflight.sagemaker.training.metrics import BUILTIN_METRICS, with_objective
from preflight.sagemaker.training.output_location import OutputLocation
from preflight.sagemaker.training.record import TrainingJobRecord
from preflight.sagemaker.training.request import CreateTrainingJob, InputChannel, MetricDefinition
from preflight.sagemaker.training.warm_pool import describe_pool

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


def describe(job: TrainingJobRecord) -> dict[str, Any]:
    request = job.request
    asked = request.as_asked()
    description = {
        "TrainingJobName": job.name,
        "TrainingJobArn": job.arn,
        "TuningJobArn": job.tuned.job_arn if job.tuned else None,
        "ModelArtifacts": {"S3ModelArtifacts": str(OutputLocation.of(request).model)},
        "TrainingJobStatus": job.status,
        "SecondaryStatus": job.secondary_status,
        "FailureReason": job.failure_reason,
        "AlgorithmSpecification": _algorithm_specification(job),
        "InputDataConfig": [describe_channel(channel) for channel in request.input_data_config],
        "OutputDataConfig": {"CompressionType": "GZIP", "KmsKeyId": "", **request.output_data_config.as_asked()},
        "ResourceConfig": job.resources.as_asked(),
        "WarmPoolStatus": describe_pool(job),
        "StoppingCondition": {
            "MaxRuntimeInSeconds": request.stopping_condition.max_runtime_in_seconds,
            **request.stopping_condition.as_asked(),
        },
        "CreationTime": job.creation_time,
        "TrainingStartTime": job.start_time,
        "TrainingEndTime": job.end_time,
        "LastModifiedTime": job.last_modified,
        "SecondaryStatusTransitions": [transition.describe() for transition in job.transitions],
        "FinalMetricDataList": _final_metrics(job) or None,
        "TrainingTimeInSeconds": job.seconds_taken,
        "BillableTimeInSeconds": job.seconds_taken,
        "EnableNetworkIsolation": request.enable_network_isolation,
        "EnableInterContainerTrafficEncryption": request.enable_inter_container_traffic_encryption,
        "EnableManagedSpotTraining": request.enable_managed_spot_training,
        **{key: asked[key] for key in _AS_ASKED if key in asked},
        **debugger.describe(request, job.creation_time),
    }
    return {key: value for key, value in description.items() if value is not None}


def summarize(job: TrainingJobRecord) -> dict[str, Any]:
    """One of TrainingJobSummaries."""
    summary = {
        "TrainingJobName": job.name,
        "TrainingJobArn": job.arn,
        "CreationTime": job.creation_time,
        "TrainingEndTime": job.end_time,
        "LastModifiedTime": job.last_modified,
        "TrainingJobStatus": job.status,
        "SecondaryStatus": job.secondary_status,
        "WarmPoolStatus": describe_pool(job),
    }
    return {key: value for key, value in summary.items() if value is not None}


def metric_definitions(request: CreateTrainingJob, region: str) -> tuple[MetricDefinition, ...]:
    """The caller's, or for its own images AWS's."""
    if algorithm := find_algorithm(request, region):
        return BUILTIN_METRICS[algorithm]
    specification = request.algorithm_specification
    return specification.metric_definitions if specification else ()


def job_metrics(job: TrainingJobRecord) -> tuple[MetricDefinition, ...]:
    """The metrics that are read off the job's log: of a tuning job's, its objective once more."""
    definitions = metric_definitions(job.request, job.scope.region)
    return with_objective(definitions, job.tuned.objective) if job.tuned else definitions


def _algorithm_specification(job: TrainingJobRecord) -> dict[str, Any]:
    specification = {"EnableSageMakerMetricsTimeSeries": False, **job.specification.as_asked()}
    if definitions := job_metrics(job):
        specification["MetricDefinitions"] = [definition.as_asked() for definition in definitions]
    return specification


def describe_channel(channel: InputChannel) -> dict[str, Any]:
    """A channel with AWS's defaults."""
    shown = {"CompressionType": "None", "RecordWrapperType": "None", **channel.as_asked()}
    source = channel.data_source.s3_data_source
    if source is not None:
        distribution = {"S3DataDistributionType": source.s3_data_distribution_type}
        shown["DataSource"] = {"S3DataSource": distribution | source.as_asked()}
    return shown


def _final_metrics(job: TrainingJobRecord) -> list[dict[str, Any]]:
    return [
        {"MetricName": name, "Value": metric.value, "Timestamp": metric.timestamp}
        for name, metric in job.final_metrics.items()
    ]


def _taken(arn: str) -> ResourceInUse:
    return ResourceInUse(
        "Training job names must be unique within an AWS account and region, "
        f"and a training job with this name already exists ({arn})"
    )


TRAINING_JOB = Kind(
    record=TrainingJobRecord,
    arn_kind="training-job",
    event="Training Job",
    # The API reference calls Ascending the default order; AWS in fact lists the newest job first.
    listing=Listing(
        result_key="TrainingJobSummaries",
        name_key="TrainingJobName",
        status_key="TrainingJobStatus",
        status_after_page=True,
    ),
    describe=describe,
    summarize=summarize,
    taken=_taken,
    missing=lambda arn: ValidationException("Requested resource not found."),
    searched_as="TrainingJob",
)
