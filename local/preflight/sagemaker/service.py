"""SageMaker: the table of its operations, and how each request goes through.

Operations know nothing of HTTP or LocalStack: ``(scope, request) -> answer``, both in the shapes of botocore's
service model; a refusal is a ``ServiceError``.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from preflight.sagemaker.api.answer import Answer
from preflight.sagemaker.api.coverage import OPERATIONS, require_supported
from preflight.sagemaker.api.errors import ServiceError, UnknownOperationException, UnsupportedByPreflight
from preflight.sagemaker.api.json_protocol import CONTENT_TYPE, read_request, write_answer, write_error
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.api.service_model import service_model
from preflight.sagemaker.api.validation import validate
from preflight.sagemaker.context import ServiceContext
from preflight.sagemaker.hosting.endpoint_config import EndpointConfigs
from preflight.sagemaker.hosting.invocation import Invocations
from preflight.sagemaker.hosting.operations import Endpoints
from preflight.sagemaker.launching.container import Launcher
from preflight.sagemaker.resources.tags import Tags
from preflight.sagemaker.serving.model import Models
from preflight.sagemaker.settings import Settings
from preflight.sagemaker.training.operations import TrainingJobs

Operation = Callable[[Scope, Mapping[str, Any]], dict[str, Any]]


class SageMaker:
    """The service. One instance serves every account and region."""

    def __init__(self, settings: Settings, launcher: Launcher | None = None) -> None:
        """``launcher`` takes the place of the one that ``settings`` would choose."""
        self._context = context = ServiceContext.create(settings, launcher)
        self.launcher = context.launcher
        self._training_jobs = training_jobs = TrainingJobs(context)
        models = Models(context)
        configs = EndpointConfigs(context, models)
        self._endpoints = endpoints = Endpoints(context, configs, models)
        tags = Tags(context)
        self.invocations = Invocations(context)
        self.operations: dict[str, Operation] = {
            "CreateTrainingJob": training_jobs.create,
            "DescribeTrainingJob": training_jobs.describe,
            "ListTrainingJobs": training_jobs.list,
            "StopTrainingJob": training_jobs.stop,
            "UpdateTrainingJob": training_jobs.update,
            "DeleteTrainingJob": training_jobs.delete,
            "CreateModel": models.create,
            "DescribeModel": models.describe,
            "ListModels": models.list,
            "DeleteModel": models.delete,
            "CreateEndpointConfig": configs.create,
            "DescribeEndpointConfig": configs.describe,
            "ListEndpointConfigs": configs.list,
            "DeleteEndpointConfig": configs.delete,
            "CreateEndpoint": endpoints.create,
            "DescribeEndpoint": endpoints.describe,
            "ListEndpoints": endpoints.list,
            "UpdateEndpoint": endpoints.update,
            "UpdateEndpointWeightsAndCapacities": endpoints.update_weights_and_capacities,
            "DeleteEndpoint": endpoints.delete,
            "AddTags": tags.add,
            "ListTags": tags.list,
            "DeleteTags": tags.delete,
        }

    def answer(self, scope: Scope, operation_name: str, body: bytes) -> Answer:
        """Answer one request of the control plane, as it comes and goes over HTTP."""
        headers = {"Content-Type": CONTENT_TYPE, "x-amzn-RequestId": str(uuid.uuid4())}
        try:
            if operation_name not in service_model().operation_names:
                name = operation_name or "Nothing"
                raise UnknownOperationException(f"{name} is no operation of SageMaker that Preflight knows.")
            operation = service_model().operation_model(operation_name)
            answer = self.call(operation_name, scope, read_request(operation.input_shape, body))
        except ServiceError as error:
            return Answer(error.status, write_error(error), headers)
        return Answer(200, write_answer(answer) if operation.output_shape else b"", headers)

    def call(self, operation_name: str, scope: Scope, request: Mapping[str, Any]) -> dict[str, Any]:
        """Check ``request`` against the model, then carry it out.

        Raises:
            ServiceError: in AWS's words, or naming what Preflight does not support yet.
        """
        operation = self.operations.get(operation_name)
        if operation is None or operation_name not in OPERATIONS:
            raise UnsupportedByPreflight(operation_name)
        validate(service_model().operation_model(operation_name), request)
        require_supported(operation_name, request)
        return operation(scope, request)

    def close(self) -> None:
        """Stop every process and container: the stack goes down."""
        self._context.close()
        self._training_jobs.close()
        self._endpoints.close()
        self.launcher.close()
