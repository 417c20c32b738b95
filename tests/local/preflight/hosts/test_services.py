"""What of AWS is not here says so, at once and by name; what is here works, or says that it failed."""

from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from preflight.stack import Stack
from tests.local.conftest import Make, refusal
from tests.local.raw import send, signature

QUERY = {
    "MetricName": "m",
    "ResourceArn": "arn:aws:sagemaker:us-east-1:000000000000:experiment-trial-component/c",
    "MetricStat": "Last",
    "Period": "OneMinute",
    "XAxisType": "Timestamp",
}
RECORD = {"FeatureGroupName": "g", "RecordIdentifiersValueAsString": ["1"]}
REGIONS = ["nowhere-1", "us-east-1x", "a b", "us-east-1.evil.com"]


@pytest.mark.parametrize(
    ("service", "operation", "request_", "name"),
    [
        ("sagemaker-metrics", "batch_get_metrics", {"MetricQueries": [QUERY]}, "BatchGetMetrics"),
        (
            "sagemaker-featurestore-runtime",
            "get_record",
            {"FeatureGroupName": "g/h", "RecordIdentifierValueAsString": "1"},
            "GetRecord",
        ),
        (
            "sagemaker-featurestore-runtime",
            "batch_get_record",
            {"Identifiers": [RECORD]},
            "BatchGetRecord",
        ),
        ("sagemaker-edge", "get_deployments", {"DeviceName": "d", "DeviceFleetName": "f"}, "GetDeployments"),
        ("sagemaker-geospatial", "list_raster_data_collections", {}, "ListRasterDataCollections"),
        ("sagemaker-a2i-runtime", "list_human_loops", {"FlowDefinitionArn": "a" * 30}, "ListHumanLoops"),
        ("cloudformation", "list_stacks", {}, "ListStacks"),
        ("stepfunctions", "list_state_machines", {}, "ListStateMachines"),
        ("dynamodb", "list_tables", {}, "ListTables"),
        ("dynamodbstreams", "list_streams", {}, "ListStreams"),
        ("firehose", "list_delivery_streams", {}, "ListDeliveryStreams"),
        ("kinesis", "list_streams", {}, "ListStreams"),
        ("resourcegroupstaggingapi", "get_resources", {}, "GetResources"),
        ("ecr", "describe_repositories", {}, "DescribeRepositories"),
        ("athena", "list_work_groups", {}, "ListWorkGroups"),
    ],
)
def test_an_operation_that_is_not_here_is_refused_by_name(
    client: Make, service: str, operation: str, request_: dict[str, Any], name: str
) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(client(service), operation)(**request_)

    answer = caught.value.response
    assert answer["Error"]["Code"] == "UnsupportedByPreflight"
    assert answer["Error"]["Message"].startswith(f"{name} of {service} is not supported by Preflight yet")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_the_stack_tells_which_services_it_has(stack: Stack) -> None:
    told = requests.get(f"{stack.endpoint_url}/_preflight/services", timeout=30).json()

    assert {"s3", "sagemaker", "lambda"} <= set(told["supported"])
    assert "Java" in told["refused"]["stepfunctions"]
    assert not set(told["supported"]) & set(told["refused"])
    assert set(stack.health() or {}) == set(told["supported"])


@pytest.mark.parametrize("service", ["sagemaker", "s3", "iam", "lambda", "logs", "sqs", "cloudwatch", "ec2"])
def test_a_region_that_aws_does_not_have_is_refused_in_every_service(client: Make, service: str) -> None:
    calls = {
        "sagemaker": "list_models",
        "s3": "list_buckets",
        "iam": "list_users",
        "lambda": "list_functions",
        "logs": "describe_log_groups",
        "sqs": "list_queues",
        "cloudwatch": "list_metrics",
        "ec2": "describe_vpcs",
    }

    code, message = refusal(getattr(client(service, region="nowhere-1"), calls[service]))

    assert code == ("AuthorizationHeaderMalformed" if service == "s3" else "InvalidSignatureException")
    assert "'nowhere-1'" in message


@pytest.mark.parametrize("region", REGIONS)
def test_whatever_stands_for_a_region_is_the_callers_fault(stack: Stack, region: str) -> None:
    for headers in ({"X-Amz-Target": "SageMaker.ListModels"}, {}):
        headers |= {"Authorization": signature(region=region)}
        for path in ("/", "/endpoints/none/invocations", "/bucket/key"):
            assert 400 <= send(stack.port, "POST", path, b"{}", headers)[0] < 500
