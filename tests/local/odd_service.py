"""A SageMaker service in this process whose images are all odd containers, and boto3's runtime client for it.

S3, IAM and the rest are the stack's own."""

import io
import json
import time
import urllib.parse
import uuid
from pathlib import Path
from typing import Any

import boto3
import urllib3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.service import SageMaker
from preflight.sagemaker.settings import Settings
from preflight.stack import Stack
from tests.local.odd_container import OddLauncher

SCOPE = Scope("000000000000", "us-east-1")
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/odd:latest"
TIMEOUT_SECONDS = 1.5


class OddService:
    def __init__(self, stack: Stack, role: str, folder: Path, **settings: Any) -> None:
        timeouts = {"invocation_timeout_seconds": TIMEOUT_SECONDS, "stream_timeout_seconds": TIMEOUT_SECONDS}
        self.folder = folder
        self.launcher = OddLauncher()
        self._service = SageMaker(Settings(stack.endpoint_url, folder, **timeouts | settings), self.launcher)
        self._role = role
        self.answered = b""  # the last answer's body, with what boto3 leaves out
        self.runtime = boto3.client(
            "sagemaker-runtime",
            region_name=SCOPE.region,
            aws_access_key_id=SCOPE.account_id,
            aws_secret_access_key="test",
            config=boto3.session.Config(retries={"max_attempts": 0}),
        )
        self.runtime.meta.events.register("before-send.sagemaker-runtime", self._send)

    def close(self) -> None:
        self._service.close()
        self.runtime.close()

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        return self._service.call(operation, SCOPE, request)

    def model(self, *environments: dict[str, str], **members: Any) -> str:
        """A model with one container for each environment."""
        name = f"odd-{uuid.uuid4().hex[:10]}"
        containers = [{"Image": IMAGE, "Environment": environment} for environment in environments or ({},)]
        which = {"Containers": containers} if len(containers) > 1 else {"PrimaryContainer": containers[0]}
        self.call("CreateModel", ModelName=name, ExecutionRoleArn=self._role, **which | members)
        return name

    def config(
        self,
        *models: str,
        capture: dict[str, Any] | None = None,
        queue: dict[str, Any] | None = None,
        **members: Any,
    ) -> str:
        """``queue`` is AsyncInferenceConfig."""
        name = f"odd-{uuid.uuid4().hex[:10]}"
        defaults = {} if "ServerlessConfig" in members else {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        variants = [
            {"VariantName": f"v{place}", "ModelName": model} | defaults | members
            for place, model in enumerate(models, start=1)
        ]
        more = {"DataCaptureConfig": capture} if capture else {}
        more |= {"AsyncInferenceConfig": queue} if queue else {}
        self.call("CreateEndpointConfig", EndpointConfigName=name, ProductionVariants=variants, **more)
        return name

    def ask(self, endpoint: str, orders: Any, **members: Any) -> Any:
        """InvokeEndpoint with ``orders`` for the container."""
        body = orders if isinstance(orders, str) else json.dumps(orders)
        return self.runtime.invoke_endpoint(EndpointName=endpoint, Body=body, **members)

    def endpoint(self, config: str) -> str:
        """An endpoint that has come to its end state."""
        name = f"odd-{uuid.uuid4().hex[:10]}"
        self.call("CreateEndpoint", EndpointName=name, EndpointConfigName=config)
        self.settled(name)
        return name

    def settled(self, endpoint_name: str) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while True:
            description = self.call("DescribeEndpoint", EndpointName=endpoint_name)
            if description["EndpointStatus"] in ("InService", "Failed"):
                return description
            assert time.monotonic() < deadline, description
            time.sleep(0.02)

    def _send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        _, _, name, path = urllib.parse.urlsplit(request.url).path.split("/")
        operation = {
            "invocations": self._service.invocations.invoke,
            "invocations-response-stream": self._service.invocations.invoke_with_response_stream,
            "async-invocations": self._service.async_invocations.invoke,
        }[path]
        headers = {
            key.lower(): value.decode() if isinstance(value, bytes) else value for key, value in request.headers.items()
        }
        body = request.body.read() if hasattr(request.body, "read") else bytes(request.body or b"")
        answer = operation(SCOPE, urllib.parse.unquote(name), headers, body)
        self.answered = answer.body
        raw = urllib3.HTTPResponse(io.BytesIO(answer.body + b"".join(answer.chunks or ())), preload_content=False)
        return AWSResponse(request.url, answer.status, answer.headers, raw)
