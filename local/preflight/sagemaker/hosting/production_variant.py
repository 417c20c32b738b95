"""ProductionVariant: what an endpoint configuration asks for, on instances or serverless.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html
https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
"""

from collections.abc import Mapping
from typing import Any

from preflight.sagemaker.api.coverage import refused_case
from preflight.sagemaker.api.errors import ValidationException
from preflight.sagemaker.serving.model import Model

_NO_MODEL = refused_case("CreateEndpointConfig", "a production variant without ModelName")

MEMORY_STEP_MB = 1024

_OF_INSTANCES = (
    "InstanceType",
    "InitialInstanceCount",
    "AcceleratorType",
    "VolumeSizeInGB",
    "ModelDataDownloadTimeoutInSeconds",
    "ContainerStartupHealthCheckTimeoutInSeconds",
    "EnableSSMAccess",
    "ManagedInstanceScaling",
    "RoutingConfig",
    "InferenceAmiVersion",
    "CapacityReservationConfig",
)


def complete(variant: Mapping[str, Any]) -> dict[str, Any]:
    """The variant with AWS's defaults.

    Raises:
        ValidationException: it cannot be hosted. The model of the API does not tell which members go together.
    """
    name = variant["VariantName"]
    if "ModelName" not in variant:
        # AWS allows that where inference components bring the models.
        raise _NO_MODEL.error(name)
    if "ServerlessConfig" in variant:
        _require_serverless(variant, variant["ServerlessConfig"])
    else:
        for member in ("InstanceType", "InitialInstanceCount"):
            if member not in variant:
                raise ValidationException(f"{member} is required for production variant {name}.")  # words guessed
    return {"InitialVariantWeight": 1.0, **variant}


def require_together(variants: "list[dict[str, Any]]") -> None:
    """Raises ValidationException if one configuration cannot hold all of ``variants``."""
    names = [variant["VariantName"] for variant in variants]
    if len(set(names)) < len(names):
        raise ValidationException(  # words guessed
            "Production variant names must be unique within an endpoint configuration."
        )
    if len(variants) > 1 and any("ServerlessConfig" in variant for variant in variants):
        raise ValidationException("A serverless endpoint can only have one production variant.")  # words guessed


def require_hostable(variant: Mapping[str, Any], model: Model) -> None:
    """Raises ValidationException if ``model`` uses what serverless endpoints do not have."""
    if "ServerlessConfig" not in variant:
        return
    excluded = {
        "an inference pipeline": len(model.containers) > 1,
        "VpcConfig": "VpcConfig" in model.request,
        "network isolation": model.request.get("EnableNetworkIsolation", False),
        "ModelDataSource": any(
            "ModelDataSource" in definition and "ModelDataUrl" not in definition
            for definition in model.containers.values()
        ),
    }
    for what, is_used in excluded.items():
        if is_used:
            raise ValidationException(  # words guessed
                f'Model "{model.arn}" cannot be hosted on a serverless endpoint: {what} is not supported.'
            )


def _require_serverless(variant: Mapping[str, Any], serverless: Mapping[str, int]) -> None:
    name = variant["VariantName"]
    for member in _OF_INSTANCES:
        if member in variant:
            raise ValidationException(  # words guessed
                f"{member} cannot be specified with ServerlessConfig for production variant {name}."
            )
    if serverless["MemorySizeInMB"] % MEMORY_STEP_MB:
        raise ValidationException(  # words guessed
            f"MemorySizeInMB of production variant {name} must be 1024, 2048, 3072, 4096, 5120 or 6144, "
            f"not {serverless['MemorySizeInMB']}."
        )
    require_concurrency(name, serverless)


def require_concurrency(variant_name: str, serverless: Mapping[str, int]) -> None:
    if serverless.get("ProvisionedConcurrency", 0) > serverless["MaxConcurrency"]:
        raise ValidationException(  # words guessed
            f"ProvisionedConcurrency of production variant {variant_name} must be less than or equal to its "
            f"MaxConcurrency, {serverless['MaxConcurrency']}."
        )
