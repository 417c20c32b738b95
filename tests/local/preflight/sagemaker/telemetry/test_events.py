"""State changes arrive in EventBridge: a rule on aws.sagemaker, and the queue that is its target.

EventBridge keeps no order on the way to a target, here as on AWS: what a test needs in order it sorts.
"""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local.conftest import XGBOOST, Make, make_config, make_role, unique, wait_for_endpoint


class Watch:
    """The events of SageMaker in one account and region, as a queue behind a rule gets them."""

    def __init__(self, client: Make, **scope: str) -> None:
        self._events, self._sqs = client("events", **scope), client("sqs", **scope)
        self._name = unique("watch")
        self._queue = self._sqs.create_queue(QueueName=self._name)["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"]
        self._events.put_rule(Name=self._name, EventPattern=json.dumps({"source": ["aws.sagemaker"]}))
        self._events.put_targets(Rule=self._name, Targets=[{"Id": "queue", "Arn": arn["QueueArn"]}])
        self._seen: list[dict[str, Any]] = []

    def wait_for(self, arn: str | list[str], count: int, timeout_seconds: float = 30) -> list[dict[str, Any]]:
        """The events of one resource, or of several, once there are ``count``; all there are if time runs out."""
        resources = [arn] if isinstance(arn, str) else arn
        deadline = time.monotonic() + timeout_seconds
        while len(found := [event for event in self._seen if event["resources"] == resources]) < count:
            if time.monotonic() > deadline:
                break
            answer = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in answer.get("Messages", ()):
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
                self._seen.append(json.loads(message["Body"]))
        return found

    def stop(self) -> None:
        self._events.remove_targets(Rule=self._name, Ids=["queue"])
        self._events.delete_rule(Name=self._name)
        self._sqs.delete_queue(QueueUrl=self._queue)


@pytest.fixture(scope="module")
def watch(client: Make) -> Iterator[Watch]:
    watch = Watch(client)
    yield watch
    watch.stop()


def test_a_training_job_tells_each_state(watch: Watch, train: Make) -> None:
    job = train(Tags=[{"Key": "team", "Value": "a"}])

    events = watch.wait_for(job["TrainingJobArn"], 5)
    events.sort(key=lambda event: len(event["detail"]["SecondaryStatusTransitions"]))

    assert {(event["source"], event["detail-type"]) for event in events} == {
        ("aws.sagemaker", "SageMaker Training Job State Change")
    }
    states = [(event["detail"]["TrainingJobStatus"], event["detail"]["SecondaryStatus"]) for event in events]
    assert states == [
        ("InProgress", "Starting"),
        ("InProgress", "Downloading"),
        ("InProgress", "Training"),
        ("InProgress", "Uploading"),
        ("Completed", "Completed"),
    ]
    detail = events[-1]["detail"]
    assert detail["Tags"] == {"team": "a"}
    assert detail["CreationTime"] == round(job["CreationTime"].timestamp() * 1000)
    assert detail["TrainingEndTime"] == detail["SecondaryStatusTransitions"][-1]["EndTime"]
    assert detail["FailureReason"] is None  # AWS sends what has no value as null


def test_a_transform_job_tells_that_it_runs_and_how_it_ended(
    watch: Watch, sagemaker: Any, model: str, put: Make, bucket: str
) -> None:
    source = {"S3DataType": "S3Prefix", "S3Uri": put(f"{unique('events')}.csv", "1,2\n")}
    arn = sagemaker.create_transform_job(
        TransformJobName=unique("events"),
        ModelName=model,
        TransformInput={"DataSource": {"S3DataSource": source}, "ContentType": "text/csv", "SplitType": "Line"},
        TransformOutput={"S3OutputPath": f"s3://{bucket}/events"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )["TransformJobArn"]
    events = watch.wait_for(arn, 2)
    assert {event["detail-type"] for event in events} == {"SageMaker Transform Job State Change"}
    assert sorted(event["detail"]["TransformJobStatus"] for event in events) == ["Completed", "InProgress"]
    (ended,) = [event["detail"] for event in events if event["detail"]["TransformEndTime"]]
    assert ended["TransformStartTime"] <= ended["TransformEndTime"]


def test_an_endpoint_tells_its_life_in_upper_snake_case(
    watch: Watch, sagemaker: Any, model: str, create_endpoint: Make
) -> None:
    endpoint = create_endpoint(make_config(sagemaker, model))
    name = endpoint["EndpointName"]
    config = make_config(sagemaker, model)

    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=config)
    wait_for_endpoint(sagemaker, name)
    sagemaker.delete_endpoint(EndpointName=name)
    events = watch.wait_for(endpoint["EndpointArn"], 7)
    events.sort(key=lambda event: event["detail"]["LastModifiedTime"])

    states = [event["detail"] for event in events if event["detail-type"] == "SageMaker Endpoint State Change"]
    statuses = [detail["EndpointStatus"] for detail in states]
    assert statuses == ["CREATING", "IN_SERVICE", "UPDATING", "IN_SERVICE", "DELETING", "DELETED"]
    assert states[3]["EndpointConfigName"] == config
    (deployment,) = [event for event in events if event["detail-type"] == "SageMaker Endpoint Deployment State Change"]
    assert deployment["detail"]["PendingDeploymentSummary"]["EndpointConfigName"] == config


def test_a_deployment_tells_each_stage_in_awss_words(
    watch: Watch, sagemaker: Any, model: str, create_endpoint: Make
) -> None:
    endpoint = create_endpoint(make_config(sagemaker, model, InitialInstanceCount=2))
    canary = {"Type": "CANARY", "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 1}, "WaitIntervalInSeconds": 0}
    policy = {"TrafficRoutingConfiguration": canary, "TerminationWaitInSeconds": 1}

    sagemaker.update_endpoint(
        EndpointName=endpoint["EndpointName"],
        EndpointConfigName=make_config(sagemaker, model, InitialInstanceCount=2),
        DeploymentConfig={"BlueGreenUpdatePolicy": policy},
    )
    wait_for_endpoint(sagemaker, endpoint["EndpointName"])
    events = watch.wait_for(endpoint["EndpointArn"], 7)

    details = [event["detail"] for event in events if "Deployment" in event["detail-type"]]
    variants = [detail["PendingDeploymentSummary"]["ProductionVariants"][0] for detail in details]
    statuses = [variant["VariantStatus"][0] for variant in variants]
    assert sorted((status["Status"], status["StatusMessage"]) for status in statuses) == [
        ("ActivatingTraffic", "Activating traffic on canary capacity of 1 instance(s)."),
        ("ActivatingTraffic", "Activating traffic on full capacity of 2 instance(s)."),
        (
            "Baking",
            "Baking for 1 seconds (TerminationWaitInSeconds) with traffic enabled on full capacity of 2 instance(s).",
        ),
    ]
    assert {detail["EndpointStatus"] for detail in details} == {"UPDATING"}


def test_models_and_configurations_tell_that_they_come_and_go(watch: Watch, sagemaker: Any, role: str) -> None:
    name = unique("model")
    tags = [{"Key": "team", "Value": "a"}]
    container = {"Image": XGBOOST}
    arn = sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=role, Tags=tags)[
        "ModelArn"
    ]
    config = make_config(sagemaker, name)
    config_arn = sagemaker.describe_endpoint_config(EndpointConfigName=config)["EndpointConfigArn"]
    sagemaker.delete_endpoint_config(EndpointConfigName=config)
    sagemaker.delete_model(ModelName=name)

    came, went = sorted(watch.wait_for(arn, 2), key=lambda event: len(event["detail"]["Tags"]), reverse=True)
    assert came["detail-type"] == "SageMaker Model State Change"
    assert (came["detail"]["ModelName"], came["detail"]["Tags"]) == (name, {"team": "a"})
    assert (went["detail"]["ModelName"], went["detail"]["Tags"]) == (name, {})  # the tags went with it
    config_events = watch.wait_for(config_arn, 2)
    assert {event["detail-type"] for event in config_events} == {"SageMaker Endpoint Config State Change"}
    assert len(config_events) == 2


def test_another_account_hears_nothing(watch: Watch, client: Make, sagemaker: Any, role: str) -> None:
    name, account = unique("model"), "111111111111"
    their_role = make_role(client("iam", account=account), "sagemaker.amazonaws.com")
    request = {"ModelName": name, "PrimaryContainer": {"Image": XGBOOST}}
    elsewhere = Watch(client, account=account)
    try:
        theirs = client("sagemaker", account=account).create_model(ExecutionRoleArn=their_role, **request)["ModelArn"]
        ours = sagemaker.create_model(ExecutionRoleArn=role, **request)["ModelArn"]

        assert len(elsewhere.wait_for(theirs, 1)) == len(watch.wait_for(ours, 1)) == 1
        assert watch.wait_for(theirs, 0) == elsewhere.wait_for(ours, 0) == []
    finally:
        elsewhere.stop()
