"""Groups: made, found by name and ARN, deleted when they are empty, and their policies."""

import json
from typing import Any

from tests.local.conftest import Make, refusal, unique

ROOT = "arn:aws:sagemaker:us-east-1:000000000000"


def test_a_group_is_made_shown_listed_and_deleted(sagemaker: Any) -> None:
    name = unique("Group")
    arn = sagemaker.create_model_package_group(ModelPackageGroupName=name, Tags=[{"Key": "team", "Value": "a"}])[
        "ModelPackageGroupArn"
    ]

    assert arn == f"{ROOT}:model-package-group/{name.lower()}"
    for reference in (name, arn):
        group = sagemaker.describe_model_package_group(ModelPackageGroupName=reference)
        assert (group["ModelPackageGroupName"], group["ModelPackageGroupStatus"]) == (name, "Completed")
    listed = sagemaker.list_model_package_groups(NameContains=name)["ModelPackageGroupSummaryList"]
    assert [each["ModelPackageGroupArn"] for each in listed] == [arn]
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "a"}]
    code, message = refusal(sagemaker.create_model_package_group, ModelPackageGroupName=name)
    assert code == "ValidationException" and "Model Package Group already exists" in message

    sagemaker.delete_model_package_group(ModelPackageGroupName=name)
    assert refusal(sagemaker.describe_model_package_group, ModelPackageGroupName=name) == (
        "ValidationException",
        f"ModelPackageGroup {arn} does not exist.",
    )


def test_a_group_with_versions_is_not_deleted(sagemaker: Any, group: str, register: Make) -> None:
    arn = register()
    assert refusal(sagemaker.delete_model_package_group, ModelPackageGroupName=group)[0] == "ConflictException"

    sagemaker.delete_model_package(ModelPackageName=arn)
    sagemaker.delete_model_package_group(ModelPackageGroupName=group)


def test_a_policy_is_kept_until_it_is_deleted(sagemaker: Any, group: str) -> None:
    missing = ("ValidationException", f"Cannot find resource policy for: {ROOT}:model-package-group/{group.lower()}")
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    assert refusal(sagemaker.get_model_package_group_policy, ModelPackageGroupName=group) == missing

    sagemaker.put_model_package_group_policy(ModelPackageGroupName=group, ResourcePolicy=policy)
    assert sagemaker.get_model_package_group_policy(ModelPackageGroupName=group)["ResourcePolicy"] == policy

    sagemaker.delete_model_package_group_policy(ModelPackageGroupName=group)
    assert refusal(sagemaker.delete_model_package_group_policy, ModelPackageGroupName=group) == missing
    no_policy = refusal(
        sagemaker.put_model_package_group_policy, ModelPackageGroupName=group, ResourcePolicy="no policy"
    )
    assert no_policy[0] == "ValidationException"
