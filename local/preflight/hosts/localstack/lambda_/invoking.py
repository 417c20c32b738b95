"""A function called from inside the stack, without HTTP: for API Gateway, and whatever else calls functions.

All that counts for a call through Lambda's API counts here: the alias's weights, reserved concurrency, the limits of
its size, the log, the metrics. What the caller may do does not: ask before.
"""

import json
from typing import NoReturn

from localstack.aws.api import CommonServiceException
from localstack.aws.api.lambda_ import InvalidRequestContentException, InvocationType
from localstack.aws.protocol.serializer import gen_amzn_requestid
from localstack.services.lambda_.api_utils import function_locators_from_arn
from localstack.services.lambda_.invocation.lambda_models import InvocationResult
from localstack.services.lambda_.invocation.lambda_service import LambdaService
from localstack.services.plugins import SERVICE_PLUGINS
from localstack.utils.xray.trace_header import TraceHeader

PAYLOAD_LIMIT_BYTES = 6_291_456
ASYNC_PAYLOAD_LIMIT_BYTES = 1_048_576


def invoke(
    function_arn: str,
    payload: bytes,
    *,
    request_id: str = "",
    trace_header: TraceHeader | None = None,
    is_event: bool = False,
) -> InvocationResult | None:
    """Run the function's handler on ``payload`` (JSON) and return when it has answered. Any thread may call.

    An event is only handed over, and there is no result.

    ``function_arn`` may end with a version or an alias. Of the result, ``payload`` is the handler's answer or, if
    ``is_error``, the error object, both as JSON; ``logs`` is the whole log of this run; ``request_id`` is Lambda's.

    Raises:
        CommonServiceException: what Lambda's API would answer, with its ``code``, ``message`` and ``status_code``:
            ResourceNotFoundException, TooManyRequestsException (429), RequestEntityTooLargeException,
            InvalidRequestContentException, ResourceConflictException (the function is Pending or Failed).
    """
    check_payload(payload, ASYNC_PAYLOAD_LIMIT_BYTES if is_event else PAYLOAD_LIMIT_BYTES)
    name, qualifier, account, region = function_locators_from_arn(function_arn)
    result = lambda_service().invoke(
        function_name=name,
        qualifier=qualifier,
        region=region,
        account_id=account,
        invocation_type=InvocationType.Event if is_event else InvocationType.RequestResponse,
        client_context=None,
        request_id=request_id or gen_amzn_requestid(),
        payload=payload,
        trace_context={"aws_trace_header": trace_header or TraceHeader().ensure_root_exists()},
    )
    return None if is_event else result


def check_payload(payload: bytes, limit_bytes: int) -> None:
    """Raise Lambda's error for a payload that is too large, or no JSON."""
    if len(payload) > limit_bytes:
        raise CommonServiceException(
            "RequestEntityTooLargeException",
            f"Request must be smaller than {limit_bytes} bytes for the InvokeFunction operation",
            status_code=413,
        )
    try:
        json.loads(payload or b"{}", parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        message = f"Could not parse request body into json: Could not parse payload into json: {error}"
        raise InvalidRequestContentException(message, Type="User") from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"Non-standard token '{constant}'")


def lambda_service() -> LambdaService:
    """What runs the functions of all accounts and regions, until the stack is reset: not to be kept."""
    return SERVICE_PLUGINS.require("lambda")._provider.lambda_service
