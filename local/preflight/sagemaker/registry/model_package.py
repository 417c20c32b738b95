"""ModelPackage: a version of a group, ``GROUP/2``, or a package of its own name.

Events name fields as Describe does, with times in ISO 8601 and nothing that has no value.
Page: "Amazon SageMaker AI events", SageMaker model package state change.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from preflight.sagemaker.api.errors import ValidationException, guessed
from preflight.sagemaker.api.listing import Listing
from preflight.sagemaker.registry.request import CreateModelPackage
from preflight.sagemaker.resources.record import Record
from preflight.sagemaker.resources.table import Kind

# Members shown as they were asked for, or as UpdateModelPackage has left them.
_AS_ASKED = (
    "ModelPackageDescription",
    "ModelPackageRegistrationType",
    "InferenceSpecification",
    "ModelApprovalStatus",
    "MetadataProperties",
    "ModelMetrics",
    "Domain",
    "Task",
    "SamplePayloadUrl",
    "CustomerMetadataProperties",
    "DriftCheckBaselines",
    "AdditionalInferenceSpecifications",
    "SkipModelValidation",
    "SourceUri",
    "SecurityConfig",
    "ModelCard",
    "ModelLifeCycle",
)
_SUMMARIZED = ("ModelPackageDescription", "ModelApprovalStatus", "ModelLifeCycle", "ModelPackageRegistrationType")


class ModelPackageRecord(Record):
    """``request`` is CreateModelPackage's, with what UpdateModelPackage has changed; ``name`` a version's ``GROUP/2``.

    A package that asks for no validation is Completed at once, as on AWS.
    """

    request: CreateModelPackage
    group: str | None = None
    version: int | None = None
    approval_description: str | None = None
    last_modified: datetime = Field(default_factory=lambda: datetime.now(UTC))


def describe(package: ModelPackageRecord) -> dict[str, Any]:
    asked = package.request.as_asked()
    description = {
        **_identity(package),
        "CreationTime": package.creation_time,
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        "CertifyForMarketplace": False,
        "LastModifiedTime": package.last_modified,
        "ApprovalDescription": package.approval_description,
        **{key: asked[key] for key in _AS_ASKED if key in asked},
    }
    return {key: value for key, value in description.items() if value not in (None, {})}


def summarize(package: ModelPackageRecord) -> dict[str, Any]:
    """One of ModelPackageSummaryList. ModelPackageName sorts and finds a version, too: see ``ModelPackages.list``."""
    asked = package.request.as_asked()
    return {
        **_identity(package),
        "ModelPackageName": package.name,
        "CreationTime": package.creation_time,
        "ModelPackageStatus": "Completed",
        **{key: asked[key] for key in _SUMMARIZED if key in asked},
    }


def updated_fields(changes: Iterable[str]) -> list[str]:
    """The names that events give to the members of UpdateModelPackage that changed something."""
    names = {"CustomerMetadataPropertiesToRemove": "CustomerMetadataProperties", "SourceUri": "sourceUri"}
    changed = (member for member in changes if member not in ("ModelPackageArn", "ClientToken"))
    return list(dict.fromkeys(names.get(member, member) for member in changed))


def _identity(package: ModelPackageRecord) -> dict[str, Any]:
    """AWS shows no ModelPackageName for a version."""
    if package.group is None:
        return {"ModelPackageName": package.name, "ModelPackageArn": package.arn}
    return {
        "ModelPackageGroupName": package.group,
        "ModelPackageVersion": package.version,
        "ModelPackageArn": package.arn,
    }


MODEL_PACKAGE = Kind(
    record=ModelPackageRecord,
    arn_kind="model-package",
    event="Model Package",
    has_plain_events=True,
    listing=Listing(result_key="ModelPackageSummaryList", name_key="ModelPackageName"),
    describe=describe,
    summarize=summarize,
    taken=lambda arn: ValidationException(guessed(f"ModelPackage already exists: {arn}")),
    missing=lambda arn: ValidationException(guessed(f"ModelPackage {arn} does not exist.")),
    searched_as="ModelPackage",
)
