"""What AWS asks of one container of a model beyond the API's own model.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
"""

from collections.abc import Iterable

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.api.operation import RefusedCase
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.s3 import S3Uri
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.launching.framework_images import framework_of
from preflight.sagemaker.launching.images import require_model_image
from preflight.sagemaker.launching.programs import find_builtin_algorithm
from preflight.sagemaker.serving.model_data import ModelData
from preflight.sagemaker.serving.request import ContainerDefinition, S3ModelDataSource

_MULTI_MODEL_PIPELINE = RefusedCase("CreateModel", "Mode MultiModel in a pipeline")
# XGBoost's image also runs a script of the caller's.
_SCRIPT_MODE = RefusedCase("CreateModel", "SAGEMAKER_PROGRAM and the image of a built-in algorithm other than XGBoost")
REFUSED = (_MULTI_MODEL_PIPELINE, _SCRIPT_MODE)

MAX_ENVIRONMENT_BYTES = 32 * 1024  # over all containers of a model


def require_runnable(
    context: ServiceContext, scope: Scope, role_arn: str, definition: ContainerDefinition, path: str
) -> str:
    """The container's image, if AWS could run it; ``path`` is where it stands in the request.

    Its image and its data are looked up, as CreateModel does; that the data is a model shows when it is hosted.

    Raises:
        ValidationException, UnsupportedByPreflight
    """
    if definition.is_multi_model:
        _require_models(definition, path)
    image, script = require_complete(definition, path), definition.runs_script
    if script and find_builtin_algorithm(image, scope.region) and not framework_of(image, scope.region):
        raise _SCRIPT_MODE.error(path)
    context.launcher.require_image(image, scope.region, script=script)
    data = ModelData.of(definition)
    if data and not data.is_there(context.services.acting_as(role_arn, scope), scope):
        raise _unreachable(data, role_arn, scope, is_there=data.is_there(context.services, scope))
    return image


def require_complete(definition: ContainerDefinition, path: str) -> str:
    """The container's image, where AWS could pull it, beside model data in a form that it takes.

    Raises:
        ValidationException: also if there is no image.
    """
    if definition.image is None:
        raise ValidationException(guessed(f"Image is required for {path}."))
    _require_readable_source(definition, path)
    access = definition.image_config
    require_model_image(definition.image, access.repository_access_mode if access else None)
    return definition.image


def _unreachable(data: ModelData, role_arn: str, scope: Scope, *, is_there: bool) -> ValidationException:
    """Model data that the role does not get to see."""
    if not is_there:
        return ValidationException(f"Could not find model data at {data.url}.")
    return ValidationException(
        f'Could not access model data at {data.url}. Please ensure that the role "{role_arn}" exists and that its '
        'trust relationship policy allows the action "sts:AssumeRole" for the service principal '
        '"sagemaker.amazonaws.com". Also ensure that the role has "s3:GetObject" permissions and that the object is '
        f"located in {scope.region}. If your Model uses multiple models or uncompressed models, please ensure that the "
        'role has "s3:ListBucket" permission.'
    )


def require_package_only(definition: ContainerDefinition, path: str) -> None:
    """Raises ValidationException if a container of a model package says itself what the package says."""
    if definition.image or definition.model_data_url or definition.model_data_source:
        raise ValidationException(
            guessed(f"{path} with ModelPackageName cannot have Image, ModelDataUrl or ModelDataSource.")
        )


def require_environment_within_limit(definitions: Iterable[ContainerDefinition]) -> None:
    size = sum(
        len(name.encode()) + len(value.encode())
        for definition in definitions
        for name, value in definition.environment.items()
    )
    if size > MAX_ENVIRONMENT_BYTES:
        raise ValidationException(
            guessed(
                f"The environment variables of all containers have {size} bytes; at most {MAX_ENVIRONMENT_BYTES} are "
                f"allowed."
            )
        )


def _require_models(definition: ContainerDefinition, path: str) -> None:
    if path != "PrimaryContainer":
        raise _MULTI_MODEL_PIPELINE.error(path)
    if definition.model_data_source:
        raise ValidationException(guessed(f"{path} with Mode MultiModel cannot have ModelDataSource."))
    if not definition.model_data_url:
        raise ValidationException(guessed(f"ModelDataUrl is required for {path} with Mode MultiModel."))
    S3Uri.parse(definition.model_data_url)


def _require_readable_source(definition: ContainerDefinition, path: str) -> None:
    url, source = definition.model_data_url, definition.model_data_source
    if url and source:
        raise ValidationException(guessed(f"{path} cannot have both ModelDataUrl and ModelDataSource."))
    if url and not definition.is_multi_model and not url.endswith(".tar.gz"):
        raise ValidationException(guessed(f"Model data {url} must be a .tar.gz archive."))
    if source is None:
        return
    if source.s3_data_source is None:
        raise ValidationException(guessed(f"{path}.ModelDataSource must have S3DataSource."))
    _require_prefix_of_files(source.s3_data_source, path)


def _require_prefix_of_files(source: S3ModelDataSource, path: str) -> None:
    if source.s3_data_type != "S3Prefix":
        return
    where = f"{path}.ModelDataSource.S3DataSource"
    if source.compression_type != "None":
        raise ValidationException(guessed(f"{where} with S3DataType S3Prefix must have CompressionType None."))
    if not source.s3_uri.endswith("/"):
        raise ValidationException(
            guessed(f"{where}.S3Uri must end with a forward slash (/) when S3DataType is S3Prefix.")
        )
