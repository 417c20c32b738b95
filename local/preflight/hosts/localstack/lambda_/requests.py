"""Refuses Lambda requests that would otherwise be accepted and then not be kept.

Two kinds: what AWS refuses and LocalStack lets pass, in AWS's words; and what AWS has and a process on this machine
does not, in ours.
"""

import io
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from localstack import config
from localstack.aws.api import CommonServiceException, RequestContext
from localstack.aws.api.lambda_ import InvalidParameterValueException, ResourceConflictException
from localstack.aws.chain import HandlerChain
from localstack.http import Response
from localstack.services.lambda_.api_utils import get_name_and_qualifier
from localstack.services.lambda_.invocation.models import lambda_stores
from localstack.services.lambda_.runtimes import ALL_RUNTIMES, DEPRECATED_RUNTIMES

from preflight.function_runtimes import RuntimeMissing
from preflight.hosts.localstack.lambda_.invoking import (
    ASYNC_PAYLOAD_LIMIT_BYTES,
    PAYLOAD_LIMIT_BYTES,
    check_payload,
)
from preflight.hosts.localstack.lambda_.runtime import runtime_of
from preflight.sagemaker.api.validation import violations

RESERVED_VARIABLES = (
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
)
_LEFT_TO_LOCALSTACK = ("FunctionName", "Runtime", "Architectures", "CompatibleRuntimes", "CompatibleArchitectures")
# The model's own limits are those of managed instances.
_MOST = {"MemorySize": 10_240, "Timeout": 900, "EphemeralStorage.Size": 10_240}
_LONG_GONE = (
    *("nodejs", "nodejs4.3", "nodejs4.3-edge", "nodejs6.10", "nodejs8.10", "nodejs10.x", "python2.7", "python3.6"),
    *("dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1", "ruby2.5"),
)
NOT_SUPPORTED = {
    "FileSystemConfigs": "a function sees this machine's own files only.",
    "CapacityProviderConfig": "leave it out, and the function runs on demand.",
    "DurableConfig": "leave it out.",
}


def check_request(chain: HandlerChain, context: RequestContext, response: Response) -> None:
    """Raise the error for a request to Lambda that must not go on; a handler in LocalStack's chain."""
    if context.operation is None or context.service is None or context.service.service_name != "lambda":
        return
    try:
        words = violations(context.operation, context.service_request or {}, _LEFT_TO_LOCALSTACK)
    except (TypeError, AttributeError):  # a value of another type than the model's
        raise CommonServiceException("SerializationException", "", status_code=400, sender_fault=True) from None
    if words:
        raise _invalid(words)
    check = CHECKS.get(context.operation.name)
    if check is not None:
        check(context)


def _check_new(context: RequestContext) -> None:
    request: Mapping[str, Any] = context.service_request or {}
    code = request.get("Code") or {}
    if request.get("PackageType") != "Image":
        if not (request.get("Runtime") and request.get("Handler")):
            raise _refused(
                "Runtime and Handler are mandatory parameters for functions created with deployment packages."
            )
        if code.get("ZipFile") and len(code) > 1:
            raise _refused("Please do not provide other FunctionCode parameters when providing a ZipFile.")
        if not (code.get("ZipFile") or code.get("S3Bucket")):
            raise _refused("Please provide a source for function code.")
    _check_configuration(context)


def _check_configuration(context: RequestContext) -> None:
    request: Mapping[str, Any] = context.service_request or {}
    for path, most in _MOST.items():
        member, _, part = path.partition(".")
        value = (request.get(member) or {}).get(part) if part else request.get(member)
        if value and value > most:
            path = f"{member[0].lower()}{member[1:]}{'.' if part else ''}{part.lower()}"
            constraint = f"Member must have value less than or equal to {most}"
            raise _invalid(
                f"1 validation error detected: Value '{value}' at '{path}' failed to satisfy constraint: {constraint}"
            )
    if request.get("PackageType") == "Image":
        raise _not_supported("PackageType Image", "deploy the function as a .zip file.")
    runtime = request.get("Runtime")
    if runtime in DEPRECATED_RUNTIMES or runtime in _LONG_GONE:
        raise _refused(
            f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. "
            "We recommend you use a supported runtime while creating or updating functions."
        )
    if runtime in ALL_RUNTIMES:  # what is no runtime at all, LocalStack refuses as AWS does
        try:
            runtime_of(runtime)
        except RuntimeMissing as error:
            raise _not_supported(f"Runtime {runtime}", str(error)) from None
    _check_folder(request.get("Code") or {})
    for member, advice in NOT_SUPPORTED.items():
        if request.get(member):
            raise _not_supported(member, advice)
    variables = (request.get("Environment") or {}).get("Variables") or {}
    if reserved := [name for name in variables if name in RESERVED_VARIABLES]:
        raise _refused(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )


def _check_payload(context: RequestContext) -> None:
    request = context.service_request or {}
    if "Payload" not in request:
        return
    payload = request["Payload"].read()
    request["Payload"] = io.BytesIO(payload)  # a stream is read once, and the function's turn is yet to come
    is_async = request.get("InvocationType") == "Event"
    check_payload(payload, ASYNC_PAYLOAD_LIMIT_BYTES if is_async else PAYLOAD_LIMIT_BYTES)


def _check_code(context: RequestContext) -> None:
    request = context.service_request or {}
    if request.get("ImageUri"):
        raise _refused("Please don't provide ImageUri when updating a function with packageType Zip.")
    _check_folder(request)


def _check_deletion(context: RequestContext) -> None:
    request = context.service_request or {}
    name, qualifier = get_name_and_qualifier(request.get("FunctionName", ""), request.get("Qualifier"), context)
    function = lambda_stores[context.account_id][context.region].functions.get(name)
    aliases = function.aliases.values() if function and qualifier else ()
    if names := [alias.name for alias in aliases if alias.function_version == qualifier]:
        words = f"Unable to delete version because the following aliases reference it: [{', '.join(names)}]"
        raise ResourceConflictException(words, Type="User")


def _check_folder(code: Mapping[str, Any]) -> None:
    """Of LocalStack's convention for code that is still being written."""
    marker, folder = config.BUCKET_MARKER_LOCAL, code.get("S3Key", "")
    if code.get("S3Bucket") == marker and not Path(os.path.expandvars(folder)).is_dir():
        raise _refused(f"With S3Bucket {marker}, S3Key is a folder of this machine. There is none at {folder}.")


def _invalid(words: str) -> CommonServiceException:
    return CommonServiceException("ValidationException", words, status_code=400, sender_fault=True)


def _not_supported(what: str, advice: str) -> InvalidParameterValueException:
    return _refused(f"{what} is not supported by Preflight yet: {advice}")


def _refused(message: str) -> InvalidParameterValueException:
    return InvalidParameterValueException(message, Type="User")


CHECKS: dict[str, Callable[[RequestContext], None]] = {
    "CreateFunction": _check_new,
    "UpdateFunctionConfiguration": _check_configuration,
    "UpdateFunctionCode": _check_code,
    "DeleteFunction": _check_deletion,
    "Invoke": _check_payload,
}
