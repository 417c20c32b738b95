"""ModelPackageGroup: the versions of one model, counted from 1."""

from typing import Any

from preflight.sagemaker.api.errors import ValidationException
from preflight.sagemaker.api.listing import Listing
from preflight.sagemaker.registry.request import CreateModelPackageGroup
from preflight.sagemaker.resources.record import Record
from preflight.sagemaker.resources.table import Kind


class ModelPackageGroupRecord(Record):
    """``last_version`` is the number of its newest version, also if that is deleted: none is given twice."""

    request: CreateModelPackageGroup
    last_version: int = 0
    policy: str | None = None


def describe(group: ModelPackageGroupRecord) -> dict[str, Any]:
    """CreatedBy tells of users of SageMaker Studio, which is not here: AWS shows it empty for others."""
    return {**summarize(group), "CreatedBy": {}}


def summarize(group: ModelPackageGroupRecord) -> dict[str, Any]:
    description = group.request.model_package_group_description
    return {
        "ModelPackageGroupName": group.name,
        "ModelPackageGroupArn": group.arn,
        **({} if description is None else {"ModelPackageGroupDescription": description}),
        "CreationTime": group.creation_time,
        "ModelPackageGroupStatus": "Completed",
    }


MODEL_PACKAGE_GROUP = Kind(
    record=ModelPackageGroupRecord,
    arn_kind="model-package-group",
    event=None,
    listing=Listing(result_key="ModelPackageGroupSummaryList", name_key="ModelPackageGroupName"),
    describe=describe,
    summarize=summarize,
    taken=lambda arn: ValidationException(f"Model Package Group already exists: {arn}"),
    missing=lambda arn: ValidationException(f"ModelPackageGroup {arn} does not exist."),
    searched_as="ModelPackageGroup",
)
