"""boto3 clients of the other services, behind the same endpoint as SageMaker itself."""

import functools
import threading
from collections.abc import Mapping
from typing import Any

import boto3
import botocore.loaders
import botocore.session
from botocore.config import Config
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import ClientError

from preflight.sagemaker.api.scope import Scope

SESSION_NAME = "SageMaker"  # as AWS's own sessions of an execution role are named
SESSION_SECONDS = 12 * 3600  # the longest there is: a container is given its credentials once
USER_AGENT = "preflight-sagemaker"  # in each request, by which a host knows them
_CONFIG = Config(
    user_agent_extra=USER_AGENT,
    retries={"max_attempts": 3, "mode": "standard"},
    max_pool_connections=32,
    s3={"addressing_style": "path"},
    request_checksum_calculation="when_required",
)
LAMBDA_SECONDS = 600.0  # as long as a pipeline waits for a function


class Clients:
    """Clients of the services at ``endpoint_url``: of any account and region, which may do everything there.

    They wait ``lambda_seconds`` for a function.
    """

    def __init__(self, endpoint_url: str, lambda_seconds: float = LAMBDA_SECONDS) -> None:
        self.endpoint_url, self.lambda_seconds = endpoint_url, lambda_seconds
        # A function is not to be called twice because it takes its time.
        calls_once = Config(read_timeout=lambda_seconds, retries={"max_attempts": 0})
        self._configs = {"lambda": _CONFIG.merge(calls_once)}
        self._lock = threading.Lock()  # clients may be shared by threads, but not made by two at once
        # Caches go when this goes, connections and all.
        self._cached = functools.lru_cache(maxsize=256)(self._make)
        self._sessions = functools.lru_cache(maxsize=256)(self._assume)

    def client(self, service: str, scope: Scope) -> Any:
        """A boto3 client."""
        return self._cached(service, scope)

    def acting_as(self, role_arn: str, scope: Scope) -> "RoleClients":
        """Clients that are allowed what the role's policies allow: for work that SageMaker does with a role."""
        return self._sessions(role_arn, scope)

    def _assume(self, role_arn: str, scope: Scope) -> "RoleClients":
        return RoleClients(self, role_arn, scope)

    def _make(self, service: str, scope: Scope) -> Any:
        with self._lock:
            return self._session(scope).client(
                service,
                endpoint_url=self.endpoint_url,
                region_name=scope.region,
                config=self._configs.get(service, _CONFIG),
            )

    def _session(self, scope: Scope) -> boto3.Session:
        """The stack reads the account from the access key, as LocalStack does."""
        return boto3.Session(aws_access_key_id=scope.account_id, aws_secret_access_key="unused")


class RoleClients(Clients):
    """Clients of one role's session, which is renewed before it ends."""

    def __init__(self, services: Clients, role_arn: str, scope: Scope) -> None:
        super().__init__(services.endpoint_url, services.lambda_seconds)
        self._services, self._role_arn, self._scope = services, role_arn, scope

    def environment(self) -> Mapping[str, str]:
        """What a program needs in its environment to act as the role here. Raises ClientError."""
        credentials = self._assume_role()
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": credentials["access_key"],
            "AWS_SECRET_ACCESS_KEY": credentials["secret_key"],
            "AWS_SESSION_TOKEN": credentials["token"],
        }

    def access_key(self) -> str:
        """That of the session. Raises ClientError."""
        key: str = self._credentials.get_frozen_credentials().access_key
        return key

    @functools.cached_property
    def _credentials(self) -> Any:
        return RefreshableCredentials.create_from_metadata(self._assume_role(), self._assume_role, "assume-role")

    def _session(self, scope: Scope) -> boto3.Session:
        session = botocore.session.Session()
        vars(session)["_credentials"] = self._credentials
        session.register_component("data_loader", _loader())
        return boto3.Session(botocore_session=session)

    def _assume_role(self) -> dict[str, str]:
        answer = self._services.client("sts", self._scope).assume_role(
            RoleArn=self._role_arn, RoleSessionName=SESSION_NAME, DurationSeconds=SESSION_SECONDS
        )
        found = answer["Credentials"]
        return {
            "access_key": found["AccessKeyId"],
            "secret_key": found["SecretAccessKey"],
            "token": found["SessionToken"],
            "expiry_time": found["Expiration"].isoformat(),
        }


@functools.cache
def _loader() -> Any:
    """AWS's models of its services, which take longer to load than a client to make: for the clients of all roles."""
    return botocore.loaders.create_loader()


def require_refusal(error: ClientError) -> None:
    """Raises ``error`` again if the other service failed, rather than said no."""
    if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
        raise error
