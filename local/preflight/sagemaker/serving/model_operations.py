"""The operations on Model."""

from collections.abc import Iterator
from typing import Protocol

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.api.operation import Answer, RefusedCase, operation
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws.roles import require_assumable_role
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.launching.programs import find_builtin_algorithm
from preflight.sagemaker.resources.table import Table
from preflight.sagemaker.serving import container_rules
from preflight.sagemaker.serving.model import MODEL, ModelRecord
from preflight.sagemaker.serving.request import (
    ContainerDefinition,
    CreateModel,
    DeleteModel,
    DescribeModel,
    InferenceExecutionConfig,
    ListModels,
)

# The built-in algorithms ask nothing of the network; what another image asks would be let through here.
_ISOLATION = RefusedCase("CreateModel", "EnableNetworkIsolation and an image other than a built-in algorithm's")


class Packages(Protocol):
    """The model packages there are."""

    def containers(self, scope: Scope, arn: str, environment: dict[str, str]) -> tuple[ContainerDefinition, ...]:
        """Those of a package that may be deployed, with more ``environment``. Raises ServiceError."""


class Models:
    def __init__(self, context: ServiceContext, packages: Packages) -> None:
        self._context = context
        self._packages = packages
        self.table: Table[ModelRecord] = Table(context.resources, MODEL)

    @operation(CreateModel, refuses=(_ISOLATION, *container_rules.REFUSED))
    def create(self, scope: Scope, request: CreateModel) -> Answer:
        name, role_arn = request.model_name, request.execution_role_arn
        asked = _require_definitions(request)
        if role_arn is None:
            raise ValidationException(guessed("ExecutionRoleArn is required."))
        self.table.require_free(scope, name)
        require_assumable_role(self._context.services, scope, role_arn)
        definitions = list(self._unpacked(scope, asked))
        for path, definition in definitions:
            image = container_rules.require_runnable(self._context, scope, role_arn, definition, path)
            is_builtin = find_builtin_algorithm(image, scope.region) and not definition.runs_script
            if request.enable_network_isolation and not is_builtin:
                raise _ISOLATION.error(path)
        model = ModelRecord(
            scope=scope,
            name=name,
            arn=self.table.arn(scope, name),
            request=request,
            definitions=tuple(definition for _, definition in definitions),
        )
        self.table.add(model, request.tags)
        return {"ModelArn": model.arn}

    @operation(DescribeModel)
    def describe(self, scope: Scope, request: DescribeModel) -> Answer:
        return self.table.describe(scope, request.model_name)

    @operation(ListModels)
    def list(self, scope: Scope, request: ListModels) -> Answer:
        return self.table.page(scope, request)

    @operation(DeleteModel)
    def delete(self, scope: Scope, request: DeleteModel) -> Answer:
        """Also while an endpoint serves it: AWS only warns against that in its documentation."""
        with self._context.resources.lock:
            model = self.table.require(scope, request.model_name)
            self.table.remove(model)
            self.table.announce(model)  # without its tags, which went with it
        return {}

    def _unpacked(
        self, scope: Scope, asked: dict[str, ContainerDefinition]
    ) -> Iterator[tuple[str, ContainerDefinition]]:
        """The containers with where they stand in the request; a package's in the place of its name."""
        for path, definition in asked.items():
            if (arn := definition.model_package_name) is None:
                yield path, definition
                continue
            container_rules.require_package_only(definition, path)
            yield from ((path, each) for each in self._packages.containers(scope, arn, definition.environment))


def _require_definitions(request: CreateModel) -> dict[str, ContainerDefinition]:
    """The request's containers by where they stand in it. Raises ValidationException if they do not go together."""
    primary, containers = request.primary_container, request.containers
    if primary is None and not containers:
        raise ValidationException(guessed("Either PrimaryContainer or Containers must be provided."))
    if primary is not None and containers:
        raise ValidationException(guessed("PrimaryContainer and Containers cannot both be provided."))
    if primary is not None:
        definitions = {"PrimaryContainer": primary}
    else:
        definitions = {f"Containers[{place}]": definition for place, definition in enumerate(containers)}
    _require_names(list(definitions.values()), request.inference_execution_config)
    container_rules.require_environment_within_limit(definitions.values())
    return definitions


def _require_names(definitions: list[ContainerDefinition], execution: InferenceExecutionConfig | None) -> None:
    """A pipeline's containers are all named or none; those called directly must be."""
    names = [definition.container_hostname for definition in definitions if definition.container_hostname is not None]
    if len(definitions) > 1 and names and len(names) < len(definitions):
        raise ValidationException(
            guessed("ContainerHostname must be specified for all containers of an inference pipeline, or for none.")
        )
    if len(set(names)) < len(names):
        raise ValidationException(guessed("ContainerHostname must be unique within a model."))
    if execution and execution.mode == "Direct" and (len(definitions) < 2 or not names):
        raise ValidationException(
            guessed(
                "InferenceExecutionConfig with Mode Direct needs two or more Containers, each with a ContainerHostname."
            )
        )
