"""What AWS asks of DataCaptureConfig beyond the API's own model.

https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html says that serverless endpoints have none.
"""

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws import kms
from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.aws.s3 import S3Uri
from preflight.sagemaker.hosting.request import CreateEndpointConfig


def require_capturable(services: Clients, scope: Scope, request: CreateEndpointConfig) -> None:
    """Raises ValidationException if what ``request`` wants captured cannot be."""
    config = request.capture
    if config is None:
        return
    S3Uri.parse(config.destination_s3_uri)
    kms.require_keys(services, scope, {"DataCaptureConfig.KmsKeyId": config.kms_key_id})
    if any(variant.serverless_config for variant in request.production_variants):
        raise ValidationException(guessed("Data capture is not supported for serverless endpoints."))
