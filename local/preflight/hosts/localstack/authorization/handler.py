"""Where requests meet IAM: a handler in LocalStack's chain, and the answer that SageMaker's own server asks for."""

import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from localstack.aws import handlers
from localstack.aws.api import CommonServiceException, RequestContext
from localstack.aws.chain import HandlerChain
from localstack.http import Request, Response
from localstack.services.edge import ROUTER
from localstack.utils.aws.request_context import extract_access_key_id_from_auth_header

from preflight.hosts.localstack.authorization.rights import Asked, may_assume, refusal, trust_policy
from preflight.iam.denials import Denial
from preflight.iam.needs import Place
from preflight.sagemaker.api.credentials import Credential, scope_of
from preflight.sagemaker.settings import require_roles_decide

IAM_PATH = "/_preflight/iam"
_KEY_OF_A_PRESIGNED_URL = re.compile(r"([^/]+)/")


def look_at_requests() -> None:
    """Check every request before anything else is done with it, unless PREFLIGHT_IAM is off. Raises SettingError."""
    is_on = roles_decide()
    ROUTER.add(IAM_PATH, _describe, methods=["GET"])
    if is_on:
        handlers.serve_custom_service_request_handlers.handlers.insert(0, check_request)


def roles_decide() -> bool:
    """Whether PREFLIGHT_IAM is on. Raises SettingError."""
    return require_roles_decide(os.environ.get("PREFLIGHT_IAM"))


def check_request(chain: HandlerChain, context: RequestContext, response: Response) -> None:
    """Raise the refusal of a request that its caller's policies do not allow."""
    if context.service is None or context.operation is None:
        return
    parameters: Mapping[str, Any] = context.service_request or {}
    service, operation = context.service.service_name, context.operation.name
    asked = Asked(
        service,
        operation,
        parameters,
        Place(context.account_id, context.region, context.partition),
        context.request.headers.get("User-Agent", ""),
    )
    refused = refusal(_access_key(context.request), asked)
    if refused is None and (service, operation) == ("sts", "AssumeRole"):
        refused = _refusal_to_assume(context, str(parameters.get("RoleArn", "")))
    if refused is None and (service, operation) == ("lambda", "UpdateFunctionConfiguration"):
        refused = _refusal_of_role(parameters.get("Role"))  # of CreateFunction's LocalStack asks itself
    if refused:
        raise CommonServiceException(refused.code, refused.message, status_code=refused.status, sender_fault=True)


def sagemaker_refusal(
    credential: Credential,
    service: str,
    operation: str,
    parameters: Mapping[str, Any],
    tags_of: Callable[[str], Mapping[str, str]],
) -> Denial | None:
    """The same for SageMaker and its runtime, which do not go through LocalStack's chain.

    ``tags_of`` gives the tags of a resource by its ARN: conditions may ask for them.
    """
    if not roles_decide():
        return None
    scope = scope_of(credential)
    asked = Asked(service, operation, parameters, Place(scope.account_id, scope.region, scope.partition), "", tags_of)
    return refusal(credential.access_key, asked)


def _access_key(request: Request) -> str:
    found = _KEY_OF_A_PRESIGNED_URL.match(request.args.get("X-Amz-Credential", ""))
    if found:
        return found[1]
    if "AWSAccessKeyId" in request.args:  # a URL that is signed in the old way
        return str(request.args["AWSAccessKeyId"])
    return extract_access_key_id_from_auth_header(request.headers) or ""


def _refusal_to_assume(context: RequestContext, role_arn: str) -> Denial | None:
    """What holds for an account itself, and for Lambda and its like, which have no session of their own.

    The role must be there, and trust the service.
    """
    service = (context.internal_request_params or {}).get("service_principal")
    if may_assume(f"{service}.amazonaws.com", role_arn) if service else trust_policy(role_arn):
        return None
    user = f"{service}.amazonaws.com" if service else f"arn:{context.partition}:iam::{context.account_id}:root"
    words = f"User: {user} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
    return Denial("AccessDenied", 403, words)


def _refusal_of_role(role_arn: str | None) -> Denial | None:
    if not role_arn or may_assume("lambda.amazonaws.com", role_arn):
        return None
    words = "The role defined for the function cannot be assumed by Lambda."
    return Denial("InvalidParameterValueException", 400, words)


def _describe(request: Request) -> Response:
    """What ``preflight status`` says of roles."""
    response = Response()
    response.set_json({"roles_decide": roles_decide()})
    return response
