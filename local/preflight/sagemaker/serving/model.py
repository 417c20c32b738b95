"""Model: the container, or the pipeline of containers, that an endpoint serves."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from preflight.sagemaker.api.coverage import refused_case
from preflight.sagemaker.api.errors import ValidationException
from preflight.sagemaker.api.listing import Listing
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws import roles
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.launching.programs import find_builtin_algorithm
from preflight.sagemaker.resources.tags import tag_resource
from preflight.sagemaker.serving.container_definition import (
    Definition,
    complete,
    require_environment_within_limit,
    require_runnable,
)

_LISTING = Listing(result_key="Models", name_key="ModelName")
# The built-in algorithms ask nothing of the network; what another image asks would be let through here.
_ISOLATION = refused_case("CreateModel", "EnableNetworkIsolation and an image other than a built-in algorithm's")
_SHOWN = ("PrimaryContainer", "Containers", "InferenceExecutionConfig", "ExecutionRoleArn", "VpcConfig")


@dataclass(frozen=True)
class Model:
    """As DescribeModel shows it. A model does not change; it has no states."""

    name: str
    arn: str
    request: Mapping[str, Any]
    creation_time: datetime

    @property
    def containers(self) -> dict[str, Definition]:
        """Its containers in order, by the names that errors and logs give them."""
        if primary := self.request.get("PrimaryContainer"):
            return {"primary": primary}
        return {
            definition.get("ContainerHostname", f"container-{place}"): definition
            for place, definition in enumerate(self.request["Containers"], start=1)
        }

    @property
    def is_direct(self) -> bool:
        """Whether a request names the one container it is for (InferenceExecutionConfig Direct)."""
        return bool(self.request.get("InferenceExecutionConfig", {}).get("Mode") == "Direct")

    def describe(self) -> dict[str, Any]:
        return {
            "ModelName": self.name,
            "ModelArn": self.arn,
            "CreationTime": self.creation_time,
            "EnableNetworkIsolation": self.request.get("EnableNetworkIsolation", False),
            **{key: value for key in _SHOWN if (value := self.request.get(key))},
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
        definitions = _require_definitions(request)
        if "ExecutionRoleArn" not in request:
            raise ValidationException("ExecutionRoleArn is required.")  # words guessed
        self._require_free_name(scope, name, arn)
        roles.require_assumable_role(self._context.services, scope, request["ExecutionRoleArn"])
        for path, definition in definitions.items():
            require_runnable(self._context, scope, definition, path)
            if request.get("EnableNetworkIsolation") and not find_builtin_algorithm(definition["Image"], scope.region):
                raise _ISOLATION.error(path)
        with self._context.stores.lock:
            self._require_free_name(scope, name, arn)
            tag_resource(self._context.stores[scope], arn, request.get("Tags", []))
            model = Model(name, arn, _completed(request), datetime.now(UTC))
            self._context.stores[scope].models[name] = model
            self._context.events.write(scope, "Model", arn, model.describe())
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
            self._context.events.write(scope, "Model", model.arn, model.describe())
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


def _require_definitions(request: Mapping[str, Any]) -> "dict[str, Definition]":
    """The request's containers by where they stand in it. Raises ValidationException if they do not go together."""
    primary, containers = request.get("PrimaryContainer"), request.get("Containers") or []
    if primary is None and not containers:
        raise ValidationException("Either PrimaryContainer or Containers must be provided.")  # words guessed
    if primary is not None and containers:
        raise ValidationException("PrimaryContainer and Containers cannot both be provided.")  # words guessed
    if primary is not None:
        definitions = {"PrimaryContainer": primary}
    else:
        definitions = {f"Containers[{place}]": definition for place, definition in enumerate(containers)}
    _require_names(list(definitions.values()), request.get("InferenceExecutionConfig"))
    require_environment_within_limit(definitions.values())
    return definitions


def _require_names(definitions: "list[Definition]", execution: Mapping[str, Any] | None) -> None:
    """A pipeline's containers are all named or none; those called directly must be."""
    names = [definition["ContainerHostname"] for definition in definitions if "ContainerHostname" in definition]
    if len(definitions) > 1 and names and len(names) < len(definitions):
        raise ValidationException(  # words guessed
            "ContainerHostname must be specified for all containers of an inference pipeline, or for none."
        )
    if len(set(names)) < len(names):
        raise ValidationException("ContainerHostname must be unique within a model.")  # words guessed
    if execution and execution["Mode"] == "Direct" and (len(definitions) < 2 or not names):
        raise ValidationException(  # words guessed
            "InferenceExecutionConfig with Mode Direct needs two or more Containers, each with a ContainerHostname."
        )


def _completed(request: Mapping[str, Any]) -> dict[str, Any]:
    """The request with what AWS fills in."""
    completed = dict(request)
    if primary := request.get("PrimaryContainer"):
        completed["PrimaryContainer"] = complete(primary)
    if containers := request.get("Containers"):
        completed["Containers"] = [complete(definition) for definition in containers]
    return completed
