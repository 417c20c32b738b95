"""Where a model's data may lie, and what CreateModel finds out about it."""

import io
import json
import tarfile
from typing import Any

import pytest

from tests.local.conftest import LINEAR_LEARNER, XGBOOST, Make, make_config, make_role, refusal, unique
from tests.local.preflight.sagemaker.hosting.test_hosting import invoke


@pytest.fixture
def create(sagemaker: Any, role: str) -> Make:
    """CreateModel of a Linear Learner; returns its name."""

    def create(**container: Any) -> str:
        name = unique("model")
        sagemaker.create_model(
            ModelName=name, PrimaryContainer={"Image": LINEAR_LEARNER} | container, ExecutionRoleArn=role
        )
        return name

    return create


def source(uri: str, data_type: str, compression: str) -> dict[str, Any]:
    return {"S3DataSource": {"S3Uri": uri, "S3DataType": data_type, "CompressionType": compression}}


@pytest.fixture(scope="module")
def unpacked(client: Make, bucket: str, artifact: str) -> str:
    """A prefix with the files of the trained model."""
    body = client("s3").get_object(Bucket=bucket, Key=artifact.removeprefix(f"s3://{bucket}/"))["Body"].read()
    prefix = unique("unpacked")
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        for member in tar:
            if file := tar.extractfile(member):
                client("s3").put_object(Bucket=bucket, Key=f"{prefix}/{member.name}", Body=file.read())
    return f"s3://{bucket}/{prefix}/"


@pytest.mark.launchers("process", "docker")
def test_a_model_serves_from_the_files_below_a_prefix(
    sagemaker: Any, runtime: Any, create: Make, create_endpoint: Make, unpacked: str
) -> None:
    model = create(ModelDataSource=source(unpacked, "S3Prefix", "None"))

    name = create_endpoint(make_config(sagemaker, model))["EndpointName"]

    assert invoke(runtime, name)["predictions"]
    assert sagemaker.describe_model(ModelName=model)["PrimaryContainer"]["ModelDataSource"] == source(
        unpacked, "S3Prefix", "None"
    )


def test_a_model_serves_from_an_archive_given_as_its_source(
    sagemaker: Any, runtime: Any, create: Make, create_endpoint: Make, artifact: str
) -> None:
    model = create(ModelDataSource=source(artifact, "S3Object", "Gzip"))

    assert invoke(runtime, create_endpoint(make_config(sagemaker, model))["EndpointName"])["predictions"]


def test_a_model_serves_from_a_single_file(
    sagemaker: Any, runtime: Any, create: Make, create_endpoint: Make, unpacked: str
) -> None:
    model = create(ModelDataSource=source(f"{unpacked}model_algo-1", "S3Object", "None"))

    assert invoke(runtime, create_endpoint(make_config(sagemaker, model))["EndpointName"])["predictions"]


@pytest.mark.parametrize("key", ["folder/", "weights/part"])
def test_names_that_cannot_be_files_fail_the_endpoint(
    client: Make, sagemaker: Any, create: Make, create_endpoint: Make, bucket: str, key: str
) -> None:
    prefix = unique("names")
    for name in ("weights", key):
        client("s3").put_object(Bucket=bucket, Key=f"{prefix}/{name}", Body=b"1")
    model = create(ModelDataSource=source(f"s3://{bucket}/{prefix}/", "S3Prefix", "None"))

    endpoint = create_endpoint(make_config(sagemaker, model))

    assert endpoint["EndpointStatus"] == "Failed"
    assert endpoint["FailureReason"].startswith(
        'Failed to download model data for container "container_1" from URL "s3'
    )


def test_an_archive_that_is_none_is_named_in_the_failure(
    sagemaker: Any, create: Make, create_endpoint: Make, put: Make
) -> None:
    uri = put("no-archive/model.tar.gz", b"not an archive")

    endpoint = create_endpoint(make_config(sagemaker, create(ModelDataUrl=uri)))

    assert endpoint["FailureReason"].startswith(
        f'Failed to extract model data archive from URL "{uri}". Please ensure that the object located at the URL is a '
        f"valid tar.gz archive."
    )


@pytest.mark.parametrize(
    "odd",
    [
        {"type": tarfile.LNKTYPE, "linkname": "nothing"},
        {"pax_headers": {"path": "null\0character"}},
        {"pax_headers": {"mtime": "1e400"}},
        {"pax_headers": {"mtime": "nan"}},
        {"name": "deep/" * 3000 + "file"},
    ],
    ids=["link to nothing", "null character", "no such time", "no time", "deep"],
)
def test_an_archive_made_to_break_its_reader_fails_the_endpoint(
    create: Make, create_endpoint: Make, sagemaker: Any, put: Make, odd: dict[str, Any]
) -> None:
    member = tarfile.TarInfo("file")
    for name, value in odd.items():
        setattr(member, name, value)
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w:gz") as archive:
        archive.addfile(member)

    endpoint = create_endpoint(make_config(sagemaker, create(ModelDataUrl=put("odd/model.tar.gz", body.getvalue()))))

    assert endpoint["FailureReason"].startswith("Failed to extract model data archive from URL")


def test_data_that_is_gone_when_the_endpoint_starts_fails_it(
    client: Make, sagemaker: Any, create: Make, create_endpoint: Make, put: Make, bucket: str
) -> None:
    model = create(ModelDataUrl=put("gone/model.tar.gz", b"soon gone"))
    client("s3").delete_object(Bucket=bucket, Key="gone/model.tar.gz")

    endpoint = create_endpoint(make_config(sagemaker, model))

    assert endpoint["FailureReason"].startswith('Failed to download model data for container "container_1" from URL')


@pytest.mark.parametrize(
    ("container", "message"),
    [
        (
            {"ModelDataUrl": "s3://{bucket}/no/model.tar.gz"},
            "Could not find model data at s3://{bucket}/no/model.tar.gz.",
        ),
        (
            {"ModelDataUrl": "s3://no-such-bucket/m.tar.gz"},
            "Could not find model data at s3://no-such-bucket/m.tar.gz.",
        ),
        ({"ModelDataUrl": "s3://{bucket}/model.zip"}, ".tar.gz"),
        (
            {"ModelDataSource": source("s3://{bucket}/no/", "S3Prefix", "None")},
            "Could not find model data at s3://{bucket}/no/.",
        ),
        (
            {"ModelDataSource": source("s3://{bucket}/no", "S3Prefix", "None")},
            "PrimaryContainer.ModelDataSource.S3Data",
        ),
        (
            {"ModelDataSource": source("s3://{bucket}/no/", "S3Prefix", "Gzip")},
            "PrimaryContainer.ModelDataSource.S3Data",
        ),
        (
            {
                "ModelDataUrl": "s3://{bucket}/model.tar.gz",
                "ModelDataSource": source("s3://{bucket}/no/", "S3Prefix", "None"),
            },
            "ModelDataSource",
        ),
    ],
)
def test_data_that_cannot_be_a_model_is_refused(
    create: Make, bucket: str, container: dict[str, Any], message: str
) -> None:
    code, said = refusal(create, **json.loads(json.dumps(container).replace("{bucket}", bucket)))

    assert (code, message.replace("{bucket}", bucket) in said) == ("ValidationException", True), said


def test_a_model_needs_a_role_that_sagemaker_may_assume(sagemaker: Any, client: Make) -> None:
    role = make_role(client("iam"), "lambda.amazonaws.com")

    assert refusal(
        sagemaker.create_model, ModelName=unique("m"), PrimaryContainer={"Image": XGBOOST}, ExecutionRoleArn=role
    ) == (
        "ValidationException",
        f"Could not assume role {role}. Please ensure that the role exists and allows principal "
        "'sagemaker.amazonaws.com' to assume the role.",
    )


def test_an_endpoint_config_or_job_of_a_deleted_model_is_refused(sagemaker: Any, create: Make) -> None:
    model = create()
    arn = sagemaker.describe_model(ModelName=model)["ModelArn"]
    config = make_config(sagemaker, model)
    sagemaker.delete_model(ModelName=model)
    expected = ("ValidationException", f'Could not find model "{arn}".')

    assert refusal(make_config, sagemaker, model) == expected
    assert refusal(sagemaker.create_endpoint, EndpointName=unique("e"), EndpointConfigName=config) == expected
    assert refusal(sagemaker.delete_model, ModelName=model) == expected
