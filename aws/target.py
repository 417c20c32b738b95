"""Where the calls go: the stack on this machine, or AWS. The only module that knows the difference."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import NoRegionError
from botocore.model import OperationModel

from aws.errors import InputError

NAMES = ("local", "aws")
DEFAULT_PORT = 4566
LOCAL_REGION = "us-east-1"
LOCAL_CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}  # the stack accepts any
CONNECT_TIMEOUT_SECONDS = 5
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
AWS_HOST = re.compile(r"(^|\.)(amazonaws\.com(\.cn)?|api\.aws)$")


def endpoint_of(name: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """The one URL for all services of the target ``local`` or ``aws``; None for AWS itself.

    Raises ``InputError`` when AWS_ENDPOINT_URL is an address of AWS: it is not one for all services, and nothing
    would ask before it costs money; when it says one stack and PREFLIGHT_PORT another; when that is no port.
    """
    url = environ.get("AWS_ENDPOINT_URL") or None
    port = _stack_port(environ)
    if url is None:
        return f"http://localhost:{port or DEFAULT_PORT}" if name == "local" else None
    address = urlsplit(url)
    if AWS_HOST.search(address.hostname or ""):
        raise InputError(f"AWS_ENDPOINT_URL is {url}, an address of AWS: unset it and give --target aws.")
    if name == "local" and port and address.hostname in THIS_MACHINE and port != address.port:
        raise InputError(
            f"AWS_ENDPOINT_URL is {url}, and PREFLIGHT_PORT {port}: which stack is meant? Unset one of them."
        )
    return url


def place(name: str, environ: Mapping[str, str] = os.environ) -> str:
    """Where a target's records are kept apart: ``local-4566``, ``aws``; ``aws-4566`` for AWS played by a stack."""
    url = endpoint_of(name, environ)
    if url is None:
        return name
    address = urlsplit(url)
    host = "" if address.hostname in THIS_MACHINE else f"-{address.hostname}"
    return f"{name}{host}-{address.port or (443 if address.scheme == 'https' else 80)}"


def deploy_command(name: str, environ: Mapping[str, str] = os.environ) -> str:
    """What deploys to this target, to be typed."""
    if name == "aws":
        return "python aws/deploy.py --target aws"
    port = urlsplit(endpoint_of(name, environ) or "").port
    return f"{'' if port == DEFAULT_PORT else f'PREFLIGHT_PORT={port} '}python aws/deploy.py"


@dataclass(frozen=True)
class Target:
    """A region of AWS, or of the stack. ``endpoint_url`` is set where one URL answers for all services.

    The stack has neither ECR nor the Resource Groups Tagging API: ``is_stack`` tells that they cannot be asked.
    """

    name: str
    region: str
    endpoint_url: str | None
    is_stack: bool
    session: Any
    poll_seconds: float

    @classmethod
    def named(cls, name: str, *, region: str | None, environ: Mapping[str, str] = os.environ) -> Self:
        """The target ``local`` or ``aws``.

        ``local`` goes to AWS_ENDPOINT_URL, or to the stack on PREFLIGHT_PORT, and needs no credentials. ``aws`` is
        boto3's own configuration, so AWS_ENDPOINT_URL sends it to the stack too.
        Raises ``NoRegionError`` when AWS is meant and no region is known, ``InputError`` as ``endpoint_of`` does.
        """
        endpoint_url = endpoint_of(name, environ)
        credentials: dict[str, str] = {}
        default_region = None
        if name == "local":
            default_region = LOCAL_REGION
            credentials = {} if "AWS_ACCESS_KEY_ID" in environ else LOCAL_CREDENTIALS
        session = boto3.Session(region_name=region, **credentials)
        region = session.region_name or default_region
        if not region:
            raise NoRegionError
        # A stack answers in milliseconds; AWS takes minutes and limits how often one may ask.
        is_stack = endpoint_url is not None
        return cls(name, region, endpoint_url, is_stack, session, poll_seconds=0.1 if is_stack else 10.0)

    @property
    def where(self) -> str:
        """For a person: which target, and that AWS is not AWS where a variable sends its calls to a stack."""
        played = self.name == "aws" and self.is_stack
        return f"aws (AWS_ENDPOINT_URL is set: not AWS, but {self.endpoint_url})" if played else self.name

    @property
    def asks_first(self) -> bool:
        """Whether a person is shown the plan and asked: what is done on AWS costs money."""
        return self.name == "aws"

    @property
    def partition(self) -> str:
        """``aws``, ``aws-cn``, ``aws-us-gov``: the second part of every ARN."""
        return str(self.session.get_partition_for_region(self.region))

    @cached_property
    def _clients(self) -> dict[str, Any]:
        return {}

    def client(self, service: str) -> Any:
        """The boto3 client of ``service``, made once."""
        if service not in self._clients:
            # AWS throttles and stumbles; a stack on this machine answers at once or is not there.
            retries = {"mode": "standard", "total_max_attempts": 1 if self.name == "local" else 8}
            self._clients[service] = self.session.client(
                service,
                region_name=self.region,
                endpoint_url=self.endpoint_url,
                config=Config(connect_timeout=CONNECT_TIMEOUT_SECONDS, retries=retries),
            )
        return self._clients[service]

    def operation_model(self, service: str, operation: str) -> OperationModel | None:
        """What botocore knows of an operation: its request and its answer. ``None`` if it is not one of AWS's."""
        if service == "docker":
            return None
        return self.client(service).meta.service_model.operation_model(operation)

    def api_url(self, rest_api_id: str, stage: str, path: str) -> str:
        """The public URL of a path of a deployed REST API."""
        if self.endpoint_url:
            base = f"{self.endpoint_url.rstrip('/')}/_aws/execute-api/{rest_api_id}"
        else:
            # apigateway.eu-west-1.amazonaws.com -> <id>.execute-api.eu-west-1.amazonaws.com, in any partition
            control = urlsplit(self.client("apigateway").meta.endpoint_url).netloc
            base = f"https://{rest_api_id}.{control.replace('apigateway', 'execute-api', 1)}"
        return f"{base}/{stage}/{path.lstrip('/')}"


def _stack_port(environ: Mapping[str, str]) -> int | None:
    port = environ.get("PREFLIGHT_PORT")
    if not port:
        return None
    if not (port.isascii() and port.isdecimal() and 1 <= int(port) <= 65535):
        raise InputError(f"PREFLIGHT_PORT is {port!r}, which is no port; choose one from 1 to 65535.")
    return int(port)
