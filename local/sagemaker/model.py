"""Model: an image and the data it serves."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.sagemaker.context import ServiceContext
from local.sagemaker.errors import ValidationException
from local.sagemaker.images import require_model_image
from local.sagemaker.listing import Listing
from local.sagemaker.other_services import S3Uri
from local.sagemaker.store import Scope
from local.sagemaker.tags import tag_resource

_LISTING = Listing(result_key="Models", name_key="ModelName")


@dataclass(frozen=True)
class Model:
    """One container, as DescribeModel shows it. A model does not change; it has no states."""

    name: str
    arn: str
    request: Mapping[str, Any]
    creation_time: datetime

    @property
    def container(self) -> Mapping[str, Any]:
        container: Mapping[str, Any] = self.request["PrimaryContainer"]
        return container

    def describe(self) -> dict[str, Any]:
        shown = ("PrimaryContainer", "ExecutionRoleArn", "VpcConfig")
        return {
            "ModelName": self.name,
            "ModelArn": self.arn,
            "CreationTime": self.creation_time,
            "EnableNetworkIsolation": self.request.get("EnableNetworkIsolation", False),
            **{key: self.request[key] for key in shown if key in self.request},
        }

    def summary(self) -> dict[str, Any]:
        return {"ModelName": self.name, "ModelArn": self.arn, "CreationTime": self.creation_time}


class Models:
    """Operations on Model."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    def create(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        name = request["ModelName"]
        arn = scope.arn("model", name)
        container = request.get("PrimaryContainer")
        if container is None:
            raise ValidationException("Either PrimaryContainer or Containers must be provided.")  # words guessed
        if "Image" not in container:
            raise ValidationException("Image is required for the primary container.")  # words guessed
        if "ExecutionRoleArn" not in request:
            raise ValidationException("ExecutionRoleArn is required.")  # words guessed
        self._require_free_name(scope, name, arn)
        self._context.services.require_assumable_role(scope, request["ExecutionRoleArn"])
        require_model_image(container)
        self._context.launcher.require_image(container["Image"], scope.region)
        self._require_model_data(scope, container.get("ModelDataUrl"))
        model = Model(name, arn, {**request, "PrimaryContainer": _completed(container)}, datetime.now(UTC))
        with self._context.stores.lock:
            self._require_free_name(scope, name, arn)
            tag_resource(self._context.stores[scope], arn, request.get("Tags", []))
            self._context.stores[scope].models[name] = model
        return {"ModelArn": arn}

    def describe(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        return self.require(scope, request["ModelName"]).describe()

    def list(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        with self._context.stores.lock:
            summaries = [model.summary() for model in self._context.stores[scope].models.values()]
        return _LISTING.page(summaries, request)

    def delete(self, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        """Also while an endpoint serves it: AWS only warns against that in its documentation."""
        with self._context.stores.lock:
            model = self.require(scope, request["ModelName"])
            store = self._context.stores[scope]
            del store.models[model.name]
            store.tags.pop(model.arn, None)
        return {}

    def require(self, scope: Scope, name: str) -> Model:
        with self._context.stores.lock:
            model = self._context.stores[scope].models.get(name)
        if model is None:
            raise ValidationException(f'Could not find model "{scope.arn("model", name)}".')
        return model

    def _require_free_name(self, scope: Scope, name: str, arn: str) -> None:
        with self._context.stores.lock:
            if name in self._context.stores[scope].models:
                raise ValidationException(f'Cannot create already existing model "{arn}".')

    def _require_model_data(self, scope: Scope, url: str | None) -> None:
        if url is None:
            return
        if not url.endswith(".tar.gz"):
            raise ValidationException(f"Model data {url} must be a .tar.gz archive.")  # words guessed
        if not self._context.services.has_object(scope, S3Uri.parse(url)):
            raise ValidationException(f"Could not find model data at {url}.")


def _completed(container: Mapping[str, Any]) -> dict[str, Any]:
    """The container with what AWS fills in."""
    completed = {"Environment": {}, "Mode": "SingleModel", **container}
    if "ModelDataUrl" in container:
        completed["ModelDataSource"] = {
            "S3DataSource": {
                "S3Uri": container["ModelDataUrl"],
                "S3DataType": "S3Object",
                "CompressionType": "Gzip",
            }
        }
    return completed
