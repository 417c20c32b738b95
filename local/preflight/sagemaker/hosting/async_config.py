"""What AWS asks of an AsyncInferenceConfig beyond the API's own model, and where results go by it.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AsyncInferenceConfig.html
"""

import uuid
from dataclasses import dataclass

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.api.operation import RefusedCase
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws import kms
from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.aws.s3 import S3Uri
from preflight.sagemaker.hosting.async_request import AsyncRequest
from preflight.sagemaker.hosting.request import AsyncInferenceOutputConfig, CreateEndpointConfig
from preflight.sagemaker.serving.model import ModelRecord

_NO_OUTPUT = RefusedCase("CreateEndpointConfig", "AsyncInferenceConfig without S3OutputPath")
_CAPTURE = RefusedCase("CreateEndpointConfig", "AsyncInferenceConfig and DataCaptureConfig.EnableCapture true")
_DIRECT = RefusedCase(
    "CreateEndpointConfig", "AsyncInferenceConfig and a model of InferenceExecutionConfig Direct or Mode MultiModel"
)
REFUSED = (_NO_OUTPUT, _CAPTURE, _DIRECT)

DEFAULT_CONCURRENCY = 4  # AWS chooses by a way it does not tell


def require_valid(services: Clients, scope: Scope, request: CreateEndpointConfig) -> None:
    """Raises ValidationException, UnsupportedByPreflight."""
    config = request.async_inference_config
    if config is None:
        return
    if any(variant.serverless_config for variant in request.production_variants):
        raise ValidationException(guessed("ServerlessConfig and AsyncInferenceConfig cannot be used together."))
    if request.data_capture_config and request.data_capture_config.enable_capture:
        raise _CAPTURE.error()
    output = config.output_config
    if not output.s3_output_path:
        raise _NO_OUTPUT.error()
    for path in (output.s3_output_path, output.s3_failure_path):
        if path:
            S3Uri.parse(path)
    key = output.kms_key_id
    if key and kms.key_arn(services, scope, key) is None:
        raise ValidationException(guessed(f"The KMS key {key} of AsyncInferenceConfig does not exist."))


def require_hostable(request: CreateEndpointConfig, model: ModelRecord) -> None:
    """Raises UnsupportedByPreflight for a model whose requests name a container: these cannot."""
    if request.async_inference_config and (model.is_direct or model.is_multi_model):
        raise _DIRECT.error(model.name)


@dataclass(frozen=True)
class Places:
    """Where the result of one request goes, or its failure: one of the two will be there."""

    output: S3Uri
    failure: S3Uri | None

    @classmethod
    def of(cls, config: AsyncInferenceOutputConfig, request: AsyncRequest) -> "Places":
        """A file has a name of its own, which is not the inference's id."""
        name = str(uuid.uuid4())
        folder = S3Uri.parse(config.s3_output_path or "")
        if extension := request.members.get("S3OutputPathExtension"):
            folder = folder.below(str(extension).strip("/"))
        failure = S3Uri.parse(config.s3_failure_path).below(f"{name}-error.out") if config.s3_failure_path else None
        return cls(folder.below(str(request.members.get("Filename") or f"{name}.out")), failure)
