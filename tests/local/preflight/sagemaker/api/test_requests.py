"""What AWS refuses is refused here, with AWS's code and words."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.conftest import LINEAR_LEARNER, XGBOOST, Make, make_role, refusal, unique

TAGS = [{"Key": "team", "Value": "a"}]
SESSION_TAGS = {"EnableSessionTagChaining": True}
ROLE = "arn:aws:iam::000000000000:role/nobody"
ARN = "arn:aws:sagemaker:us-east-1:000000000000"
NO_ENDPOINT = f'Could not find endpoint "{ARN}:endpoint/none".'
NO_CONFIG = f'Could not find endpoint configuration "{ARN}:endpoint-config/none".'
NO_MODEL = f'Could not find model "{ARN}:model/none".'
VARIANT = {"VariantName": "v", "ModelName": "none", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


def test_every_violation_of_the_model_is_named_at_once(sagemaker: Any) -> None:
    variant = {"VariantName": "a_b", "ModelName": "m", "InstanceType": "ml.huge", "InitialInstanceCount": 1}

    code, message = refusal(
        sagemaker.create_endpoint_config, EndpointConfigName="under_score", ProductionVariants=[variant]
    )

    assert code == "ValidationException"
    assert message.startswith(
        "3 validation errors detected: Value 'under_score' at 'endpointConfigName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}; "
        "Value 'a_b' at 'productionVariants.1.member.variantName' failed to satisfy constraint: "
    )
    assert "Value 'ml.huge' at 'productionVariants.1.member.instanceType'" in message


@pytest.mark.parametrize(
    ("operation", "request_", "message"),
    [
        ("describe_training_job", {"TrainingJobName": "none"}, "Requested resource not found."),
        ("stop_training_job", {"TrainingJobName": "none"}, "Requested resource not found."),
        ("update_training_job", {"TrainingJobName": "none"}, "Requested resource not found."),
        ("delete_training_job", {"TrainingJobName": "none"}, "Requested resource not found."),
        ("describe_endpoint", {"EndpointName": "None"}, NO_ENDPOINT.replace("/none", "/None")),
        ("delete_endpoint", {"EndpointName": "none"}, NO_ENDPOINT),
        ("update_endpoint", {"EndpointName": "none", "EndpointConfigName": "none"}, NO_ENDPOINT),
        (
            "update_endpoint_weights_and_capacities",
            {"EndpointName": "none", "DesiredWeightsAndCapacities": [{"VariantName": "v", "DesiredWeight": 1}]},
            NO_ENDPOINT,
        ),
        ("create_endpoint", {"EndpointName": "e", "EndpointConfigName": "none"}, NO_CONFIG),
        ("describe_endpoint_config", {"EndpointConfigName": "none"}, NO_CONFIG),
        ("delete_endpoint_config", {"EndpointConfigName": "none"}, NO_CONFIG),
        ("create_endpoint_config", {"EndpointConfigName": "c", "ProductionVariants": [VARIANT]}, NO_MODEL),
        ("describe_model", {"ModelName": "none"}, NO_MODEL),
        ("delete_model", {"ModelName": "none"}, NO_MODEL),
    ],
)
def test_a_missing_resource_is_a_validation_exception(
    sagemaker: Any, operation: str, request_: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(sagemaker, operation)(**request_)

    answer = caught.value.response
    assert (answer["Error"]["Code"], answer["Error"]["Message"]) == ("ValidationException", message)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_role_that_does_not_exist_or_does_not_trust_sagemaker_is_refused(
    sagemaker: Any, client: Make, job_request: Make
) -> None:
    for role in (ROLE, make_role(client("iam"), "lambda.amazonaws.com")):
        code, message = refusal(sagemaker.create_training_job, **job_request(RoleArn=role))

        assert code == "ValidationException"
        assert message == (
            f"Could not assume role {role}. Please ensure that the role exists and allows principal "
            "'sagemaker.amazonaws.com' to assume the role."
        )


def test_input_that_is_not_there_is_refused(sagemaker: Any, job_request: Make, bucket: str) -> None:
    request = job_request()
    request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = f"s3://{bucket}/nothing/here"

    code, message = refusal(sagemaker.create_training_job, **request)

    assert code == "ValidationException"
    assert message == (
        f'No S3 objects found under S3 URL "s3://{bucket}/nothing/here" given in input data source. Please ensure that '
        "the bucket exists in the selected region (us-east-1), that objects exist under that S3 prefix, and that the "
        f'role "{request["RoleArn"]}" has "s3:ListBucket" permissions on bucket "{bucket}".'
    )


def test_a_model_needs_its_data(sagemaker: Any, role: str, bucket: str) -> None:
    container = {"Image": LINEAR_LEARNER, "ModelDataUrl": f"s3://{bucket}/none/model.tar.gz"}

    assert refusal(sagemaker.create_model, ModelName="m", PrimaryContainer=container, ExecutionRoleArn=role) == (
        "ValidationException",
        f"Could not find model data at s3://{bucket}/none/model.tar.gz.",
    )


def test_names_taken_are_refused_and_a_models_arn_is_in_lower_case(sagemaker: Any, role: str) -> None:
    name = unique("Model")
    request = {"ModelName": name, "PrimaryContainer": {"Image": XGBOOST}, "ExecutionRoleArn": role}
    arn = sagemaker.create_model(**request)["ModelArn"]

    assert arn == f"arn:aws:sagemaker:us-east-1:000000000000:model/{name.lower()}"
    assert sagemaker.describe_model(ModelName=name)["ModelName"] == name
    assert refusal(sagemaker.create_model, **request) == (
        "ValidationException",
        f'Cannot create already existing model "{arn}".',
    )


def test_the_arns_of_training_jobs_and_endpoints_keep_the_case_of_names_and_those_of_configurations_do_not(
    sagemaker: Any, job_request: Make, model: str, create_endpoint: Make
) -> None:
    name = unique("Job")
    arn = sagemaker.create_training_job(**job_request(TrainingJobName=name, Tags=TAGS))["TrainingJobArn"]
    variant = VARIANT | {"ModelName": model}
    config = unique("Config")
    config_arn = sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=[variant])[
        "EndpointConfigArn"
    ]
    endpoint = create_endpoint(config, "Endpoint")

    assert arn.endswith(f":training-job/{name}")
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == TAGS
    assert refusal(sagemaker.list_tags, ResourceArn=arn.lower())[0] == "ValidationException"
    assert endpoint["EndpointArn"].endswith(f":endpoint/{endpoint['EndpointName']}")
    assert config_arn.endswith(f":endpoint-config/{config.lower()}")


def test_the_registry_of_another_region_is_refused(sagemaker: Any, job_request: Make) -> None:
    image = "174872318107.dkr.ecr.us-west-2.amazonaws.com/linear-learner:1"
    specification = {"TrainingImage": image, "TrainingInputMode": "File"}

    code, message = refusal(sagemaker.create_training_job, **job_request(AlgorithmSpecification=specification))

    assert code == "ValidationException"
    assert image in message


def test_what_is_not_supported_yet_is_refused_by_name(sagemaker: Any, job_request: Make) -> None:
    assert refusal(sagemaker.list_apps) == ("UnsupportedByPreflight", "ListApps is not supported by Preflight yet.")
    code, message = refusal(sagemaker.create_training_job, **job_request(SessionChainingConfig=SESSION_TAGS))
    assert (code, "SessionChainingConfig" in message) == ("UnsupportedByPreflight", True)


def test_invoking_an_unknown_endpoint_has_the_runtimes_own_code(runtime: Any) -> None:
    with pytest.raises(ClientError) as caught:
        runtime.invoke_endpoint(EndpointName="none", Body=b"1")

    answer = caught.value.response
    assert answer["Error"]["Code"] == "ValidationError"
    assert answer["Error"]["Message"] == "Endpoint none of account 000000000000 not found."
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_accounts_and_regions_do_not_see_each_other(client: Make, role: str) -> None:
    name = unique("model")
    client("sagemaker").create_model(ModelName=name, PrimaryContainer={"Image": XGBOOST}, ExecutionRoleArn=role)

    for other in (client("sagemaker", account="111111111111"), client("sagemaker", region="eu-west-1")):
        assert refusal(other.describe_model, ModelName=name)[0] == "ValidationException"
        assert other.list_models(NameContains=name)["Models"] == []


@pytest.mark.parametrize("uri", ["https://[/x", "https://.s3/x", "s3://BAD bucket!/x", "s3://arn:aws:s3:a:1:b/x"])
def test_an_odd_s3_uri_is_the_callers_fault(sagemaker: Any, job_request: Make, uri: str) -> None:
    request = job_request()
    request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = uri

    assert refusal(sagemaker.create_training_job, **request)[0] == "ValidationException"


@pytest.mark.parametrize("member", ["AlgorithmSpecification", "ResourceConfig"])
def test_a_job_without_an_essential_member_is_refused(sagemaker: Any, job_request: Make, member: str) -> None:
    request = job_request()
    del request[member]

    code, message = refusal(sagemaker.create_training_job, **request)

    assert (code, member in message) == ("ValidationException", True)


def test_a_role_without_a_name_is_refused(sagemaker: Any, job_request: Make) -> None:
    code, _ = refusal(sagemaker.create_training_job, **job_request(RoleArn="arn:aws:iam::000000000000:role/x/"))

    assert code == "ValidationException"


@pytest.mark.parametrize("weight", [float("nan"), 1e308])
def test_a_weight_that_is_no_number_to_the_service_is_refused(sagemaker: Any, weight: float) -> None:
    variant = {"VariantName": "v", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}

    code, _ = refusal(
        sagemaker.create_endpoint_config,
        EndpointConfigName="c",
        ProductionVariants=[variant | {"InitialVariantWeight": weight}],
    )

    assert code == "SerializationException"


def test_names_that_differ_in_case_are_one_name(sagemaker: Any, role: str) -> None:
    name = unique("model")
    request = {"PrimaryContainer": {"Image": XGBOOST}, "ExecutionRoleArn": role}
    sagemaker.create_model(ModelName=name.upper(), **request)

    code, message = refusal(sagemaker.create_model, ModelName=name, **request)

    assert (code, "Cannot create already existing model" in message) == ("ValidationException", True)
