"""Asynchronous endpoints: results and failures in S3, notices, a queue that outlives instances, what is refused."""

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from preflight.stack import Stack
from preflight.waiting import wait_until
from tests.local.conftest import LINEAR_LEARNER, Make, make_config, refusal, unique
from tests.local.odd_service import OddService
from tests.local.preflight.sagemaker.hosting.test_hosting import serving_processes
from tests.local.raw import send, signature

TIMEOUT_SECONDS = 60.0


class Topic:
    """An SNS topic, and what it was told."""

    def __init__(self, client: Make) -> None:
        self._sqs, name = client("sqs"), unique("notices")
        self._queue = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        answer = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        self.arn = client("sns").create_topic(Name=name)["TopicArn"]
        queue_arn = answer["Attributes"]["QueueArn"]
        client("sns").subscribe(TopicArn=self.arn, Protocol="sqs", Endpoint=queue_arn)
        self._told: list[dict[str, Any]] = []

    def wait_for(self, name: str, inference_id: str | None = None) -> dict[str, Any]:
        """The notice of that event, and inference."""
        found: list[dict[str, Any]] = []

        def is_there() -> bool:
            answer = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in answer.get("Messages", ()):
                self._told.append(json.loads(json.loads(message["Body"])["Message"]))
            found[:] = [
                each for each in self._told if each["eventName"] == name and each.get("inferenceId") == inference_id
            ]
            return bool(found)

        assert wait_until(is_there, TIMEOUT_SECONDS, 0.2), self._told
        return found[0]


class Outputs:
    """The objects that an endpoint's answers name."""

    def __init__(self, client: Make) -> None:
        self._s3 = client("s3")

    def read(self, uri: str) -> bytes | None:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        try:
            body: bytes = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError:
            return None
        return body

    def wait_for(self, uri: str) -> str:
        assert wait_until(lambda: self.read(uri) is not None, TIMEOUT_SECONDS, 0.2), uri
        return (self.read(uri) or b"").decode()

    def keys(self, uri: str) -> list[str]:
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]


@pytest.fixture(scope="module")
def topics(client: Make) -> dict[str, Topic]:
    return {"SuccessTopic": Topic(client), "ErrorTopic": Topic(client)}


@pytest.fixture
def outputs(client: Make) -> Outputs:
    return Outputs(client)


@pytest.fixture(scope="module")
def make_async(sagemaker: Any, role: str, artifact: str, bucket: str) -> Iterator[Callable[..., str]]:
    """An asynchronous endpoint of a Linear Learner; ``output`` replaces members of its OutputConfig."""
    made: list[str] = []

    def make(count: int = 1, client_config: dict[str, int] | None = None, **output: Any) -> str:
        name = unique("async")
        container = {"Image": LINEAR_LEARNER, "ModelDataUrl": artifact}
        sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=role)
        paths = {"S3OutputPath": f"s3://{bucket}/{name}/out", "S3FailurePath": f"s3://{bucket}/{name}/failed/"}
        config: dict[str, Any] = {"OutputConfig": paths | output}
        if client_config:
            config["ClientConfig"] = client_config
        variant = {
            "VariantName": "v1",
            "ModelName": name,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": count,
        }
        sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[variant], AsyncInferenceConfig=config
        )
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        made.append(name)
        sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig={"Delay": 1})
        return name

    yield make
    for name in made:
        sagemaker.delete_endpoint(EndpointName=name)


@pytest.fixture(scope="module")
def endpoint(make_async: Make, topics: dict[str, Topic]) -> str:
    notices = {name: topic.arn for name, topic in topics.items()}
    return make_async(NotificationConfig=notices | {"IncludeInferenceResponseIn": ["SUCCESS_NOTIFICATION_TOPIC"]})


@pytest.fixture
def invoke(runtime: Any, endpoint: str, put: Make) -> Make:
    """InvokeEndpointAsync of one row; its answer."""

    def invoke(row: str = "4,1", name: str = endpoint, **members: Any) -> dict[str, Any]:
        location = put(f"{unique('input')}.csv", row)
        request = {"EndpointName": name, "InputLocation": location, "ContentType": "text/csv"} | members
        answer: dict[str, Any] = runtime.invoke_endpoint_async(**request)
        return answer | {"InputLocation": location}

    return invoke


def test_a_result_is_in_s3_and_is_told(
    sagemaker: Any, endpoint: str, invoke: Make, outputs: Outputs, topics: dict[str, Topic], bucket: str
) -> None:
    answer = invoke(InferenceId="one", Accept="application/json")

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert answer["InferenceId"] == "one"
    folder, file = f"s3://{bucket}/{endpoint}/out/", answer["OutputLocation"].rpartition("/")[2]
    assert answer["OutputLocation"] == folder + file
    assert uuid.UUID(file.removesuffix(".out"))
    assert answer["FailureLocation"] == f"s3://{bucket}/{endpoint}/failed/{file.removesuffix('.out')}-error.out"
    body = outputs.wait_for(answer["OutputLocation"])
    assert json.loads(body)["predictions"][0]["predicted_label"] == 1
    notice = topics["SuccessTopic"].wait_for("InferenceResult", "one")
    assert list(notice) == [
        *("awsRegion", "eventTime", "receivedTime", "invocationStatus", "requestParameters", "responseParameters"),
        *("responseBody", "inferenceId", "eventVersion", "eventSource", "eventName"),
    ]
    assert (notice["invocationStatus"], notice["eventSource"]) == ("Completed", "aws:sagemaker")
    assert notice["requestParameters"] == {
        "accept": "application/json",
        "contentType": "text/csv",
        "endpointName": endpoint,
        "inputLocation": answer["InputLocation"],
    }
    assert notice["responseParameters"] == {
        "contentType": "application/json",
        "outputLocation": answer["OutputLocation"],
    }
    assert topics["ErrorTopic"].wait_for("TestNotification")["eventVersion"] == "1.0"
    shown = sagemaker.describe_endpoint(EndpointName=endpoint)["AsyncInferenceConfig"]
    assert shown == sagemaker.describe_endpoint_config(EndpointConfigName=endpoint)["AsyncInferenceConfig"]
    assert shown["OutputConfig"]["S3OutputPath"] == folder.rstrip("/")


def test_names_and_types_of_a_result_can_be_chosen(endpoint: str, invoke: Make, outputs: Outputs, bucket: str) -> None:
    answer = invoke(S3OutputPathExtension="day/one", Filename="result.json", ContentType="text/csv")

    assert answer["OutputLocation"] == f"s3://{bucket}/{endpoint}/out/day/one/result.json"
    assert json.loads(outputs.wait_for(answer["OutputLocation"]))["predictions"]


def test_failures_are_in_s3_and_told_with_their_reason(
    invoke: Make, outputs: Outputs, topics: dict[str, Topic], bucket: str
) -> None:
    bad = invoke(row="no,number", InferenceId="bad")
    gone = invoke(InputLocation=f"s3://{bucket}/none.csv", InferenceId="gone")

    assert outputs.wait_for(bad["FailureLocation"])
    notice = topics["ErrorTopic"].wait_for("InferenceResult", "bad")
    assert (notice["invocationStatus"], notice["failureReason"]) == (
        "Failed",
        "ClientError: Received client error (400) from model. See the SageMaker Endpoint logs in your account for more "
        "information.",
    )
    assert "responseParameters" not in notice
    assert outputs.wait_for(gone["FailureLocation"])
    assert topics["ErrorTopic"].wait_for("InferenceResult", "gone")["requestParameters"]["inputLocation"] == (
        f"s3://{bucket}/none.csv"
    )
    assert outputs.read(bad["OutputLocation"]) is None


def test_input_can_come_with_the_request(stack: Stack, endpoint: str, outputs: Outputs) -> None:
    headers = {"Authorization": signature(), "X-Amzn-SageMaker-Content-Type": "text/csv"}
    path = f"/endpoints/{endpoint}/async-invocations"

    status, answered, body = send(stack.port, "POST", path, b"4,1", headers)

    assert (status, json.loads(body).keys()) == (202, {"InferenceId"})
    assert json.loads(outputs.wait_for(answered["x-amzn-sagemaker-outputlocation"]))["predictions"]
    status, _, body = send(stack.port, "POST", path, b"x" * 128_001, headers)
    assert (status, "less than or equal to 128000" in json.loads(body)["Message"]) == (400, True)
    both = headers | {"X-Amzn-SageMaker-InputLocation": "s3://bucket/key"}
    assert send(stack.port, "POST", path, b"4,1", both)[0] == 400


def test_what_cannot_be_asked_is_refused(
    runtime: Any, sagemaker: Any, stack: Stack, endpoint: str, model: str, create_endpoint: Make
) -> None:
    real_time = create_endpoint(make_config(sagemaker, model))["EndpointName"]
    location = {"InputLocation": "s3://bucket/key"}

    assert refusal(runtime.invoke_endpoint, EndpointName=endpoint, Body=b"4,1")[0] == "ValidationError"
    assert refusal(runtime.invoke_endpoint_async, EndpointName=real_time, **location)[0] == "ValidationError"
    assert refusal(runtime.invoke_endpoint_async, EndpointName="none", **location) == (
        "ValidationError",
        "Endpoint none of account 000000000000 not found.",
    )
    code, message = refusal(
        runtime.invoke_endpoint_async, EndpointName=endpoint, **location, InvocationTimeoutSeconds=3601
    )
    assert (code, "less than or equal to 3600" in message) == ("ValidationError", True)
    headers = {"Authorization": signature(), "X-Amzn-SageMaker-RequestTTLSeconds": "long"}
    assert send(stack.port, "POST", f"/endpoints/{endpoint}/async-invocations", b"4,1", headers)[0] == 400
    limits = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    serverless = {"VariantName": "v1", "ModelName": model, "ServerlessConfig": limits}
    output = {"OutputConfig": {"S3OutputPath": "s3://bucket/out"}}
    config = {"EndpointConfigName": unique("config"), "AsyncInferenceConfig": output}
    refused = refusal(sagemaker.create_endpoint_config, ProductionVariants=[serverless], **config)
    assert refused[0] == "ValidationException"
    instances = {"VariantName": "v1", "ModelName": model, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    capture = {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": "s3://bucket/captured",
        "CaptureOptions": [{"CaptureMode": "Input"}],
        "EnableCapture": True,
    }
    captured = config | {"ProductionVariants": [instances], "DataCaptureConfig": capture}
    assert refusal(sagemaker.create_endpoint_config, **captured)[0] == "UnsupportedByPreflight"
    other = make_config(sagemaker, model)
    code, message = refusal(sagemaker.update_endpoint, EndpointName=endpoint, EndpointConfigName=other)
    assert (code, "cannot be removed from this endpoint" in message) == ("ValidationException", True)


def test_requests_wait_for_instances_while_there_are_none(
    sagemaker: Any, client: Make, make_async: Make, invoke: Make, outputs: Outputs
) -> None:
    name = make_async()

    def scale(count: int) -> None:
        wanted = [{"VariantName": "v1", "DesiredInstanceCount": count}]
        sagemaker.update_endpoint_weights_and_capacities(EndpointName=name, DesiredWeightsAndCapacities=wanted)
        sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig={"Delay": 1})

    scale(0)
    answer = invoke(name=name)

    def has_backlog() -> bool:
        metrics = client("cloudwatch").get_metric_data(
            MetricDataQueries=[
                {
                    "Id": "backlog",
                    "MetricStat": {
                        "Metric": {
                            "Namespace": "AWS/SageMaker",
                            "MetricName": "HasBacklogWithoutCapacity",
                            "Dimensions": [{"Name": "EndpointName", "Value": name}],
                        },
                        "Period": 60,
                        "Stat": "Maximum",
                    },
                }
            ],
            StartTime=datetime.now(UTC) - timedelta(hours=1),
            EndTime=datetime.now(UTC) + timedelta(hours=1),
        )
        return 1.0 in metrics["MetricDataResults"][0]["Values"]

    assert wait_until(has_backlog, TIMEOUT_SECONDS, 0.2)
    assert outputs.read(answer["OutputLocation"]) is None
    scale(1)
    assert outputs.wait_for(answer["OutputLocation"])


@pytest.fixture
def ask_odd(odd: OddService, bucket: str, put: Make) -> Make:
    """InvokeEndpointAsync with orders for an odd container, of which two may be under way; where the results go."""
    folder = f"s3://{bucket}/{unique('odd')}"
    queue = {
        "OutputConfig": {"S3OutputPath": f"{folder}/out", "S3FailurePath": f"{folder}/failed"},
        "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 2},
    }
    name = odd.endpoint(odd.config(odd.model(), queue=queue))

    def ask(orders: dict[str, Any], **members: Any) -> dict[str, Any]:
        location = put(unique("orders"), json.dumps(orders))
        answer: dict[str, Any] = odd.runtime.invoke_endpoint_async(EndpointName=name, InputLocation=location, **members)
        return answer

    return ask


def test_as_many_requests_as_the_configuration_says_are_under_way_at_once(ask_odd: Make, outputs: Outputs) -> None:
    meeting = [ask_odd({"meet": 2, "body": str(number)}) for number in range(2)]

    assert [outputs.wait_for(each["OutputLocation"]) for each in meeting] == ["0", "1"]


def test_a_request_that_takes_longer_than_it_may_fails(ask_odd: Make, outputs: Outputs) -> None:
    late = ask_odd({"delay": 30}, InvocationTimeoutSeconds=1)

    assert "1 s" in outputs.wait_for(late["FailureLocation"])
    assert outputs.read(late["OutputLocation"]) is None


def test_a_request_that_kills_its_container_fails_and_the_next_has_its_result(ask_odd: Make, outputs: Outputs) -> None:
    deadly = ask_odd({"die": True})
    assert "Received server error (500) from model" in outputs.wait_for(deadly["FailureLocation"])

    assert outputs.wait_for(ask_odd({"body": "well"})["OutputLocation"]) == "well"


def test_each_of_many_requests_has_one_result_or_failure_though_an_instance_is_killed(
    stack: Stack, make_async: Make, outputs: Outputs, bucket: str
) -> None:
    before = {process.pid for process in serving_processes(stack)}
    name = make_async(count=2, client_config={"MaxConcurrentInvocationsPerInstance": 2})
    headers = {"Authorization": signature(), "X-Amzn-SageMaker-Content-Type": "text/csv"}
    asked = set()
    for number in range(500):
        _, answered, _ = send(stack.port, "POST", f"/endpoints/{name}/async-invocations", b"4,1", headers)
        asked.add(answered["x-amzn-sagemaker-outputlocation"].rpartition("/")[2].removesuffix(".out"))
        if number == 250:
            next(process for process in serving_processes(stack) if process.pid not in before).kill()

    def ended() -> list[str]:
        done = [key.rpartition("/")[2].removesuffix(".out") for key in outputs.keys(f"s3://{bucket}/{name}/out/")]
        failed = [key.rpartition("/")[2] for key in outputs.keys(f"s3://{bucket}/{name}/failed/")]
        return done + [key.removesuffix("-error.out") for key in failed]

    assert wait_until(lambda: len(ended()) >= 500, TIMEOUT_SECONDS, 0.2)
    assert sorted(ended()) == sorted(asked)
