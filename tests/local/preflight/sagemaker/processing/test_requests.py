"""What CreateProcessingJob refuses: in AWS's words where they are known, and by name what Preflight cannot do."""

from typing import Any

import pytest

from tests.local.conftest import Make, refusal
from tests.local.preflight.sagemaker.processing.conftest import cluster, s3_input, s3_output

ATHENA = {
    "Catalog": "c",
    "Database": "d",
    "QueryString": "q",
    "OutputS3Uri": "s3://bucket/k",
    "OutputFormat": "PARQUET",
}
REDSHIFT = {
    **{"ClusterId": "c", "Database": "d", "DbUser": "u", "QueryString": "q", "OutputS3Uri": "s3://bucket/k"},
    **{"OutputFormat": "CSV", "ClusterRoleArn": "arn:aws:iam::000000000000:role/redshift"},
}


@pytest.fixture(scope="module")
def refused(sagemaker: Any, request_for: Make) -> Make:
    """Code and message of the refusal of a request with the given members."""
    return lambda **members: refusal(sagemaker.create_processing_job, **request_for(**members))


@pytest.mark.parametrize(
    ("definition", "named"),
    [
        ({"AthenaDatasetDefinition": ATHENA}, "DatasetDefinition.AthenaDatasetDefinition"),
        ({"RedshiftDatasetDefinition": REDSHIFT}, "DatasetDefinition.RedshiftDatasetDefinition"),
    ],
)
def test_a_data_set_that_a_query_makes_is_refused_by_name(refused: Make, definition: dict, named: str) -> None:
    definition = {"LocalPath": "/opt/ml/processing/data", **definition}

    code, message = refused(ProcessingInputs=[{"InputName": "data", "DatasetDefinition": definition}])

    assert code == "UnsupportedByPreflight"
    assert message.startswith("CreateProcessingJob with ProcessingInputs[].DatasetDefinition")


def test_a_feature_group_as_output_is_refused_by_name(refused: Make) -> None:
    output = {"OutputName": "o", "FeatureStoreOutput": {"FeatureGroupName": "f"}, "AppManaged": True}

    assert refused(ProcessingOutputConfig={"Outputs": [output]}) == (
        "UnsupportedByPreflight",
        "CreateProcessingJob with ProcessingOutputConfig.Outputs[].FeatureStoreOutput.FeatureGroupName is not "
        "supported by Preflight yet.",
    )


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"NetworkConfig": {"EnableNetworkIsolation": True}}, "NetworkConfig.EnableNetworkIsolation true"),
    ],
)
def test_what_runs_on_aws_only_is_refused_by_name(refused: Make, members: dict, named: str) -> None:
    code, message = refused(**members)

    assert (code, message.startswith(f"CreateProcessingJob with {named}")) == ("UnsupportedByPreflight", True)


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        (s3_input("s3://bucket/k", S3CompressionType="Gzip"), "Gzip"),
        (s3_input("s3://bucket/k", LocalPath="/opt/ml/model"), "/opt/ml/model"),
        (s3_input("s3://bucket/k", LocalPath="/opt/ml/processing/../model"), "/opt/ml/processing/../model"),
        (s3_input("s3://bucket/k", LocalPath="/opt/ml/processing/" + "é" * 200), "LocalPath"),
        (s3_input("s3://bucket/k", "code"), "unique"),
        ({"InputName": "data"}, "S3Input"),
        ({"InputName": "data", "S3Input": {"S3Uri": "s3://bucket/k", "S3DataType": "S3Prefix"}}, "LocalPath"),
    ],
)
def test_an_input_that_aws_refuses_is_named(sagemaker: Any, request_for: Make, entry: dict, named: str) -> None:
    code, message = refusal(sagemaker.create_processing_job, **request_for("", entry))

    assert (code, named in message) == ("ValidationException", True)


@pytest.mark.parametrize(
    ("output", "named"),
    [
        (s3_output("s3://bucket/k", "../model"), "/opt/ml/processing/../model"),
        ({"OutputName": "o"}, "S3Output"),
        ({"OutputName": "o", "S3Output": {"S3Uri": "s3://bucket/k", "S3UploadMode": "EndOfJob"}}, "LocalPath"),
    ],
)
def test_an_output_that_aws_refuses_is_named(refused: Make, output: dict, named: str) -> None:
    code, message = refused(ProcessingOutputConfig={"Outputs": [output]})

    assert (code, named in message) == ("ValidationException", True)


def test_an_image_that_is_not_in_ecr_is_refused(refused: Make) -> None:
    code, message = refused(AppSpecification={"ImageUri": "python:3.13-slim"})

    assert (code, "python:3.13-slim" in message) == ("ValidationException", True)


def test_more_instances_than_there_are_is_the_quotas_error(refused: Make) -> None:
    assert refused(ProcessingResources=cluster(21)) == (
        "ResourceLimitExceeded",
        "The account-level service limit 'ml.m5.large for processing job usage' is 20 Instances, with current "
        "utilization of 0 Instances and a request delta of 21 Instances. Please use AWS Service Quotas to request an "
        "increase for this quota. If AWS Service Quotas is not available, contact AWS support to request an increase "
        "for this quota.",
    )


def test_fast_file_is_not_for_processing(sagemaker: Any, request_for: Make) -> None:
    request = request_for("", s3_input("s3://bucket/k", S3InputMode="FastFile"))

    assert refusal(sagemaker.create_processing_job, **request) == (
        "ValidationException",
        "1 validation error detected: Value 'FastFile' at 'processingInputs.2.member.s3Input.s3InputMode' failed to "
        "satisfy constraint: Member must satisfy enum value set: [Pipe, File]",
    )


def test_an_instance_of_no_known_type_is_refused_with_the_whole_list(refused: Make) -> None:
    resources = {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "local", "VolumeSizeInGB": 5}}

    assert refused(ProcessingResources=resources)[1].startswith(
        "1 validation error detected: Value 'local' at 'processingResources.clusterConfig.instanceType' failed to "
        "satisfy constraint: Member must satisfy enum value set: [ml."
    )


def test_a_role_that_sagemaker_may_not_assume_and_a_key_that_is_not_there_are_refused(refused: Make) -> None:
    role = "arn:aws:iam::000000000000:role/none"
    config = {"Outputs": [s3_output("s3://bucket/k")], "KmsKeyId": "11111111-2222-3333-4444-555555555555"}

    assert refused(RoleArn=role)[1].startswith(f"Could not assume role {role}.")
    assert "ProcessingOutputConfig.KmsKeyId" in refused(ProcessingOutputConfig=config)[1]
