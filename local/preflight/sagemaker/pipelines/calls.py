"""SageMaker's own operations as a client calls them that acts as a pipeline's role: the same checks, the same words."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from preflight.iam.denials import Denial
from preflight.sagemaker.api.credentials import Credential
from preflight.sagemaker.api.errors import ServiceError
from preflight.sagemaker.api.json_protocol import read_request
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.api.service_model import service_model
from preflight.sagemaker.aws.clients import RoleClients

Call = Callable[[str, Scope, Mapping[str, Any]], dict[str, Any]]
# Why a request must not go on, by its credential, botocore's names of service and operation, and its members.
Refusal = Callable[[Credential, str, str, Mapping[str, Any]], Denial | None]


def let_pass(credential: Credential, service: str, operation: str, parameters: Mapping[str, Any]) -> Denial | None:
    """Nothing is refused: roles decide where the host knows them."""
    return None


class NotAllowed(ServiceError):
    """The role's policies do not allow it."""

    code, status = "AccessDeniedException", 400


@dataclass(frozen=True)
class RoleCalls:
    """``services`` are the role's."""

    call: Call
    refusal: Refusal
    services: RoleClients
    scope: Scope

    def as_role(self, operation: str, members: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out ``operation``. Raises ServiceError, as a client of the role would see it."""
        credential = Credential(self.services.access_key(), self.scope.region, "sagemaker")
        if denied := self.refusal(credential, "sagemaker", operation, members):
            raise NotAllowed(denied.message)
        return self.as_service(operation, members)

    def as_service(self, operation: str, members: Mapping[str, Any]) -> dict[str, Any]:
        """The same without the role: what the service looks at, or ends, for itself."""
        shape = service_model().operation_model(operation).input_shape
        return self.call(operation, self.scope, read_request(shape, json.dumps(members).encode()))
