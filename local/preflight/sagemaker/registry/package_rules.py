"""What AWS asks of a model package beyond the API's own model.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html
"""

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.api.operation import RefusedCase
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.s3 import S3Uri
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.registry.request import (
    AdditionalInferenceSpecification,
    CreateModelPackage,
    InferenceSpecification,
    ModelPackageContainer,
)
from preflight.sagemaker.serving import container_rules
from preflight.sagemaker.serving.model_data import ModelData

_MARKETPLACE = RefusedCase("CreateModelPackage", "CertifyForMarketplace true")
REFUSED = (_MARKETPLACE,)

MAX_ADDITIONAL_SPECIFICATIONS = 15
MAX_METADATA = 50


def require_valid(context: ServiceContext, scope: Scope, request: CreateModelPackage) -> None:
    """Return if AWS would take ``request``: its model data is looked up. That its images run shows in CreateModel.

    Raises:
        ValidationException, UnsupportedByPreflight
    """
    if request.certify_for_marketplace:
        raise _MARKETPLACE.error()
    if request.model_package_group_name is None:
        _require_unversioned(request)
    elif request.tags:
        raise ValidationException(
            guessed("Tags cannot be given to a versioned model package: it has those of its model package group.")
        )
    if request.inference_specification and request.source_uri is not None:
        raise ValidationException(guessed("SourceUri and InferenceSpecification cannot both be provided."))
    if request.inference_specification is None and request.source_uri is None:
        raise ValidationException(
            guessed("One of InferenceSpecification, SourceAlgorithmSpecification and SourceUri must be provided.")
        )
    if request.inference_specification:
        require_specification(context, scope, request.inference_specification, "InferenceSpecification")
    require_additional(context, scope, request.additional_inference_specifications)


def _require_unversioned(request: CreateModelPackage) -> None:
    """Those of a name of their own have more to bring, and know neither SourceUri nor ModelDataSource."""
    specification = request.inference_specification
    if request.source_uri is not None:
        raise ValidationException(guessed("SourceUri is not supported for unversioned model packages."))
    if specification is None:
        return
    if any(container.model_data_source for container in specification.containers):
        raise ValidationException(guessed("ModelDataSource is not supported for unversioned model packages."))
    asked = specification.as_asked()
    for member in ("SupportedTransformInstanceTypes", "SupportedRealtimeInferenceInstanceTypes"):
        if not asked.get(member):
            raise ValidationException(guessed(f"{member} is required for unversioned model packages."))


def require_specification(
    context: ServiceContext, scope: Scope, specification: InferenceSpecification, path: str
) -> None:
    for place, container in enumerate(specification.containers):
        _require_container(context, scope, container, f"{path}.Containers[{place}]")
    names = [name for container in specification.containers if (name := container.container_hostname)]
    if len(set(names)) < len(names):
        raise ValidationException(guessed(f"ContainerHostname must be unique within {path}."))


def require_additional(
    context: ServiceContext, scope: Scope, specifications: tuple[AdditionalInferenceSpecification, ...]
) -> None:
    """All that a package would have: their names differ."""
    if len(specifications) > MAX_ADDITIONAL_SPECIFICATIONS:
        raise ValidationException(
            guessed(f"A model package can have {MAX_ADDITIONAL_SPECIFICATIONS} additional inference specifications.")
        )
    if len({each.name for each in specifications}) < len(specifications):
        raise ValidationException(guessed("Names of additional inference specifications must be unique."))
    for place, specification in enumerate(specifications):
        require_specification(context, scope, specification, f"AdditionalInferenceSpecifications[{place}]")


def require_metadata(properties: dict[str, str]) -> None:
    if len(properties) > MAX_METADATA:
        raise ValidationException(guessed(f"A model package can have {MAX_METADATA} customer metadata properties."))


def _require_container(context: ServiceContext, scope: Scope, container: ModelPackageContainer, path: str) -> None:
    definition = container.definition({})
    container_rules.require_complete(definition, path)
    data = ModelData.of(definition)
    if data and not data.is_there(context.services, scope):
        uri = S3Uri.parse(data.url)
        raise ValidationException(
            guessed(
                f"Access denied for bucket: {uri.bucket}, object key: {uri.key}. Please ensure that the object exists "
                "and that your role has s3:GetObject permissions."
            )
        )
