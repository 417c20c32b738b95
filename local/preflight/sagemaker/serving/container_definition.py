"""ContainerDefinition: one container of a model as CreateModel gets it.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

from preflight.sagemaker.api.coverage import refused_case
from preflight.sagemaker.api.errors import ValidationException
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.launching.images import require_model_image
from preflight.sagemaker.serving.model_data import ModelData

_MULTI_MODEL = refused_case("CreateModel", "Mode MultiModel")

Definition = Mapping[str, Any]

MAX_ENVIRONMENT_BYTES = 32 * 1024  # over all containers of a model


def require_runnable(context: ServiceContext, scope: Scope, definition: Definition, path: str) -> None:
    """Raises ValidationException unless AWS could run it; ``path`` is where it stands in the request.

    Its image and its data are looked up, as CreateModel does; that the data is a model shows when it is hosted.
    """
    if definition.get("Mode") == "MultiModel":
        raise _MULTI_MODEL.error(path)
    if "Image" not in definition:
        raise ValidationException(f"Image is required for {path}.")  # words guessed
    _require_readable_source(definition, path)
    require_model_image(definition)
    context.launcher.require_image(definition["Image"], scope.region)
    data = ModelData.of(definition)
    if data and not data.is_there(context.services, scope):
        raise ValidationException(f"Could not find model data at {data.url}.")


def require_environment_within_limit(definitions: Iterable[Definition]) -> None:
    size = sum(
        len(name.encode()) + len(value.encode())
        for definition in definitions
        for name, value in definition.get("Environment", {}).items()
    )
    if size > MAX_ENVIRONMENT_BYTES:
        raise ValidationException(  # words guessed
            f"The environment variables of all containers have {size} bytes; at most {MAX_ENVIRONMENT_BYTES} are "
            f"allowed."
        )


def complete(definition: Definition) -> dict[str, Any]:
    """The container with what AWS fills in."""
    completed = {"Environment": {}, "Mode": "SingleModel", **definition}
    if "ModelDataUrl" in definition:
        completed["ModelDataSource"] = {
            "S3DataSource": {
                "S3Uri": definition["ModelDataUrl"],
                "S3DataType": "S3Object",
                "CompressionType": "Gzip",
            }
        }
    return completed


def _require_readable_source(definition: Definition, path: str) -> None:
    url, source = definition.get("ModelDataUrl"), definition.get("ModelDataSource")
    if url and source:
        raise ValidationException(f"{path} cannot have both ModelDataUrl and ModelDataSource.")  # words guessed
    if url and not url.endswith(".tar.gz"):
        raise ValidationException(f"Model data {url} must be a .tar.gz archive.")  # words guessed
    if source and "S3DataSource" not in source:
        raise ValidationException(f"{path}.ModelDataSource must have S3DataSource.")  # words guessed
    if source:
        _require_prefix_of_files(source["S3DataSource"], path)


def _require_prefix_of_files(source: Mapping[str, Any], path: str) -> None:
    if source["S3DataType"] != "S3Prefix":
        return
    if source["CompressionType"] != "None":
        raise ValidationException(  # words guessed
            f"{path}.ModelDataSource.S3DataSource with S3DataType S3Prefix must have CompressionType None."
        )
    if not source["S3Uri"].endswith("/"):
        raise ValidationException(  # words guessed
            f"{path}.ModelDataSource.S3DataSource.S3Uri must end with a forward slash (/) when S3DataType is S3Prefix."
        )
