"""Model: the container, or the pipeline of containers, that is made to answer."""

from typing import Any

from preflight.sagemaker.api.errors import ValidationException
from preflight.sagemaker.api.listing import Listing
from preflight.sagemaker.resources.record import Record
from preflight.sagemaker.resources.table import Kind
from preflight.sagemaker.serving.request import ContainerDefinition, CreateModel


class ModelRecord(Record):
    """A model does not change; it has no states.

    ``definitions`` are its containers in order, those of model packages among them: packages may go, models stay.
    """

    request: CreateModel
    definitions: tuple[ContainerDefinition, ...]

    @property
    def containers(self) -> dict[str, ContainerDefinition]:
        """Its containers in order, by the names that errors and logs give them."""
        if self.request.primary_container and len(self.definitions) == 1:
            return {"primary": self.definitions[0]}
        return {
            definition.container_hostname or f"container-{place}": definition
            for place, definition in enumerate(self.definitions, start=1)
        }

    @property
    def role_arn(self) -> str:
        """The role that fetches its data, writes its logs, and that its containers act as."""
        assert self.request.execution_role_arn is not None  # CreateModel requires it
        return self.request.execution_role_arn

    @property
    def is_multi_model(self) -> bool:
        """Whether a request names the model it is for, of those below the container's ModelDataUrl."""
        return any(definition.is_multi_model for definition in self.definitions)

    @property
    def is_direct(self) -> bool:
        """Whether a request names the one container it is for (InferenceExecutionConfig Direct)."""
        execution = self.request.inference_execution_config
        return execution is not None and execution.mode == "Direct"


def describe(model: ModelRecord) -> dict[str, Any]:
    asked = model.request.as_asked()
    description = {
        "ModelName": model.name,
        "PrimaryContainer": _container(model.request.primary_container),
        "Containers": [_container(definition) for definition in model.request.containers],
        "InferenceExecutionConfig": asked.get("InferenceExecutionConfig"),
        "ExecutionRoleArn": model.request.execution_role_arn,
        "VpcConfig": model.request.vpc_config,
        "CreationTime": model.creation_time,
        "ModelArn": model.arn,
        "EnableNetworkIsolation": model.request.enable_network_isolation,
    }
    return {key: value for key, value in description.items() if value is not None and value != []}


def summarize(model: ModelRecord) -> dict[str, Any]:
    return {"ModelName": model.name, "ModelArn": model.arn, "CreationTime": model.creation_time}


def _container(definition: ContainerDefinition | None) -> dict[str, Any] | None:
    """The container with what AWS fills in."""
    if definition is None:
        return None
    shown = {"Environment": {}, "Mode": definition.mode, **definition.as_asked()}
    if (url := definition.model_data_url) and not definition.is_multi_model:
        source = {"S3Uri": url, "S3DataType": "S3Object", "CompressionType": "Gzip"}
        shown["ModelDataSource"] = {"S3DataSource": source}
    return shown


MODEL = Kind(
    record=ModelRecord,
    arn_kind="model",
    event="Model",
    listing=Listing(result_key="Models", name_key="ModelName"),
    describe=describe,
    summarize=summarize,
    taken=lambda arn: ValidationException(f'Cannot create already existing model "{arn}".'),
    missing=lambda arn: ValidationException(f'Could not find model "{arn}".'),
    searched_as="Model",
    found=lambda model: {"Model": describe(model)},
)
