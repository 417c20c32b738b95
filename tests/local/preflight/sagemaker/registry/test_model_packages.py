"""Packages: counted versions, what is shown of them, approval and its events, what is refused."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.local.conftest import XGBOOST, Make, refusal, unique
from tests.local.preflight.sagemaker.telemetry.test_events import Watch

ROOT = "arn:aws:sagemaker:us-east-1:000000000000"
UNVERSIONED = {
    "SupportedTransformInstanceTypes": ["ml.m5.large"],
    "SupportedRealtimeInferenceInstanceTypes": ["ml.m5.large"],
    "SupportedContentTypes": ["text/csv"],
    "SupportedResponseMIMETypes": ["text/csv"],
}


@pytest.fixture
def watch(client: Make) -> Iterator[Watch]:
    watch = Watch(client)
    yield watch
    watch.stop()


def test_versions_count_from_one_and_no_number_is_given_twice(sagemaker: Any, group: str, register: Make) -> None:
    arns = [register(), register()]
    sagemaker.delete_model_package(ModelPackageName=arns[1])
    arns.append(register())

    assert arns == [f"{ROOT}:model-package/{group.lower()}/{version}" for version in (1, 2, 3)]
    listed = sagemaker.list_model_packages(ModelPackageGroupName=group, SortOrder="Ascending")
    assert [each["ModelPackageVersion"] for each in listed["ModelPackageSummaryList"]] == [1, 3]
    assert "ModelPackageName" not in listed["ModelPackageSummaryList"][0]


def test_a_version_is_described_by_arn_and_by_group_and_number(
    sagemaker: Any, group: str, archive: str, register: Make
) -> None:
    arn = register(MetadataProperties={"CommitId": "abc"}, CustomerMetadataProperties={"team": "a"})

    package = sagemaker.describe_model_package(ModelPackageName=arn)
    assert package == sagemaker.describe_model_package(ModelPackageName=f"{group}/1") | {
        "ResponseMetadata": package["ResponseMetadata"]
    }
    shown = {
        key: package[key] for key in package if key not in ("ResponseMetadata", "CreationTime", "LastModifiedTime")
    }
    assert shown == {
        "ModelPackageGroupName": group,
        "ModelPackageVersion": 1,
        "ModelPackageArn": arn,
        "InferenceSpecification": {
            "Containers": [{"Image": XGBOOST, "ModelDataUrl": archive}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        "CertifyForMarketplace": False,
        "ModelApprovalStatus": "PendingManualApproval",
        "MetadataProperties": {"CommitId": "abc"},
        "CustomerMetadataProperties": {"team": "a"},
    }


def test_approval_is_told_as_an_event_with_what_was_updated(
    sagemaker: Any, watch: Watch, group: str, register: Make
) -> None:
    arn = register()
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="good")

    events = watch.wait_for(arn, 2)
    assert {event["detail-type"] for event in events} == {"SageMaker Model Package State Change"}
    made, approved = sorted(events, key=lambda event: len(event["detail"]))
    assert (made["detail"]["ModelApprovalStatus"], made["detail"]["ModelPackageStatus"]) == (
        "PendingManualApproval",
        "Completed",
    )
    assert approved["detail"]["ModelApprovalStatus"] == "Approved"
    assert sorted(approved["detail"]["UpdatedModelPackageFields"]) == ["ApprovalDescription", "ModelApprovalStatus"]
    assert approved["detail"]["ModelPackageGroupName"] == group
    moment = sagemaker.describe_model_package(ModelPackageName=arn)["CreationTime"]
    assert approved["detail"]["CreationTime"] == moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_an_update_changes_what_it_names_and_nothing_else(sagemaker: Any, archive: str, register: Make) -> None:
    arn = register(CustomerMetadataProperties={"a": "1", "b": "2"})
    more = {"Name": "compiled", "Containers": [{"Image": XGBOOST, "ModelDataUrl": archive}]}

    sagemaker.update_model_package(
        ModelPackageArn=arn,
        CustomerMetadataProperties={"b": "3", "c": "4"},
        CustomerMetadataPropertiesToRemove=["a"],
        AdditionalInferenceSpecificationsToAdd=[more],
        ModelLifeCycle={"Stage": "Staging", "StageStatus": "Approved"},
    )

    package = sagemaker.describe_model_package(ModelPackageName=arn)
    assert package["CustomerMetadataProperties"] == {"b": "3", "c": "4"}
    assert package["AdditionalInferenceSpecifications"] == [more]
    assert package["ModelLifeCycle"]["Stage"] == "Staging"
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    assert package["LastModifiedTime"] > package["CreationTime"]
    refused = refusal(
        sagemaker.update_model_package, ModelPackageArn=arn, AdditionalInferenceSpecificationsToAdd=[more]
    )
    assert refused[0] == "ValidationException", "the same name again"


def test_lists_tell_versions_from_packages_with_a_name(
    sagemaker: Any, group: str, archive: str, register: Make
) -> None:
    version, name = register(ModelApprovalStatus="Approved"), unique("package")
    specification = {"Containers": [{"Image": XGBOOST, "ModelDataUrl": archive}], **UNVERSIONED}
    sagemaker.create_model_package(
        ModelPackageName=name, InferenceSpecification=specification, Tags=[{"Key": "k", "Value": "v"}]
    )

    def names(**members: Any) -> list[str]:
        found = sagemaker.list_model_packages(MaxResults=100, **members)["ModelPackageSummaryList"]
        return [each["ModelPackageArn"] for each in found]

    unversioned = f"{ROOT}:model-package/{name}"
    assert unversioned in names() and version not in names()
    assert {unversioned, version} <= set(names(ModelPackageType="Both"))
    assert unversioned not in names(ModelPackageType="Versioned")
    assert names(ModelPackageGroupName=group, ModelApprovalStatus="Approved") == [version]
    assert names(ModelPackageGroupName=group, ModelApprovalStatus="Rejected") == []
    assert sagemaker.describe_model_package(ModelPackageName=name)["ModelPackageName"] == name
    assert sagemaker.list_tags(ResourceArn=unversioned)["Tags"] == [{"Key": "k", "Value": "v"}]


def test_a_batch_describes_what_is_there_and_names_what_is_not(sagemaker: Any, register: Make) -> None:
    arn, missing = register(), f"{ROOT}:model-package/none/1"

    answer = sagemaker.batch_describe_model_package(ModelPackageArnList=[arn, missing])

    assert list(answer["ModelPackageSummaries"]) == [arn]
    assert answer["ModelPackageSummaries"][arn]["InferenceSpecification"]["Containers"][0]["Image"] == XGBOOST
    assert answer["BatchDescribeModelPackageErrorMap"][missing]["ErrorCode"] == "ValidationException"


def test_the_same_token_makes_no_second_version(register: Make) -> None:
    token = unique("token")

    assert register(ClientToken=token) == register(ClientToken=token)


def test_requests_that_aws_refuses_are_refused(sagemaker: Any, group: str, bucket: str, register: Make) -> None:
    create = sagemaker.create_model_package
    assert refusal(create, ModelPackageGroupName=group, ModelPackageName="a") == (
        "ValidationException",
        "Both ModelPackageName and ModelPackageGroupName are provided in the input. Cannot determine which one to use.",
    )
    assert refusal(create, SourceUri="a") == ("ValidationException", "Missing ARN.")
    assert refusal(create, ModelPackageGroupName="none", SourceUri="a") == (
        "ValidationException",
        f"ModelPackageGroup {ROOT}:model-package-group/none does not exist.",
    )
    assert refusal(register, Tags=[{"Key": "k", "Value": "v"}])[0] == "ValidationException"
    assert refusal(register, {"Image": "no-registry/image:1"})[0] == "ValidationException"
    code, message = refusal(register, {"ModelDataUrl": f"s3://{bucket}/none/model.tar.gz"})
    assert code == "ValidationException"
    assert message.startswith(f"Access denied for bucket: {bucket}, object key: none/model.tar.gz")
    elsewhere = "arn:aws:sagemaker:us-west-2:000000000000:model-package/a/1"
    assert refusal(sagemaker.describe_model_package, ModelPackageName=elsewhere) == (
        "ValidationException",
        "ARN should be scoped to correct region: us-east-1",
    )
    assert sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"] == []
