"""What AWS asks of a CreateTrainingJob request beyond its model, and what of it runs on AWS only."""

import regex

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.api.operation import RefusedCase
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws import kms, s3
from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.aws.s3 import S3Uri
from preflight.sagemaker.data.folder_sync import DEFAULT_CHECKPOINT_PATH, DEFAULT_TENSORBOARD_PATH
from preflight.sagemaker.jobs.quotas import require_instances
from preflight.sagemaker.launching.framework_images import framework_of
from preflight.sagemaker.launching.images import require_training_image
from preflight.sagemaker.launching.programs import find_builtin_algorithm
from preflight.sagemaker.training import debugger
from preflight.sagemaker.training.algorithm import find_algorithm
from preflight.sagemaker.training.channel_rules import require_channels
from preflight.sagemaker.training.metrics import MAX_UNROLLED_LENGTH, unrolled_length
from preflight.sagemaker.training.request import (
    AlgorithmSpecification,
    CreateTrainingJob,
    InstanceGroup,
    MetricDefinition,
    ResourceConfig,
)

_OPERATION = "CreateTrainingJob"
_BUILTIN_COMMAND = RefusedCase(
    _OPERATION, "ContainerEntrypoint or ContainerArguments and the image of a built-in algorithm"
)
_BUILTIN_INSTANCES = RefusedCase(
    _OPERATION, "ResourceConfig.InstanceCount above 1 and the image of a built-in algorithm other than XGBoost"
)
# XGBoost's image also runs a script of the caller's.
_SCRIPT_MODE = RefusedCase(
    _OPERATION, "the hyperparameter sagemaker_program and the image of a built-in algorithm other than XGBoost"
)
_REPEATS = RefusedCase(_OPERATION, "a MetricDefinitions.Regex of over 100000 characters, repetitions written out")
# The built-in algorithms ask nothing of the network; what another image asks would be let through here.
_ISOLATION = RefusedCase(_OPERATION, "EnableNetworkIsolation and an image other than a built-in algorithm's")
_CHECKPOINT_PATH = RefusedCase(_OPERATION, f"CheckpointConfig.LocalPath other than {DEFAULT_CHECKPOINT_PATH}")
_TENSORBOARD_PATH = RefusedCase(_OPERATION, f"TensorBoardOutputConfig.LocalPath other than {DEFAULT_TENSORBOARD_PATH}")
REFUSED = (
    _BUILTIN_COMMAND,
    _BUILTIN_INSTANCES,
    _SCRIPT_MODE,
    _REPEATS,
    _ISOLATION,
    _CHECKPOINT_PATH,
    _TENSORBOARD_PATH,
)

MAX_RUNTIME_SECONDS = 28 * 86_400
# Managed spot training of a built-in algorithm that writes no checkpoints. Page: "Managed Spot Training".
MAX_WAIT_WITHOUT_CHECKPOINTS_SECONDS = 3_600
CHECKPOINTING_ALGORITHMS = ("xgboost",)
DISTRIBUTED_ALGORITHMS = ("xgboost",)  # here; on AWS Linear Learner, too
# Families with disks of their own, whose keys are not the caller's to choose. Page: "SSD instance store volumes".
LOCAL_STORAGE_FAMILIES = ("ml.g4dn", "ml.g5", "ml.g6", "ml.p3dn", "ml.p4d", "ml.p5", "ml.p6", "ml.trn1", "ml.trn2")


def require_valid(request: CreateTrainingJob, region: str) -> None:
    """Return if AWS would take ``request`` and Preflight can run it; what it names need not be there yet.

    Raises:
        ValidationException: in AWS's words where they are known.
        UnsupportedByPreflight: naming what is missing here.
    """
    specification = request.algorithm_specification
    if specification is None:
        raise ValidationException(guessed("AlgorithmSpecification is required."))
    if specification.training_image is None:
        raise ValidationException(guessed("TrainingImage or AlgorithmName must be specified."))
    access_mode = specification.training_image_config.training_repository_access_mode
    require_training_image(specification.training_image, access_mode)
    if request.resource_config is None:
        raise ValidationException(guessed("ResourceConfig is required."))
    groups = _require_resources(request.resource_config)
    algorithm = find_algorithm(request, region)
    if algorithm:
        _require_builtin(algorithm, specification, groups)
    elif find_builtin_algorithm(image := specification.training_image, region) and not framework_of(image, region):
        raise _SCRIPT_MODE.error()
    elif request.enable_network_isolation:
        raise _ISOLATION.error()
    _require_stopping_condition(request, request.resource_config, algorithm)
    require_channels(request, specification.training_input_mode, {group.instance_group_name for group in groups})
    for definition in specification.metric_definitions:
        _require_metric(definition)
    if request.checkpoint_config:
        _require_path(request.checkpoint_config.local_path, DEFAULT_CHECKPOINT_PATH, _CHECKPOINT_PATH)
    if request.tensor_board_output_config:
        _require_path(request.tensor_board_output_config.local_path, DEFAULT_TENSORBOARD_PATH, _TENSORBOARD_PATH)
    debugger.require_valid(request)


def _require_builtin(algorithm: str, specification: AlgorithmSpecification, groups: tuple[InstanceGroup, ...]) -> None:
    """What is so for the images of the built-in algorithms only."""
    if specification.metric_definitions:
        raise ValidationException(
            "You can't override the metric definitions for Amazon SageMaker algorithms. "
            "Please retry the request without specifying metric definitions."
        )
    if specification.container_entrypoint is not None:
        raise _BUILTIN_COMMAND.error("ContainerEntrypoint")
    if specification.container_arguments is not None:
        raise _BUILTIN_COMMAND.error("ContainerArguments")
    if algorithm not in DISTRIBUTED_ALGORITHMS and sum(group.instance_count for group in groups) > 1:
        raise _BUILTIN_INSTANCES.error()


def _require_resources(resources: ResourceConfig) -> tuple[InstanceGroup, ...]:
    """The groups it asks for; one that has no name if it asks for instances of one type."""
    if resources.instance_groups:
        _require_groups(resources)
        groups = resources.instance_groups
    elif resources.instance_type is None:
        raise ValidationException(guessed("ResourceConfig.InstanceType is required."))
    elif resources.instance_count is None:
        raise ValidationException(guessed("ResourceConfig.InstanceCount is required."))
    else:
        only = InstanceGroup(
            instance_group_name="", instance_type=resources.instance_type, instance_count=resources.instance_count
        )
        groups = (only,)
    if resources.volume_size_in_gb is None:
        raise ValidationException(guessed("ResourceConfig.VolumeSizeInGB is required."))
    if resources.volume_size_in_gb < 1:
        raise ValidationException(guessed("ResourceConfig.VolumeSizeInGB must be at least 1."))
    for group in groups:
        _require_instances(group)
        family = group.instance_type.rpartition(".")[0]
        if resources.volume_kms_key_id and (family.startswith(LOCAL_STORAGE_FAMILIES) or family.endswith("d")):
            raise ValidationException(
                guessed(
                    f"VolumeKmsKeyId is not supported for instance type {group.instance_type}, which has local storage."
                )
            )
    return groups


def _require_instances(group: InstanceGroup) -> None:
    if group.instance_count < 1:
        raise ValidationException(guessed("ResourceConfig.InstanceCount must be at least 1."))
    require_instances(group.instance_type, group.instance_count, "training job")


def _require_groups(resources: ResourceConfig) -> None:
    for member, value in (("InstanceType", resources.instance_type), ("InstanceCount", resources.instance_count)):
        if value is not None:
            raise ValidationException(
                guessed(f"ResourceConfig.{member} and ResourceConfig.InstanceGroups cannot both be specified.")
            )
    if resources.keep_alive_period_in_seconds is not None:
        raise ValidationException(guessed("KeepAlivePeriodInSeconds is not supported with InstanceGroups."))
    names = [group.instance_group_name for group in resources.instance_groups]
    if len(set(names)) < len(names):
        raise ValidationException(guessed("Instance group names must be unique."))


def _require_stopping_condition(request: CreateTrainingJob, resources: ResourceConfig, algorithm: str | None) -> None:
    condition = request.stopping_condition
    runtime, wait = condition.max_runtime_in_seconds, condition.max_wait_time_in_seconds
    if runtime > MAX_RUNTIME_SECONDS:
        raise ValidationException(
            guessed(f"Invalid MaxRuntimeInSeconds {runtime}. It cannot be above {MAX_RUNTIME_SECONDS}.")
        )
    if not request.enable_managed_spot_training:
        if wait is not None:
            raise ValidationException(
                "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true"
            )
        return
    if wait is None or wait < runtime:
        raise ValidationException(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds"
        )
    may_checkpoint = algorithm is None or (
        algorithm in CHECKPOINTING_ALGORITHMS and request.checkpoint_config is not None
    )
    if wait > MAX_WAIT_WITHOUT_CHECKPOINTS_SECONDS and not may_checkpoint:
        raise ValidationException("MaxWaitTimeInSeconds above 3600 is not supported for the given algorithm")
    if resources.keep_alive_period_in_seconds:
        raise ValidationException(
            guessed("KeepAlivePeriodInSeconds is not supported when EnableManagedSpotTraining is set to true.")
        )


def _require_metric(definition: MetricDefinition) -> None:
    if unrolled_length(definition.regex) > MAX_UNROLLED_LENGTH:
        raise _REPEATS.error(definition.name)
    try:
        regex.compile(definition.regex)
    except (regex.error, RecursionError) as error:
        raise ValidationException(
            guessed(f"The regular expression of metric {definition.name} is invalid: {error}.")
        ) from None


def _require_path(path: str, default: str, refused: RefusedCase) -> None:
    if path.rstrip("/") != default:
        raise refused.error(path)


def require_keys(services: Clients, scope: Scope, request: CreateTrainingJob) -> None:
    """Raises ValidationException unless each KMS key of the request is there."""
    volume_key = request.resource_config.volume_kms_key_id if request.resource_config else None
    key_ids = {
        "OutputDataConfig.KmsKeyId": request.output_data_config.kms_key_id,
        "ResourceConfig.VolumeKmsKeyId": volume_key,
    }
    kms.require_keys(services, scope, key_ids)


def require_buckets(services: Clients, scope: Scope, request: CreateTrainingJob) -> None:
    """Raises ValidationException unless each bucket the job writes to is there, in the job's region."""
    checkpoints, tensor_board = request.checkpoint_config, request.tensor_board_output_config
    written = {
        "OutputDataConfig.S3OutputPath": request.output_data_config.s3_output_path,
        "CheckpointConfig.S3Uri": checkpoints.s3_uri if checkpoints else None,
        "TensorBoardOutputConfig.S3OutputPath": tensor_board.s3_output_path if tensor_board else None,
    }
    for member, uri in written.items():
        if uri is None:
            continue
        bucket = S3Uri.parse(uri).bucket
        found = s3.bucket_region(services, scope, bucket)
        if found is None:
            raise ValidationException(guessed(f"The S3 bucket {bucket} of {member} does not exist."))
        if found != scope.region:
            raise ValidationException(
                guessed(
                    f"The S3 bucket {bucket} of {member} is in region {found}; it must be in region {scope.region}."
                )
            )
