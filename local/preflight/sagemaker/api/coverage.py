"""What of SageMaker's API is supported: each operation with the members of its request that Preflight knows.

A member is acted on, or it is described as AWS describes it because there is nothing here to act on (networks, keys,
spot capacity), or it is not in these tables and refused by name: also one that only a newer botocore knows. What is
refused of a member that is acted on (one value of it, one combination) is a ``RefusedCase``, declared where it is
raised. ``preflight coverage`` prints it all.
"""

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from preflight.sagemaker.api.errors import UnsupportedByPreflight


@dataclass(frozen=True)
class Members:
    """Paths into the request of one operation; ``[]`` stands for every member of a list. What is below counts too."""

    acted: tuple[str, ...]
    described: tuple[str, ...] = ()


def _under(path: str, *members: str) -> tuple[str, ...]:
    return tuple(f"{path}.{member}" for member in members)


def _of_containers(*members: str) -> tuple[str, ...]:
    """The two places where CreateModel may have ``members`` of a ContainerDefinition."""
    return _under("PrimaryContainer", *members) + _under("Containers[]", *members)


_LISTED = ("NextToken", "MaxResults", "NameContains", "SortBy", "SortOrder", "CreationTimeAfter", "CreationTimeBefore")
_MODIFIED = ("LastModifiedTimeAfter", "LastModifiedTimeBefore")
_PROFILER = ("S3OutputPath", "ProfilingIntervalInMilliseconds", "DisableProfiler")
_MODEL_DATA = ("S3Uri", "S3DataType", "CompressionType", "ModelAccessConfig")

_INVOKED = (
    *("EndpointName", "Body", "ContentType", "Accept", "CustomAttributes", "InferenceId"),
    *("TargetVariant", "TargetContainerHostname", "SessionId"),
)

OPERATIONS: dict[str, Members] = {
    "CreateTrainingJob": Members(
        acted=(
            "TrainingJobName",
            "HyperParameters",
            *_under("AlgorithmSpecification", "TrainingImage", "TrainingInputMode", "MetricDefinitions"),
            *_under("AlgorithmSpecification", "ContainerEntrypoint", "ContainerArguments"),
            "RoleArn",
            *_under("InputDataConfig[]", "ChannelName", "ContentType", "CompressionType", "RecordWrapperType"),
            *_under("InputDataConfig[]", "InputMode", "ShuffleConfig"),
            *_under("InputDataConfig[].DataSource.S3DataSource", "S3DataType", "S3Uri", "S3DataDistributionType"),
            *_under("InputDataConfig[].DataSource.S3DataSource", "AttributeNames", "InstanceGroupNames"),
            *_under("OutputDataConfig", "S3OutputPath", "CompressionType", "KmsKeyId"),
            *_under("ResourceConfig", "InstanceType", "InstanceCount", "InstanceGroups", "KeepAlivePeriodInSeconds"),
            *_under("StoppingCondition", "MaxRuntimeInSeconds", "MaxWaitTimeInSeconds", "MaxPendingTimeInSeconds"),
            "CheckpointConfig",
            "TensorBoardOutputConfig",
            "EnableManagedSpotTraining",
            "Environment",
            "Tags",
        ),
        described=(
            *_under("AlgorithmSpecification", "EnableSageMakerMetricsTimeSeries"),
            "AlgorithmSpecification.TrainingImageConfig.TrainingRepositoryAccessMode",
            *_under("ResourceConfig", "VolumeSizeInGB", "VolumeKmsKeyId"),
            "VpcConfig",
            "EnableNetworkIsolation",
            "EnableInterContainerTrafficEncryption",
            *_under("DebugHookConfig", "LocalPath", "S3OutputPath"),
            "DebugRuleConfigurations",
            *_under("ProfilerConfig", *_PROFILER),
            "ProfilerRuleConfigurations",
            "ExperimentConfig.TrialComponentDisplayName",
            "RetryStrategy",
            "InfraCheckConfig",
        ),
    ),
    "DescribeTrainingJob": Members(("TrainingJobName",)),
    "ListTrainingJobs": Members(
        (*_LISTED, *_MODIFIED, "StatusEquals", "WarmPoolStatusEquals", "TrainingPlanArnEquals")
    ),
    "StopTrainingJob": Members(("TrainingJobName",)),
    "UpdateTrainingJob": Members(
        acted=("TrainingJobName", "ResourceConfig"),
        described=(*_under("ProfilerConfig", *_PROFILER), "ProfilerRuleConfigurations"),
    ),
    "DeleteTrainingJob": Members(("TrainingJobName",)),
    "CreateModel": Members(
        acted=(
            "ModelName",
            *_of_containers("ContainerHostname", "Image", "Mode", "ModelDataUrl", "Environment"),
            *(path for member in _MODEL_DATA for path in _of_containers(f"ModelDataSource.S3DataSource.{member}")),
            "InferenceExecutionConfig",
            "ExecutionRoleArn",
            "Tags",
        ),
        described=(*_of_containers("ImageConfig"), "VpcConfig", "EnableNetworkIsolation"),
    ),
    "DescribeModel": Members(("ModelName",)),
    "ListModels": Members(_LISTED),
    "DeleteModel": Members(("ModelName",)),
    "CreateEndpointConfig": Members(
        acted=(
            "EndpointConfigName",
            *_under("ProductionVariants[]", "VariantName", "ModelName", "InitialInstanceCount", "InstanceType"),
            *_under("ProductionVariants[]", "InitialVariantWeight", "ServerlessConfig", "RoutingConfig"),
            *_under("ProductionVariants[]", "ContainerStartupHealthCheckTimeoutInSeconds"),
            "Tags",
        ),
        described=(
            *_under("ProductionVariants[]", "VolumeSizeInGB", "ModelDataDownloadTimeoutInSeconds"),
            *_under("ProductionVariants[]", "EnableSSMAccess", "InferenceAmiVersion"),
            "DataCaptureConfig",
            "KmsKeyId",
            "ExecutionRoleArn",
            "VpcConfig",
            "EnableNetworkIsolation",
            "MetricsConfig",
        ),
    ),
    "DescribeEndpointConfig": Members(("EndpointConfigName",)),
    "ListEndpointConfigs": Members(_LISTED),
    "DeleteEndpointConfig": Members(("EndpointConfigName",)),
    "CreateEndpoint": Members(("EndpointName", "EndpointConfigName", "DeploymentConfig", "Tags")),
    "DescribeEndpoint": Members(("EndpointName",)),
    "ListEndpoints": Members((*_LISTED, *_MODIFIED, "StatusEquals")),
    "UpdateEndpoint": Members(
        (
            "EndpointName",
            "EndpointConfigName",
            "RetainAllVariantProperties",
            "ExcludeRetainedVariantProperties",
            "DeploymentConfig",
            "RetainDeploymentConfig",
        )
    ),
    "UpdateEndpointWeightsAndCapacities": Members(("EndpointName", "DesiredWeightsAndCapacities")),
    "DeleteEndpoint": Members(("EndpointName",)),
    "AddTags": Members(("ResourceArn", "Tags")),
    "ListTags": Members(("ResourceArn", "NextToken", "MaxResults")),
    "DeleteTags": Members(("ResourceArn", "TagKeys")),
    # SageMaker Runtime
    "InvokeEndpoint": Members((*_INVOKED, "TargetModel")),
    "InvokeEndpointWithResponseStream": Members(_INVOKED),
}

# What AWS shows around the API: what there is of it, and what is missing.
AROUND: tuple[tuple[str, str, str], ...] = (
    ("Images", "linear-learner and xgboost; with a Docker engine any image", "other images without Docker"),
    (
        "CloudWatch Logs",
        "groups /aws/sagemaker/TrainingJobs and /aws/sagemaker/Endpoints/[endpoint]",
        "",
    ),
    (
        "CloudWatch, AWS/SageMaker",
        "Invocations, InvocationsPerInstance, Invocation4XXErrors, Invocation5XXErrors, InvocationModelErrors, "
        "ModelLatency, OverheadLatency",
        "concurrency, cold start, streaming and multi-model metrics",
    ),
    (
        "CloudWatch, /aws/sagemaker/TrainingJobs",
        "the algorithm's metrics, by TrainingJobName",
        "CPU, memory, disk and GPU utilization by Host",
    ),
    ("CloudWatch, /aws/sagemaker/Endpoints", "", "CPU, memory, disk and GPU utilization"),
    (
        "EventBridge, source aws.sagemaker",
        "state changes of training jobs, endpoints, endpoint deployments, endpoint configurations and models",
        "",
    ),
)


@dataclass(frozen=True)
class RefusedCase:
    """One value or combination of supported members that AWS allows and Preflight refuses."""

    operation: str
    case: str

    def error(self, where: str = "") -> UnsupportedByPreflight:
        return UnsupportedByPreflight(f"{self.operation} with {self.case}{f' ({where})' if where else ''}")


_cases: list[RefusedCase] = []


def refused_case(operation: str, case: str) -> RefusedCase:
    """Declare a case, once, at the top of the module that refuses it."""
    _cases.append(RefusedCase(operation, case))
    return _cases[-1]


def refused_cases(operation: str) -> list[str]:
    """Those of ``operation``, declared by the modules imported so far."""
    return sorted({declared.case for declared in _cases if declared.operation == operation})


def require_supported(operation: str, request: Mapping[str, Any]) -> None:
    """Raises UnsupportedByPreflight for an unknown operation, or the first member that would be passed over."""
    if operation not in OPERATIONS:
        raise UnsupportedByPreflight(operation)
    unknown = next(_unknown(request, tree(operation), ""), None)
    if unknown:
        raise UnsupportedByPreflight(f"{operation} with {unknown}")


Tree = dict[str, Any]


@functools.cache
def tree(operation: str) -> Tree:
    """The known members of ``operation`` by their steps; an empty one has everything below it known, too."""
    members = OPERATIONS[operation]
    root: Tree = {}
    for path in members.acted + members.described:
        node = root
        for step in path.split("."):
            node = node.setdefault(step.removesuffix("[]"), {})
    return root


def _unknown(value: Mapping[str, Any], known: Tree, path: str) -> Iterator[str]:
    for name, item in value.items():
        if name not in known:
            yield from _set_members(item, f"{path}{name}")
        elif known[name]:
            for mapping in _mappings(item):
                yield from _unknown(mapping, known[name], f"{path}{name}{'[]' if isinstance(item, list) else ''}.")


def _set_members(value: Any, path: str) -> Iterator[str]:
    """What of ``value`` asks for something: false is what a switch is without being named."""
    if isinstance(value, list):
        for item in value:
            yield from _set_members(item, f"{path}[]")
    elif isinstance(value, Mapping) and value:
        for name, item in value.items():
            yield from _set_members(item, f"{path}.{name}")
    elif value not in (None, False):
        yield path


def _mappings(value: Any) -> Iterable[Mapping[str, Any]]:
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, Mapping)]
