"""What the data plane needs of whoever runs functions, keeps keys and credentials, and stores logs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from preflight.hosts.localstack.api_gateway.rest.request import Call
from preflight.hosts.localstack.api_gateway.rest.throttling import UsagePlan
from preflight.iam.decision import Policies
from preflight.iam.policy import Principal


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of a function: by its ARN, on behalf of ``source_arn``, as ``role`` if there is one."""

    function_arn: str
    payload: bytes
    source_arn: str
    account: str
    role: str
    trace_id: str
    is_event: bool = False


@dataclass(frozen=True, slots=True)
class FunctionAnswer:
    """What came of it."""

    payload: bytes
    is_error: bool
    request_id: str


class InvocationRefused(Exception):
    """Lambda did not run the function. ``status`` is that of Lambda's answer: 403, 404, 409, 413, 429, 500."""

    def __init__(self, status: int, message: str, request_id: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.request_id = request_id


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose access key a request is signed with. ``policies`` are None for an account itself, which may do all."""

    access_key: str
    secret: str
    token: str  # that of a session; empty for a long-lived key
    principal: Principal
    id: str  # AIDA..., AROA...:session, or the account itself
    policies: Policies | None = None
    keys: Mapping[str, str] = field(default_factory=dict)  # the condition keys that describe him
    is_expired: bool = False


class Backend(Protocol):
    """The stack, as the data plane sees it."""

    def invoke(self, invocation: Invocation) -> FunctionAnswer:
        """Run a function, however long it takes. Raises InvocationRefused."""

    def function_timeout(self, function_arn: str) -> float:
        """The function's own time-out in seconds; infinite for one that is not there."""

    def caller(self, access_key: str) -> Caller | None:
        """None for a key that nobody has."""

    def usage_plans(self, call: Call) -> Sequence[UsagePlan]:
        """Those that cover the stage."""

    def write_log(self, account: str, region: str, group: str, stream: str, lines: Sequence[str]) -> None:
        """Store lines; never waits."""
