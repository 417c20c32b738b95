"""A key that is none is refused, whatever its identifier looks like."""

from typing import Any

import pytest

from tests.local.conftest import Make, refusal


@pytest.mark.parametrize(
    "key_id",
    [
        "arn:aws:s3:::bucket",
        "arn:aws:iam::000000000000:role/key",
        "arn:aws:kms:us-east-1:000000000000:none/of/them",
        "arn:aws:kms:us-east-1:000000000000:key/none",
        "arn:aws:s3:::bucket:key/none",
        "arn:",
        "alias/none",
        "none",
    ],
)
def test_what_is_no_key_is_refused_by_name(sagemaker: Any, job_request: Make, bucket: str, key_id: str) -> None:
    output = {"S3OutputPath": f"s3://{bucket}/output", "KmsKeyId": key_id}

    code, message = refusal(sagemaker.create_training_job, **job_request(OutputDataConfig=output))

    assert (code, f"The KMS key {key_id}" in message) == ("ValidationException", True), message


def test_a_key_is_found_by_its_id_its_alias_and_the_arns_of_both(
    client: Make, sagemaker: Any, job_request: Make, bucket: str
) -> None:
    key = client("kms").create_key()["KeyMetadata"]
    client("kms").create_alias(AliasName="alias/found", TargetKeyId=key["KeyId"])
    alias = key["Arn"].replace(f"key/{key['KeyId']}", "alias/found")

    for key_id in (key["KeyId"], key["Arn"], "alias/found", alias):
        output = {"S3OutputPath": f"s3://{bucket}/output", "KmsKeyId": key_id}
        request = job_request(OutputDataConfig=output)
        sagemaker.create_training_job(**request)
        sagemaker.stop_training_job(TrainingJobName=request["TrainingJobName"])
