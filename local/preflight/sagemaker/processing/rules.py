"""What AWS asks of a CreateProcessingJob request beyond its model, and what of it runs on AWS only."""

from collections.abc import Iterable

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.api.operation import RefusedCase
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws import kms
from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.aws.s3 import S3Uri
from preflight.sagemaker.jobs.quotas import require_instances
from preflight.sagemaker.launching.images import require_processing_image
from preflight.sagemaker.processing.paths import ROOT, is_below_root
from preflight.sagemaker.processing.request import CreateProcessingJob, ProcessingInput, ProcessingOutput

_OPERATION = "CreateProcessingJob"
# What a container asks of the network would be let through here.
_ISOLATION = RefusedCase(_OPERATION, "NetworkConfig.EnableNetworkIsolation true")
REFUSED = (_ISOLATION,)


def require_valid(request: CreateProcessingJob) -> None:
    """Return if AWS would take ``request`` and Preflight can run it; what it names need not be there yet.

    Raises:
        ValidationException: in AWS's words where they are known.
        ResourceLimitExceeded: too many instances.
        UnsupportedByPreflight: naming what is missing here.
    """
    require_processing_image(request.app_specification.image_uri)
    cluster = request.processing_resources.cluster_config
    require_instances(cluster.instance_type, cluster.instance_count, "processing job")
    _require_unique("Input", (each.input_name for each in request.processing_inputs))
    _require_unique("Output", (each.output_name for each in request.processing_output_config.outputs))
    for entry in request.processing_inputs:
        _require_input(entry)
    for output in request.processing_output_config.outputs:
        _require_output(output)
    if request.network_config and request.network_config.enable_network_isolation:
        raise _ISOLATION.error()


def require_keys(services: Clients, scope: Scope, request: CreateProcessingJob) -> None:
    """Raises ValidationException unless each KMS key of the request is there."""
    key_ids = {
        "ProcessingOutputConfig.KmsKeyId": request.processing_output_config.kms_key_id,
        "ClusterConfig.VolumeKmsKeyId": request.processing_resources.cluster_config.volume_kms_key_id,
    }
    kms.require_keys(services, scope, key_ids)


def _require_unique(kind: str, names: Iterable[str]) -> None:
    names = list(names)
    if len(set(names)) < len(names):
        raise ValidationException(guessed(f"{kind} names must be unique within a processing job."))


def _require_input(entry: ProcessingInput) -> None:
    source, name = entry.s3_input, entry.input_name
    if source is None:
        raise ValidationException(guessed(f"Input {name} needs either an S3Input or a DatasetDefinition."))
    S3Uri.parse(source.s3_uri)
    _require_path(source.local_path, entry.app_managed, f"S3Input.LocalPath of input {name}")
    if source.s3_compression_type == "Gzip" and source.s3_input_mode != "Pipe":
        raise ValidationException(guessed(f"S3CompressionType Gzip needs S3InputMode Pipe (input {name})."))


def _require_output(output: ProcessingOutput) -> None:
    target, name = output.s3_output, output.output_name
    if target is None:
        raise ValidationException(guessed(f"Output {name} needs either an S3Output or a FeatureStoreOutput."))
    S3Uri.parse(target.s3_uri)
    _require_path(target.local_path, output.app_managed, f"S3Output.LocalPath of output {name}")


def _require_path(local_path: str | None, app_managed: bool, what: str) -> None:
    """Inputs and outputs alike lie below ``/opt/ml/processing``; the application's own may be without a path."""
    if local_path is None:
        if not app_managed:
            raise ValidationException(guessed(f"{what} is required."))
    elif not is_below_root(local_path):
        raise ValidationException(guessed(f"{what} must be a path below {ROOT}: {local_path} is none."))
