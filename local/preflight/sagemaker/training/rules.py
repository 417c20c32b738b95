"""What AWS asks of a CreateTrainingJob request beyond its model, and what of it runs on AWS only."""

from collections.abc import Mapping
from typing import Any

import regex

from preflight.sagemaker.api.coverage import refused_case
from preflight.sagemaker.api.errors import ResourceLimitExceeded, ValidationException
from preflight.sagemaker.api.scope import Scope
from preflight.sagemaker.aws import kms, s3
from preflight.sagemaker.aws.clients import Clients
from preflight.sagemaker.aws.s3 import S3Uri
from preflight.sagemaker.data.folder_sync import DEFAULT_CHECKPOINT_PATH, DEFAULT_TENSORBOARD_PATH
from preflight.sagemaker.launching.images import require_training_image
from preflight.sagemaker.launching.programs import find_builtin_algorithm
from preflight.sagemaker.training import debugger
from preflight.sagemaker.training.channel_rules import require_channels
from preflight.sagemaker.training.metrics import MAX_UNROLLED_LENGTH, unrolled_length

INSTANCE_LIMIT = 20  # of one job and type; AWS's own default is lower for most types
_BUILTIN_COMMAND = refused_case(
    "CreateTrainingJob", "ContainerEntrypoint or ContainerArguments and the image of a built-in algorithm"
)
_BUILTIN_INSTANCES = refused_case(
    "CreateTrainingJob", "ResourceConfig.InstanceCount above 1 and the image of a built-in algorithm"
)
_REPEATS = refused_case(
    "CreateTrainingJob", "a MetricDefinitions.Regex of over 100000 characters, repetitions written out"
)
# The built-in algorithms ask nothing of the network; what another image asks would be let through here.
_ISOLATION = refused_case("CreateTrainingJob", "EnableNetworkIsolation and an image other than a built-in algorithm's")
_LOCAL_PATHS = {
    member: refused_case("CreateTrainingJob", f"{member}.LocalPath other than {path}")
    for member, path in (
        ("CheckpointConfig", DEFAULT_CHECKPOINT_PATH),
        ("TensorBoardOutputConfig", DEFAULT_TENSORBOARD_PATH),
    )
}

MAX_RUNTIME_SECONDS = 28 * 86_400
# Managed spot training of a built-in algorithm that writes no checkpoints. Page: "Managed Spot Training".
MAX_WAIT_WITHOUT_CHECKPOINTS_SECONDS = 3_600
CHECKPOINTING_ALGORITHMS = ("xgboost",)
# Families with disks of their own, whose keys are not the caller's to choose. Page: "SSD instance store volumes".
LOCAL_STORAGE_FAMILIES = ("ml.g4dn", "ml.g5", "ml.g6", "ml.p3dn", "ml.p4d", "ml.p5", "ml.p6", "ml.trn1", "ml.trn2")

Request = Mapping[str, Any]


def require_valid(request: Request, region: str) -> None:
    """Return if AWS would take ``request`` and Preflight can run it; what it names need not be there yet.

    Raises:
        ValidationException: in AWS's words where they are known.
        UnsupportedByPreflight: naming what is missing here.
    """
    specification = request.get("AlgorithmSpecification")
    if specification is None:
        raise ValidationException("AlgorithmSpecification is required.")  # words guessed
    if "TrainingImage" not in specification:
        raise ValidationException("TrainingImage or AlgorithmName must be specified.")  # words guessed
    require_training_image(specification)
    _require_resources(request.get("ResourceConfig"))
    algorithm = find_builtin_algorithm(specification["TrainingImage"], region)
    if algorithm:
        _require_builtin(request)
    elif request.get("EnableNetworkIsolation"):
        raise _ISOLATION.error()
    _require_stopping_condition(request, algorithm)
    require_channels(request)
    _require_metrics(specification.get("MetricDefinitions", []))
    _require_default_path("CheckpointConfig", request, DEFAULT_CHECKPOINT_PATH)
    _require_default_path("TensorBoardOutputConfig", request, DEFAULT_TENSORBOARD_PATH)
    debugger.require_valid(request)


def _require_builtin(request: Request) -> None:
    """What is so for the images of the built-in algorithms only."""
    specification = request["AlgorithmSpecification"]
    if specification.get("MetricDefinitions"):
        raise ValidationException(
            "You can't override the metric definitions for Amazon SageMaker algorithms. "
            "Please retry the request without specifying metric definitions."
        )
    for member in ("ContainerEntrypoint", "ContainerArguments"):
        if member in specification:
            raise _BUILTIN_COMMAND.error(member)
    resources = request["ResourceConfig"]
    groups = resources.get("InstanceGroups") or [resources]
    if sum(group["InstanceCount"] for group in groups) > 1:
        raise _BUILTIN_INSTANCES.error()


def _require_resources(resources: Mapping[str, Any] | None) -> None:
    if resources is None:
        raise ValidationException("ResourceConfig is required.")  # words guessed
    if groups := resources.get("InstanceGroups"):
        _require_groups(resources, groups)
    else:
        for member in ("InstanceType", "InstanceCount"):
            if member not in resources:
                raise ValidationException(f"ResourceConfig.{member} is required.")  # words guessed
        groups = [resources]
    if "VolumeSizeInGB" not in resources:
        raise ValidationException("ResourceConfig.VolumeSizeInGB is required.")  # words guessed
    if resources["VolumeSizeInGB"] < 1:
        raise ValidationException("ResourceConfig.VolumeSizeInGB must be at least 1.")  # words guessed
    for group in groups:
        if group["InstanceCount"] < 1:
            raise ValidationException("ResourceConfig.InstanceCount must be at least 1.")  # words guessed
        if group["InstanceCount"] > INSTANCE_LIMIT:
            quota = f"{group['InstanceType']} for training job usage"
            raise ResourceLimitExceeded.of(quota, INSTANCE_LIMIT, 0, group["InstanceCount"])
        family = group["InstanceType"].rpartition(".")[0]
        if resources.get("VolumeKmsKeyId") and (family.startswith(LOCAL_STORAGE_FAMILIES) or family.endswith("d")):
            raise ValidationException(  # words guessed
                f"VolumeKmsKeyId is not supported for instance type {group['InstanceType']}, which has local storage."
            )


def _require_groups(resources: Mapping[str, Any], groups: list[Mapping[str, Any]]) -> None:
    for member in ("InstanceType", "InstanceCount"):
        if member in resources:
            raise ValidationException(  # words guessed
                f"ResourceConfig.{member} and ResourceConfig.InstanceGroups cannot both be specified."
            )
    if "KeepAlivePeriodInSeconds" in resources:
        raise ValidationException("KeepAlivePeriodInSeconds is not supported with InstanceGroups.")  # words guessed
    names = [group["InstanceGroupName"] for group in groups]
    if len(set(names)) < len(names):
        raise ValidationException("Instance group names must be unique.")  # words guessed


def _require_stopping_condition(request: Request, algorithm: str | None) -> None:
    condition = request.get("StoppingCondition", {})
    runtime = condition.get("MaxRuntimeInSeconds", 86_400)
    wait = condition.get("MaxWaitTimeInSeconds")
    if runtime > MAX_RUNTIME_SECONDS:
        raise ValidationException(  # words guessed
            f"Invalid MaxRuntimeInSeconds {runtime}. It cannot be above {MAX_RUNTIME_SECONDS}."
        )
    if not request.get("EnableManagedSpotTraining"):
        if wait is not None:
            raise ValidationException(
                "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true"
            )
        return
    if wait is None or wait < runtime:
        raise ValidationException(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds"
        )
    may_checkpoint = algorithm is None or (algorithm in CHECKPOINTING_ALGORITHMS and "CheckpointConfig" in request)
    if wait > MAX_WAIT_WITHOUT_CHECKPOINTS_SECONDS and not may_checkpoint:
        raise ValidationException("MaxWaitTimeInSeconds above 3600 is not supported for the given algorithm")
    if request["ResourceConfig"].get("KeepAlivePeriodInSeconds"):
        raise ValidationException(  # words guessed
            "KeepAlivePeriodInSeconds is not supported when EnableManagedSpotTraining is set to true."
        )


def _require_metrics(definitions: list[Mapping[str, str]]) -> None:
    for definition in definitions:
        name, expression = definition["Name"], definition["Regex"]
        if unrolled_length(expression) > MAX_UNROLLED_LENGTH:
            raise _REPEATS.error(name)
        try:
            regex.compile(expression)
        except (regex.error, RecursionError) as error:
            raise ValidationException(
                f"The regular expression of metric {name} is invalid: {error}."  # words guessed
            ) from None


def _require_default_path(member: str, request: Request, default: str) -> None:
    path = request.get(member, {}).get("LocalPath", default)
    if path.rstrip("/") != default:
        raise _LOCAL_PATHS[member].error(path)


def require_keys(services: Clients, scope: Scope, request: Request) -> None:
    """Raises ValidationException unless each KMS key of the request is there."""
    for member, section in (("KmsKeyId", "OutputDataConfig"), ("VolumeKmsKeyId", "ResourceConfig")):
        key_id = request[section].get(member)
        if key_id and kms.key_arn(services, scope, key_id) is None:
            raise ValidationException(f"The KMS key {key_id} of {section}.{member} does not exist.")  # words guessed


def require_buckets(services: Clients, scope: Scope, request: Request) -> None:
    """Raises ValidationException unless each bucket the job writes to is there, in the job's region."""
    written = {
        "OutputDataConfig.S3OutputPath": request["OutputDataConfig"]["S3OutputPath"],
        "CheckpointConfig.S3Uri": request.get("CheckpointConfig", {}).get("S3Uri"),
        "TensorBoardOutputConfig.S3OutputPath": request.get("TensorBoardOutputConfig", {}).get("S3OutputPath"),
    }
    for member, uri in written.items():
        if uri is None:
            continue
        bucket = S3Uri.parse(uri).bucket
        found = s3.bucket_region(services, scope, bucket)
        if found is None:
            raise ValidationException(f"The S3 bucket {bucket} of {member} does not exist.")  # words guessed
        if found != scope.region:
            raise ValidationException(  # words guessed
                f"The S3 bucket {bucket} of {member} is in region {found}; it must be in region {scope.region}."
            )
