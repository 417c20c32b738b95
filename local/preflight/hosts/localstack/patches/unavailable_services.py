"""Services and operations that are not here say so, at once and by name.

Of some, LocalStack has the code but not what it runs on, and fails on a missing module, or waits for a program that it
cannot fetch. Of others it speaks of a license plan.
"""

from collections.abc import Callable, Iterator
from typing import Any

from localstack.aws.api import CommonServiceException, RequestContext
from localstack.aws.handlers import service as service_handlers
from localstack.aws.protocol.serializer import create_serializer
from localstack.http import Response
from localstack.services.plugins import ServicePluginManager
from localstack.utils.patch import Patch

NOT_HERE = {
    "cloudformation": "LocalStack's calls a resource created that it knows nothing of",
    "dynamodb": "LocalStack runs it as a Java program that would have to be fetched",
    "dynamodbstreams": "it is a part of DynamoDB, which is not here",
    "firehose": "LocalStack's needs Kinesis, and a client library in Java",
    "kinesis": "LocalStack runs it as a program that would have to be fetched",
    "resourcegroupstaggingapi": "LocalStack's sees a part of the tagged resources only",
    "stepfunctions": "LocalStack's needs Java",
}


def patches() -> Iterator[Patch]:
    """Leave them out of the list of services, and name what is refused."""
    yield Patch(ServicePluginManager, "list_available", _without_these(ServicePluginManager.list_available))
    yield Patch(service_handlers, "get_service_availability_exception", _refusal)
    yield Patch(service_handlers.ServiceRequestRouter, "create_not_implemented_response", _not_implemented)


def _without_these(list_all: Callable[[ServicePluginManager], list[str]]) -> Callable[..., list[str]]:
    def list_available(self: ServicePluginManager) -> list[str]:
        return [name for name in list_all(self) if name not in NOT_HERE]

    return list_available


def _refusal(service_name: str, operation_name: str, *_: Any) -> CommonServiceException:
    reason = f": {NOT_HERE[service_name]}" if service_name in NOT_HERE else ""
    message = f"{operation_name} of {service_name} is not supported by Preflight yet{reason}."
    return CommonServiceException("UnsupportedByPreflight", message, status_code=501)


def _not_implemented(router: service_handlers.ServiceRequestRouter, context: RequestContext) -> Response:
    """The answer to an operation that a service which is here does not have."""
    error = _refusal(context.service.service_name, context.operation.name)
    serializer = create_serializer(context.service, context.protocol)
    return serializer.serialize_error_to_response(error, context.operation, context.request.headers, context.request_id)
