"""Models made of packages: only approved ones, with more environment, and what answers is the package's container."""

from typing import Any

from tests.local.conftest import LINEAR_LEARNER, Make, make_config, refusal, unique
from tests.local.preflight.sagemaker.hosting.test_hosting import invoke


def test_an_approved_version_is_deployed_and_answers(
    sagemaker: Any, runtime: Any, role: str, artifact: str, register: Make, create_endpoint: Make
) -> None:
    arn = register({"Image": LINEAR_LEARNER, "ModelDataUrl": artifact})
    name, container = unique("model"), {"ModelPackageName": arn, "Environment": {"A": "1"}}
    request = {"ModelName": name, "Containers": [container], "ExecutionRoleArn": role}
    assert refusal(sagemaker.create_model, **request)[0] == "ValidationException", "it is not approved yet"

    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    sagemaker.create_model(**request)
    sagemaker.delete_model_package(ModelPackageName=arn)  # the model has what it needs

    endpoint = create_endpoint(make_config(sagemaker, name))
    assert endpoint["ProductionVariants"][0]["DeployedImages"][0]["SpecifiedImage"] == LINEAR_LEARNER
    assert invoke(runtime, endpoint["EndpointName"])["predictions"]
    shown = sagemaker.describe_model(ModelName=name)["Containers"][0]
    assert (shown["ModelPackageName"], shown["Environment"]) == (arn, {"A": "1"})


def test_what_an_image_is_here_shows_when_a_model_is_made(sagemaker: Any, role: str, register: Make) -> None:
    image = "763104351884.dkr.ecr.us-east-1.amazonaws.com/none-that-runs-here:1"
    arn = register({"Image": image}, ModelApprovalStatus="Approved")

    container = {"ModelPackageName": arn}
    refused = refusal(
        sagemaker.create_model, ModelName=unique("model"), PrimaryContainer=container, ExecutionRoleArn=role
    )
    assert image in refused[1]


def test_all_containers_of_a_package_are_a_pipeline(sagemaker: Any, role: str, archive: str, register: Make) -> None:
    containers = [
        {"Image": LINEAR_LEARNER, "ModelDataUrl": archive, "ContainerHostname": name} for name in ("first", "second")
    ]
    arn = register(InferenceSpecification={"Containers": containers}, ModelApprovalStatus="Approved")
    name = unique("model")
    sagemaker.create_model(ModelName=name, PrimaryContainer={"ModelPackageName": arn}, ExecutionRoleArn=role)

    serverless = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    variant = {"VariantName": "v", "ModelName": name, "ServerlessConfig": serverless}
    code, message = refusal(sagemaker.create_endpoint_config, EndpointConfigName=name, ProductionVariants=[variant])
    assert (code, "inference pipeline" in message) == ("ValidationException", True)


def test_a_container_of_a_package_brings_no_image_of_its_own(sagemaker: Any, role: str, register: Make) -> None:
    arn = register(ModelApprovalStatus="Approved")
    container = {"ModelPackageName": arn, "Image": LINEAR_LEARNER}

    refused = refusal(
        sagemaker.create_model, ModelName=unique("model"), PrimaryContainer=container, ExecutionRoleArn=role
    )
    assert refused[0] == "ValidationException"
    unknown = {"ModelPackageName": arn[:-1] + "9"}
    refused = refusal(
        sagemaker.create_model, ModelName=unique("model"), PrimaryContainer=unknown, ExecutionRoleArn=role
    )
    assert refused[0] == "ValidationException"


def test_a_package_of_its_own_name_takes_no_more_environment(
    sagemaker: Any, role: str, archive: str, register: Make
) -> None:
    name = unique("package")
    specification = {
        "Containers": [{"Image": LINEAR_LEARNER, "ModelDataUrl": archive}],
        "SupportedTransformInstanceTypes": ["ml.m5.large"],
        "SupportedRealtimeInferenceInstanceTypes": ["ml.m5.large"],
    }
    arn = sagemaker.create_model_package(ModelPackageName=name, InferenceSpecification=specification)["ModelPackageArn"]
    request = {"ModelName": unique("model"), "ExecutionRoleArn": role}

    refused = refusal(
        sagemaker.create_model, PrimaryContainer={"ModelPackageName": arn, "Environment": {"A": "1"}}, **request
    )
    assert refused == (
        "ValidationException",
        "1 validation errors detected:Environment variable map cannot be specified when using non-versioned "
        "ModelPackages",
    )
    sagemaker.create_model(PrimaryContainer={"ModelPackageName": name}, **request)
