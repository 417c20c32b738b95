"""`POST /_localstack/state/reset`: a stack that holds nothing, without a new start."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from preflight.testing import StackProcess

from tests.local.raw import call, send

RESET = "/_localstack/state/reset"


@pytest.fixture(scope="module")
def own_stack() -> Iterator[StackProcess]:
    """Not the session's: others have their things there."""
    with StackProcess() as stack:
        yield stack


def test_a_reset_forgets_what_every_service_and_account_holds(own_stack: StackProcess) -> None:
    own_stack.client("s3", aws_access_key_id="111111111111").create_bucket(Bucket="mine")
    own_stack.client("sqs").create_queue(QueueName="mine")
    own_stack.client("ssm").put_parameter(Name="mine", Value="1", Type="String")
    own_stack.client("events", region_name="eu-west-1").put_rule(Name="mine", ScheduleExpression="rate(1 day)")
    metric = {"MetricName": "mine", "Value": 1.0}
    own_stack.client("cloudwatch").put_metric_data(Namespace="mine", MetricData=[metric])

    own_stack.reset()

    assert own_stack.client("s3", aws_access_key_id="111111111111").list_buckets()["Buckets"] == []
    assert "QueueUrls" not in own_stack.client("sqs").list_queues()
    assert own_stack.client("ssm").describe_parameters()["Parameters"] == []
    assert own_stack.client("events", region_name="eu-west-1").list_rules()["Rules"] == []
    assert own_stack.client("cloudwatch").list_metrics()["Metrics"] == []


def test_every_service_works_after_a_reset(own_stack: StackProcess) -> None:
    own_stack.reset()
    own_stack.client("s3").create_bucket(Bucket="mine")
    own_stack.reset()

    own_stack.client("s3").create_bucket(Bucket="mine")
    own_stack.client("s3").put_object(Bucket="mine", Key="key", Body=b"body")

    assert own_stack.client("s3").get_object(Bucket="mine", Key="key")["Body"].read() == b"body"
    policy = "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"
    assert own_stack.client("iam").get_policy(PolicyArn=policy)["Policy"]["Arn"] == policy
    assert own_stack.client("sagemaker").list_models()["Models"] == []


def test_a_web_page_cannot_reset_the_stack(own_stack: StackProcess) -> None:
    own_stack.reset()
    own_stack.client("s3").create_bucket(Bucket="mine")

    answer = requests.post(own_stack.endpoint_url + RESET, headers={"Origin": "https://example.com"}, timeout=10)

    assert answer.status_code == 403
    assert len(own_stack.client("s3").list_buckets()["Buckets"]) == 1


def test_requests_during_a_reset_wait_or_end_with_an_error_of_aws(own_stack: StackProcess) -> None:
    is_over = threading.Event()

    def ask() -> set[int]:
        seen = set()
        while not is_over.is_set():
            seen.add(call(own_stack.port, "ListModels", {})[0])
            seen.add(send(own_stack.port, "POST", "/endpoints/none/invocations", b"1", {})[0])
        return seen

    with ThreadPoolExecutor(8) as clients:
        asking = [clients.submit(ask) for _ in range(8)]
        for _ in range(5):
            own_stack.reset()
        is_over.set()

    seen = set().union(*(each.result() for each in asking))
    assert {200, 400} <= seen <= {200, 400, 503}
    assert "failed inside Preflight" not in own_stack.stack_log()
