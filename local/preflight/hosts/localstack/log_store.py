"""CloudWatch Logs as LocalStack keeps them: lines are added without a request, which takes longer than a function."""

from typing import Any

from localstack.services.logs.models import get_moto_logs_backend
from moto.logs.exceptions import ResourceNotFoundException

from preflight.hosts.localstack.authorization.handler import roles_decide
from preflight.hosts.localstack.authorization.rights import Asked, refusal
from preflight.iam.denials import Denial
from preflight.iam.needs import Place
from preflight.sagemaker.api.scope import Scope


class Denied(Exception):
    """The key's owner may not write there; in AWS's words."""


def append(access_key: str, scope: Scope, group: str, stream: str, events: list[dict[str, Any]]) -> bool:
    """Add ``events`` (``timestamp`` in milliseconds, ``message``) as PutLogEvents does for whoever has the key.

    False where the operation itself is needed: there is no such stream, filters look at its lines, or the key is none
    any more. Raises Denied.
    """
    backend = get_moto_logs_backend(scope.account_id, scope.region)
    refused = _refusal(access_key, scope, group, stream)
    if refused is not None and refused.code == "AccessDeniedException":
        raise Denied(refused.message)
    if refused is not None or backend.filters.metric_filters:
        return False
    try:
        backend.put_log_events(group, stream, events)
    except ResourceNotFoundException:
        return False
    return True


def _refusal(access_key: str, scope: Scope, group: str, stream: str) -> Denial | None:
    if not roles_decide():
        return None
    parameters = {"logGroupName": group, "logStreamName": stream}
    place = Place(scope.account_id, scope.region, scope.partition)
    return refusal(access_key, Asked("logs", "PutLogEvents", parameters, place))
