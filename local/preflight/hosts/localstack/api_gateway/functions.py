"""Functions, called in this process: LocalStack's own integration calls them over HTTP, through all its handlers."""

import re
import uuid

from localstack.aws.api import CommonServiceException, ServiceException
from localstack.services.lambda_.invocation.lambda_models import Function
from localstack.services.lambda_.invocation.models import lambda_stores
from localstack.services.plugins import SERVICE_PLUGINS
from localstack.utils.xray.trace_header import TraceHeader

from preflight.hosts.localstack.api_gateway.rest.backend import FunctionAnswer, Invocation, InvocationRefused
from preflight.hosts.localstack.authorization.callers import policies_of_role
from preflight.hosts.localstack.authorization.resources import resource_side
from preflight.hosts.localstack.authorization.rights import may_assume
from preflight.iam.conditions import values_of
from preflight.iam.decision import Policies, Request, decide
from preflight.iam.policy import Principal

REQUEST_LIMIT_BYTES = 6 * 1024 * 1024
SERVICE = "apigateway.amazonaws.com"
_ACTION = "lambda:InvokeFunction"
_ARN = re.compile(r"arn:[^:]+:lambda:([^:]+):(\d{12}):function:([^:]+)(?::([^:]+))?")
_NO_PERMISSION = "Invalid permissions on Lambda function"


def invoke(invocation: Invocation) -> FunctionAnswer:
    """Run a function, with all that Lambda keeps of an invocation. Raises InvocationRefused."""
    match = _ARN.fullmatch(invocation.function_arn)
    if match is None:
        raise InvocationRefused(404, _NO_PERMISSION)
    region, account, name, qualifier = match.groups()
    function = lambda_stores[account][region].functions.get(name)
    if not _is_permitted(invocation, function):
        raise InvocationRefused(403, _NO_PERMISSION)
    request_id = str(uuid.uuid4())
    if len(invocation.payload) > REQUEST_LIMIT_BYTES:
        words = f"Request must be smaller than {REQUEST_LIMIT_BYTES} bytes for the InvokeFunction operation"
        raise InvocationRefused(413, words, request_id)
    provider = SERVICE_PLUGINS.require("lambda")._provider
    try:
        result = provider.lambda_service.invoke(
            function_name=name,
            qualifier=qualifier,
            region=region,
            account_id=account,
            invocation_type="Event" if invocation.is_event else "RequestResponse",
            client_context=None,
            request_id=request_id,
            payload=invocation.payload,
            trace_context={"aws_trace_header": TraceHeader.from_header_str(invocation.trace_id)},
            user_agent="AmazonAPIGateway",
        )
    except (ServiceException, CommonServiceException) as error:
        raise InvocationRefused(error.status_code, str(error.message), request_id) from error
    if result is None or invocation.is_event:
        return FunctionAnswer(b"", False, request_id)
    payload = result.payload if isinstance(result.payload, bytes) else str(result.payload).encode()
    return FunctionAnswer(payload or b"null", bool(result.is_error), request_id)


def _is_permitted(invocation: Invocation, function: Function | None) -> bool:
    """By the role of the integration if it has one, else by the function's policy."""
    if function is None:
        return False
    arn = invocation.function_arn
    if role := invocation.role:
        if role.count(":") < 5:
            return False
        principal = Principal(role, role.split(":")[4])
        asked = Request(principal, _ACTION, arn, values_of({}), arn.split(":")[4])
        policies = Policies(policies_of_role(role), resource=resource_side(arn).policy)
        return may_assume(SERVICE, role) and decide(asked, policies).is_allowed
    keys = values_of({"aws:SourceArn": invocation.source_arn, "aws:SourceAccount": invocation.account})
    asked = Request(Principal(service=SERVICE), _ACTION, arn, keys)
    return decide(asked, Policies(resource=resource_side(arn).policy)).is_allowed
