"""Serverless variants: what they take, what they refuse, how they change."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.local.conftest import LINEAR_LEARNER, Make, make_config, make_model, refusal, unique, wait_for_endpoint
from tests.local.preflight.sagemaker.hosting.test_hosting import invoke

SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}


def make_serverless(sagemaker: Any, *models: str, **members: Any) -> str:
    name = unique("config")
    variants = [
        {"VariantName": f"v{place}", "ModelName": model, "ServerlessConfig": SERVERLESS} | members
        for place, model in enumerate(models, start=1)
    ]
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants)
    return name


@pytest.fixture(scope="module")
def serverless(sagemaker: Any, role: str, artifact: str) -> Iterator[str]:
    name = unique("serverless")
    config = make_serverless(sagemaker, make_model(sagemaker, role, artifact))
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    assert wait_for_endpoint(sagemaker, name)["EndpointStatus"] == "InService"
    yield name
    sagemaker.delete_endpoint(EndpointName=name)


def test_a_serverless_endpoint_answers_and_shows_its_configuration(
    sagemaker: Any, runtime: Any, serverless: str
) -> None:
    variant = sagemaker.describe_endpoint(EndpointName=serverless)["ProductionVariants"][0]

    assert invoke(runtime, serverless)["predictions"]
    assert variant["CurrentServerlessConfig"] == SERVERLESS
    assert "DesiredInstanceCount" not in variant


def test_a_serverless_endpoint_takes_4_mb(runtime: Any, serverless: str) -> None:
    body = b"4,1\n" * (1024 * 1024) + b"4"

    code, message = refusal(runtime.invoke_endpoint, EndpointName=serverless, Body=body, ContentType="text/csv")

    assert code == "ValidationError"
    assert message.startswith("Request ") and message.endswith(" has oversize body.")


def test_concurrency_can_be_changed(sagemaker: Any, serverless: str) -> None:
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=serverless,
        DesiredWeightsAndCapacities=[{"VariantName": "v1", "ServerlessUpdateConfig": {"MaxConcurrency": 9}}],
    )

    variant = wait_for_endpoint(sagemaker, serverless)["ProductionVariants"][0]

    assert variant["CurrentServerlessConfig"] == {"MemorySizeInMB": 2048, "MaxConcurrency": 9}


def test_a_serverless_variant_has_no_instances_to_change(sagemaker: Any, serverless: str) -> None:
    for desired in ({"DesiredInstanceCount": 2}, {"ServerlessUpdateConfig": {"ProvisionedConcurrency": 200}}):
        code, _ = refusal(
            sagemaker.update_endpoint_weights_and_capacities,
            EndpointName=serverless,
            DesiredWeightsAndCapacities=[{"VariantName": "v1"} | desired],
        )
        assert code == "ValidationException"


def test_serverless_becomes_instances_and_not_the_other_way(
    sagemaker: Any, runtime: Any, model: str, create_endpoint: Make
) -> None:
    name = create_endpoint(make_serverless(sagemaker, model))["EndpointName"]

    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=make_config(sagemaker, model))

    assert wait_for_endpoint(sagemaker, name)["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    assert invoke(runtime, name)["predictions"]
    back = make_serverless(sagemaker, model)
    assert refusal(sagemaker.update_endpoint, EndpointName=name, EndpointConfigName=back)[0] == "ValidationException"


def test_a_serverless_model_that_does_not_stand_up_fails_the_endpoint(
    sagemaker: Any, role: str, put: Make, create_endpoint: Make, empty_archive: bytes
) -> None:
    model = make_model(sagemaker, role, put("serverless/model.tar.gz", empty_archive))

    endpoint = create_endpoint(make_serverless(sagemaker, model))

    assert endpoint["EndpointStatus"] == "Failed"
    assert endpoint["FailureReason"].startswith(
        "Unable to successfully stand up your model within the allotted 180 second timeout"
    )


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            {"ServerlessConfig": SERVERLESS | {"MemorySizeInMB": 1500}},
            "MemorySizeInMB",
        ),
        ({"ServerlessConfig": SERVERLESS | {"MemorySizeInMB": 9000}}, "1 validation error detected: Value '9000' at"),
        ({"ServerlessConfig": SERVERLESS | {"MaxConcurrency": 201}}, "1 validation error detected: Value '201' at"),
        (
            {"ServerlessConfig": SERVERLESS | {"ProvisionedConcurrency": 6}},
            "ProvisionedConcurrency",
        ),
        ({"InstanceType": "ml.m5.large"}, "InstanceType cannot be specified with ServerlessConfig"),
        ({"InitialInstanceCount": 1}, "InitialInstanceCount cannot be specified with ServerlessConfig"),
    ],
)
def test_a_serverless_variant_aws_would_refuse_is_refused(
    sagemaker: Any, model: str, members: dict[str, Any], message: str
) -> None:
    code, said = refusal(make_serverless, sagemaker, model, **members)

    assert (code, message in said) == ("ValidationException", True), said


def test_a_serverless_endpoint_has_one_variant_and_one_container(
    sagemaker: Any, role: str, artifact: str, model: str
) -> None:
    pipeline = unique("pipeline")
    container = {"Image": LINEAR_LEARNER, "ModelDataUrl": artifact}
    sagemaker.create_model(ModelName=pipeline, Containers=[container, container], ExecutionRoleArn=role)

    for models in ((model, model), (pipeline,)):
        assert refusal(make_serverless, sagemaker, *models)[0] == "ValidationException"
