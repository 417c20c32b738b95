"""What of SageMaker's API is supported: the operations, and the members of their requests that are refused.

A member that AWS acts on and Preflight does not is refused by name. Members that have nothing to act on here
(networks, keys, spot capacity) are accepted and described as AWS describes them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from local.sagemaker.errors import UnsupportedByPreflight


def _of_containers(member: str) -> tuple[str, str]:
    """The two places where CreateModel may have ``member`` of a ContainerDefinition."""
    return f"PrimaryContainer.{member}", f"Containers[].{member}"


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
        *_of_containers("ModelPackageName"),
        *_of_containers("ModelDataSource.S3DataSource.HubAccessConfig"),
        *_of_containers("ModelDataSource.S3DataSource.ManifestS3Uri"),
        *_of_containers("ModelDataSource.S3DataSource.ETag"),
        *_of_containers("ModelDataSource.S3DataSource.ManifestEtag"),
        *_of_containers("AdditionalModelDataSources"),
        *_of_containers("InferenceSpecificationName"),
        *_of_containers("MultiModelConfig"),
    ),
    "CreateEndpointConfig": (
        "AsyncInferenceConfig",
        "ExplainerConfig",
        "ShadowProductionVariants",
        "ProductionVariants[].AcceleratorType",
        "ProductionVariants[].CapacityReservationConfig",
        "ProductionVariants[].ManagedInstanceScaling",
        "ProductionVariants[].CoreDumpConfig",
    ),
    "CreateEndpoint": (),
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
