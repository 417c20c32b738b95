"""What AWS asks of a production variant, on instances or serverless, beyond the API's own model.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html
https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
"""

from collections.abc import Sequence

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.api.operation import RefusedCase
from preflight.sagemaker.hosting.request import CreateEndpointConfig, ProductionVariant, ServerlessConfig
from preflight.sagemaker.serving.model import ModelRecord

_NO_MODEL = RefusedCase("CreateEndpointConfig", "a production variant without ModelName")
REFUSED = (_NO_MODEL,)

MEMORY_STEP_MB = 1024

# Members of a variant on instances; those that Preflight does not know are refused by name before this is asked.
_OF_INSTANCES = (
    "InstanceType",
    "InitialInstanceCount",
    "VolumeSizeInGB",
    "ModelDataDownloadTimeoutInSeconds",
    "ContainerStartupHealthCheckTimeoutInSeconds",
    "EnableSSMAccess",
    "RoutingConfig",
    "InferenceAmiVersion",
)


def require_complete(variant: ProductionVariant) -> str:
    """The name of the variant's model.

    Raises:
        ValidationException: it cannot be hosted. The model of the API does not tell which members go together.
    """
    if variant.model_name is None:
        # AWS allows that where inference components bring the models.
        raise _NO_MODEL.error(variant.variant_name)
    if variant.serverless_config:
        _require_serverless(variant, variant.serverless_config)
        return variant.model_name
    for member, value in (
        ("InstanceType", variant.instance_type),
        ("InitialInstanceCount", variant.initial_instance_count),
    ):
        if value is None:
            raise ValidationException(guessed(f"{member} is required for production variant {variant.variant_name}."))
    return variant.model_name


def require_together(variants: Sequence[ProductionVariant]) -> None:
    """Raises ValidationException if one configuration cannot hold all of ``variants``."""
    names = [variant.variant_name for variant in variants]
    if len(set(names)) < len(names):
        raise ValidationException(guessed("Production variant names must be unique within an endpoint configuration."))
    if len(variants) > 1 and any(variant.serverless_config for variant in variants):
        raise ValidationException(guessed("A serverless endpoint can only have one production variant."))


def require_shadowed(request: CreateEndpointConfig) -> None:
    """Raises ValidationException if its shadow variant cannot be one."""
    variants, shadows = request.production_variants, request.shadow_production_variants
    if not shadows:
        return
    if len(variants) != 1 or len(shadows) != 1:
        raise ValidationException(
            guessed("Shadow variants need exactly one production variant and one shadow variant.")
        )
    if request.async_inference_config:
        raise ValidationException(guessed("ShadowProductionVariants and AsyncInferenceConfig cannot be used together."))


def require_comparable(model: ModelRecord) -> None:
    """Raises ValidationException for a model that shadow tests do not take."""
    if model.is_multi_model or model.is_direct:
        raise ValidationException(guessed(f'Model "{model.arn}" cannot be used with shadow variants.'))


def require_hostable(variant: ProductionVariant, model: ModelRecord) -> None:
    """Raises ValidationException if ``model`` uses what serverless endpoints do not have."""
    if variant.serverless_config is None:
        return
    excluded = {
        "Mode MultiModel": model.is_multi_model,
        "an inference pipeline": len(model.containers) > 1,
        "VpcConfig": model.request.vpc_config is not None,
        "network isolation": model.request.enable_network_isolation,
        "ModelDataSource": any(definition.model_data_source for definition in model.containers.values()),
    }
    for what, is_used in excluded.items():
        if is_used:
            raise ValidationException(
                guessed(f'Model "{model.arn}" cannot be hosted on a serverless endpoint: {what} is not supported.')
            )


def _require_serverless(variant: ProductionVariant, serverless: ServerlessConfig) -> None:
    name, asked = variant.variant_name, variant.as_asked()
    for member in _OF_INSTANCES:
        if member in asked:
            raise ValidationException(
                guessed(f"{member} cannot be specified with ServerlessConfig for production variant {name}.")
            )
    if serverless.memory_size_in_mb % MEMORY_STEP_MB:
        raise ValidationException(
            guessed(
                f"MemorySizeInMB of production variant {name} must be 1024, 2048, 3072, 4096, 5120 or 6144, "
                f"not {serverless.memory_size_in_mb}."
            )
        )
    require_concurrency(name, serverless)


def require_concurrency(variant_name: str, serverless: ServerlessConfig) -> None:
    """Raises ValidationException if more is provisioned than there may be."""
    if (serverless.provisioned_concurrency or 0) > serverless.max_concurrency:
        raise ValidationException(
            guessed(
                f"ProvisionedConcurrency of production variant {variant_name} must be less than or equal to its "
                f"MaxConcurrency, {serverless.max_concurrency}."
            )
        )
