"""Functions, called in this process: LocalStack's own integration calls them over HTTP, through all its handlers."""

import math
import re
import uuid

from localstack.aws.api import CommonServiceException, ServiceException
from localstack.services.lambda_.invocation.models import lambda_stores
from localstack.utils.xray.trace_header import TraceHeader

from preflight.hosts.localstack.api_gateway.rest.backend import FunctionAnswer, Invocation, InvocationRefused
from preflight.hosts.localstack.authorization.callers import policies_of_role
from preflight.hosts.localstack.authorization.resources import resource_side
from preflight.hosts.localstack.authorization.rights import may_assume
from preflight.hosts.localstack.lambda_ import invoking
from preflight.iam.conditions import values_of
from preflight.iam.decision import Policies, Request, decide
from preflight.iam.policy import Principal

SERVICE = "apigateway.amazonaws.com"
_ACTION = "lambda:InvokeFunction"
_ARN = re.compile(r"arn:[^:]+:lambda:([^:]+):(\d{12}):function:([^:]+)(?::([^:]+))?")
_ROLE = re.compile(r"arn:[^:]+:iam::(\d{12}):role/.+")
_NO_PERMISSION = "Invalid permissions on Lambda function"


def invoke(invocation: Invocation) -> FunctionAnswer:
    """Run a function, with all that Lambda keeps of an invocation. Raises InvocationRefused."""
    if not _is_permitted(invocation):
        raise InvocationRefused(403, _NO_PERMISSION)
    request_id = str(uuid.uuid4())
    try:
        result = invoking.invoke(
            invocation.function_arn,
            invocation.payload,
            request_id=request_id,
            trace_header=TraceHeader.from_header_str(invocation.trace_id),
            is_event=invocation.is_event,
        )
    except (ServiceException, CommonServiceException) as error:
        raise InvocationRefused(error.status_code, str(error.message), request_id) from error
    if result is None:
        return FunctionAnswer(b"", False, request_id)
    payload = result.payload if isinstance(result.payload, bytes) else str(result.payload).encode()
    return FunctionAnswer(payload or b"null", bool(result.is_error), request_id)


def timeout_of(function_arn: str) -> float:
    """In seconds; infinite for a function that is not there."""
    match = _ARN.fullmatch(function_arn)
    function = lambda_stores[match[2]][match[1]].functions.get(match[3]) if match else None
    if match is None or function is None:
        return math.inf
    qualifier = match[4] or "$LATEST"
    alias = function.aliases.get(qualifier)
    version = function.versions.get(alias.function_version if alias else qualifier)
    return float(version.config.timeout) if version else math.inf


def _is_permitted(invocation: Invocation) -> bool:
    """By the role of the integration if it has one, else by the function's policy."""
    arn = invocation.function_arn
    function = _ARN.fullmatch(arn)
    if function is None or function[3] not in lambda_stores[function[2]][function[1]].functions:
        return False
    policy = resource_side(arn).policy
    if invocation.role:
        role = _ROLE.fullmatch(invocation.role)
        if role is None or not may_assume(SERVICE, invocation.role):
            return False
        asked = Request(Principal(invocation.role, role[1]), _ACTION, arn, values_of({}), function[2])
        return decide(asked, Policies(policies_of_role(invocation.role), resource=policy)).is_allowed
    keys = values_of({"aws:SourceArn": invocation.source_arn, "aws:SourceAccount": invocation.account})
    return decide(Request(Principal(service=SERVICE), _ACTION, arn, keys), Policies(resource=policy)).is_allowed
