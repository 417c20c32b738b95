"""Endpoint configurations: what AWS fills in, what it takes along, what it refuses."""

from datetime import timedelta
from typing import Any

import pytest

from tests.local.conftest import Make, make_config, refusal, unique

VARIANT = {"VariantName": "v", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


def create(sagemaker: Any, *variants: dict[str, Any], **members: Any) -> str:
    name = unique("config")
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=list(variants), **members)
    return name


def test_a_variant_is_described_with_its_defaults_and_all_that_was_asked(sagemaker: Any, model: str) -> None:
    asked = VARIANT | {
        "ModelName": model,
        "VolumeSizeInGB": 30,
        "ModelDataDownloadTimeoutInSeconds": 600,
        "ContainerStartupHealthCheckTimeoutInSeconds": 600,
        "EnableSSMAccess": True,
        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
        "InferenceAmiVersion": "al2-ami-sagemaker-inference-gpu-2",
    }

    config = sagemaker.describe_endpoint_config(EndpointConfigName=create(sagemaker, asked))

    assert config["ProductionVariants"] == [asked | {"InitialVariantWeight": 1.0}]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([{"InstanceType": None}], "InstanceType"),
        ([{"InitialInstanceCount": None}], "InitialInstanceCount"),
        (
            [{"InstanceType": "ml.m7g.large"}],
            "1 validation error detected: Value 'ml.m7g.large' at 'production",
        ),
        ([{}, {}], "unique"),
        ([{"VariantName": f"v{place}"} for place in range(11)], "1 validation error detected: Value '["),
        (
            [{"VolumeSizeInGB": 600}],
            "1 validation error detected: Value '600' at 'productionVariants.1.member.",
        ),
    ],
)
def test_variants_aws_would_refuse_are_refused(
    sagemaker: Any, model: str, changes: list[dict[str, Any]], message: str
) -> None:
    asked = [VARIANT | {"ModelName": model} | change for change in changes]
    variants = [{key: value for key, value in variant.items() if value is not None} for variant in asked]

    code, said = refusal(create, sagemaker, *variants)

    assert (code, message in said) == ("ValidationException", True), said


def test_a_name_taken_or_missing_is_refused(sagemaker: Any, model: str) -> None:
    name = make_config(sagemaker, model)
    arn = sagemaker.describe_endpoint_config(EndpointConfigName=name)["EndpointConfigArn"]
    variant = VARIANT | {"ModelName": model}

    assert refusal(sagemaker.create_endpoint_config, EndpointConfigName=name, ProductionVariants=[variant]) == (
        "ValidationException",
        f'Cannot create already existing endpoint configuration "{arn}".',
    )
    sagemaker.delete_endpoint_config(EndpointConfigName=name)
    for call in (sagemaker.describe_endpoint_config, sagemaker.delete_endpoint_config):
        assert refusal(call, EndpointConfigName=name) == (
            "ValidationException",
            f'Could not find endpoint configuration "{arn}".',
        )


def test_data_capture_that_is_off_is_shown(sagemaker: Any, model: str, bucket: str, create_endpoint: Make) -> None:
    capture = {
        "EnableCapture": False,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{bucket}/capture",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }

    name = create(sagemaker, VARIANT | {"ModelName": model}, DataCaptureConfig=capture)

    assert sagemaker.describe_endpoint_config(EndpointConfigName=name)["DataCaptureConfig"] == capture
    assert create_endpoint(name)["DataCaptureConfig"] == {
        "EnableCapture": False,
        "CaptureStatus": "Stopped",
        "CurrentSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{bucket}/capture",
        "KmsKeyId": "",
    }


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("ExplainerConfig", {"ClarifyExplainerConfig": {"ShapConfig": {"ShapBaselineConfig": {}}}}),
        ("AsyncInferenceConfig", {"OutputConfig": {}}),
    ],
)
def test_what_is_not_supported_is_refused_by_name(sagemaker: Any, model: str, member: str, value: Any) -> None:
    code, message = refusal(create, sagemaker, VARIANT | {"ModelName": model}, **{member: value})

    assert (code, member in message) == ("UnsupportedByPreflight", True)


def test_endpoints_are_listed_by_status_and_time(sagemaker: Any, model: str, create_endpoint: Make) -> None:
    endpoint = create_endpoint(make_config(sagemaker, model))
    name, modified = endpoint["EndpointName"], endpoint["LastModifiedTime"]

    def listed(**filters: Any) -> list[str]:
        return [
            one["EndpointName"]
            for one in sagemaker.list_endpoints(NameContains=name, MaxResults=100, **filters)["Endpoints"]
        ]

    later = modified + timedelta(seconds=1)  # clients send whole seconds

    assert listed() == listed(StatusEquals="InService") == listed(CreationTimeBefore=later) == [name]
    assert listed(StatusEquals="Failed") == listed(LastModifiedTimeAfter=later) == []


def test_accounts_have_endpoints_of_their_own(client: Make, sagemaker: Any, model: str, create_endpoint: Make) -> None:
    name = create_endpoint(make_config(sagemaker, model))["EndpointName"]

    for scope in ({"account": "111111111111"}, {"region": "eu-west-1"}):
        account = scope.get("account", "000000000000")
        assert client("sagemaker", **scope).list_endpoints()["Endpoints"] == []
        assert refusal(client("sagemaker-runtime", **scope).invoke_endpoint, EndpointName=name, Body=b"1,1") == (
            "ValidationError",
            f"Endpoint {name} of account {account} not found.",
        )
