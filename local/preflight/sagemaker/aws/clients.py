"""boto3 clients of the other services, behind the same endpoint as SageMaker itself."""

import functools
import threading
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from preflight.sagemaker.api.scope import Scope


class Clients:
    """Clients of the services at ``endpoint_url``, as any account and region."""

    def __init__(self, endpoint_url: str) -> None:
        self.endpoint_url = endpoint_url
        self._session = boto3.Session(aws_access_key_id="unused", aws_secret_access_key="unused")
        self._lock = threading.Lock()  # clients may be shared by threads, but not made by two at once
        self._cached = functools.lru_cache(maxsize=256)(self._make)  # goes when this goes, connections and all

    def client(self, service: str, scope: Scope) -> Any:
        """A boto3 client. The stack reads the account from the access key, as LocalStack does."""
        return self._cached(service, scope)

    def _make(self, service: str, scope: Scope) -> Any:
        with self._lock:
            return self._session.client(
                service,
                endpoint_url=self.endpoint_url,
                region_name=scope.region,
                aws_access_key_id=scope.account_id,
                aws_secret_access_key="unused",
                config=Config(
                    retries={"max_attempts": 3, "mode": "standard"},
                    max_pool_connections=32,
                    s3={"addressing_style": "path"},
                    request_checksum_calculation="when_required",
                ),
            )


def require_refusal(error: ClientError) -> None:
    """Raises ``error`` again if the other service failed, rather than said no."""
    if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
        raise error
