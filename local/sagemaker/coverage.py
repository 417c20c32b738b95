"""What of SageMaker's API is supported: the operations, and the members of their requests that are refused.

A member that AWS acts on and Preflight does not is refused by name. Members that have nothing to act on here
(networks, keys, spot capacity) are accepted and described as AWS describes them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from local.sagemaker.errors import UnsupportedByPreflight

# Paths into the request; ``[]`` stands for every member of a list.
REFUSED_MEMBERS: dict[str, tuple[str, ...]] = {
    "CreateTrainingJob": (
        "AlgorithmSpecification.AlgorithmName",
        "AlgorithmSpecification.TrainingImageConfig.TrainingRepositoryAuthConfig",
        "InputDataConfig[].DataSource.FileSystemDataSource",
        "InputDataConfig[].DataSource.DatasetSource",
        "InputDataConfig[].DataSource.S3DataSource.HubAccessConfig",
        "InputDataConfig[].DataSource.S3DataSource.ModelAccessConfig",
        "ResourceConfig.TrainingPlanArn",
        "ResourceConfig.InstancePlacementConfig",
        "DebugHookConfig.HookParameters",
        "DebugHookConfig.CollectionConfigurations",
        "ProfilerConfig.ProfilingParameters",
        "ExperimentConfig.ExperimentName",
        "ExperimentConfig.TrialName",
        "ExperimentConfig.RunName",
        "RemoteDebugConfig.EnableRemoteDebug",
        "ServerlessJobConfig",
        "MlflowConfig",
        "ModelPackageConfig",
        "SessionChainingConfig.EnableSessionTagChaining",
    ),
    "UpdateTrainingJob": ("ProfilerConfig.ProfilingParameters", "RemoteDebugConfig.EnableRemoteDebug"),
    "CreateModel": (
        "Containers",
        "PrimaryContainer.ModelPackageName",
        "PrimaryContainer.ModelDataSource",
        "PrimaryContainer.AdditionalModelDataSources",
        "PrimaryContainer.InferenceSpecificationName",
        "PrimaryContainer.MultiModelConfig",
        "InferenceExecutionConfig",
    ),
    "CreateEndpointConfig": (
        "DataCaptureConfig",
        "AsyncInferenceConfig",
        "ExplainerConfig",
        "ShadowProductionVariants",
        "ProductionVariants[].ServerlessConfig",
        "ProductionVariants[].AcceleratorType",
        "ProductionVariants[].ManagedInstanceScaling",
        "ProductionVariants[].CoreDumpConfig",
    ),
    "CreateEndpoint": (),
    "UpdateEndpoint": ("RetainAllVariantProperties", "ExcludeRetainedVariantProperties", "DeploymentConfig"),
}


def require_supported(operation: str, request: Mapping[str, Any]) -> None:
    """Raises UnsupportedByPreflight for the first member of ``request`` that would be passed over in silence."""
    for path in REFUSED_MEMBERS.get(operation, ()):
        if any(_values(request, path.split("."))):
            raise UnsupportedByPreflight(f"{operation} with {path}")


def _values(value: Any, path: list[str]) -> Iterator[Any]:
    """What stands at ``path``; nothing where a step is missing."""
    if not path:
        yield value
        return
    step, rest = path[0], path[1:]
    found = value.get(step.removesuffix("[]")) if isinstance(value, Mapping) else None
    if found is None:
        return
    for item in found if step.endswith("[]") else [found]:
        yield from _values(item, rest)
