"""What AWS asks of a CreateTransformJob request beyond its model, and what of it runs on AWS only."""

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.api.operation import RefusedCase
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws import kms
from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.aws.s3 import S3Uri
from preflight.sagemaker.jobs.quotas import require_instances
from preflight.sagemaker.launching.programs import find_builtin_algorithm
from preflight.sagemaker.serving.model import ModelRecord
from preflight.sagemaker.transform.request import CreateTransformJob

_CONVERSE = RefusedCase("CreateTransformJob", "S3DataType Converse")
REFUSED = (_CONVERSE,)

MAX_PAYLOAD_MB = 100  # of all that are sent to an instance at the same time, too


def require_valid(request: CreateTransformJob) -> None:
    """Return if AWS would take ``request`` and Preflight can run it; what it names need not be there yet.

    Raises:
        ValidationException: in AWS's words where they are known.
        ResourceLimitExceeded: it asks for too many instances.
        UnsupportedByPreflight: naming what is missing here.
    """
    source = request.transform_input.data_source.s3_data_source
    if source.s3_data_type == "Converse":
        raise _CONVERSE.error()
    if source.s3_data_type == "AugmentedManifestFile":
        raise ValidationException(guessed("S3DataType AugmentedManifestFile is not supported for transform jobs."))
    for uri in (source.s3_uri, request.transform_output.s3_output_path):
        S3Uri.parse(uri)
    if request.data_capture_config:
        S3Uri.parse(request.data_capture_config.destination_s3_uri)
    _require_payload(request)
    resources = request.transform_resources
    require_instances(resources.instance_type, resources.instance_count, "transform job")


def require_batch_model(request: CreateTransformJob, model: ModelRecord) -> None:
    """Raises ValidationException for a model that serves endpoints only."""
    definitions = model.containers.values()
    if any(definition.model_data_source for definition in definitions):
        raise ValidationException(
            "SageMaker Batch currently doesn't support Model entity with container definitions which use "
            "ModelDataSource attribute"
        )
    if model.is_multi_model:
        raise ValidationException(
            guessed(f'Model "{model.arn}" is a multi-model: batch transform does not support it.')
        )
    if model.is_direct:
        raise ValidationException(
            guessed(f'Model "{model.arn}" has InferenceExecutionConfig Direct, which batch transform does not support.')
        )
    is_builtin = any(find_builtin_algorithm(one.image or "", model.scope.region) for one in definitions)
    if request.max_payload_in_mb == 0 and is_builtin:
        raise ValidationException(
            guessed("MaxPayloadInMB 0 is not supported by built-in algorithms, which take no chunked requests.")
        )


def require_keys(services: Clients, scope: Scope, request: CreateTransformJob) -> None:
    """Raises ValidationException unless each KMS key of the request is there."""
    capture = request.data_capture_config
    key_ids = {
        "TransformOutput.KmsKeyId": request.transform_output.kms_key_id,
        "TransformResources.VolumeKmsKeyId": request.transform_resources.volume_kms_key_id,
        "DataCaptureConfig.KmsKeyId": capture.kms_key_id if capture else "",
    }
    kms.require_keys(services, scope, key_ids)


def _require_payload(request: CreateTransformJob) -> None:
    payload, side_by_side = request.max_payload_in_mb or 0, request.max_concurrent_transforms or 1
    if payload > MAX_PAYLOAD_MB:
        raise ValidationException(
            guessed(f"MaxPayloadInMB is {payload}; it must be less than or equal to {MAX_PAYLOAD_MB}.")
        )
    if payload * side_by_side > MAX_PAYLOAD_MB:
        raise ValidationException(
            guessed(
                f"MaxConcurrentTransforms * MaxPayloadInMB is {payload * side_by_side}; it must be less than or equal "
                f"to {MAX_PAYLOAD_MB}."
            )
        )
