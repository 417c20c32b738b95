"""Endpoints that grow and shrink: by load, by alarms, by the clock; what is refused, and what is left behind."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from preflight.waiting import wait_until
from tests.local.conftest import Make, make_config, refusal, unique
from tests.local.preflight.sagemaker.hosting.test_serverless import SERVERLESS, make_serverless

TIMEOUT_SECONDS = 90.0
INVOCATIONS = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}


class Target:
    """The variant of one endpoint, as it is named to Application Auto Scaling."""

    def __init__(self, client: Make, endpoint: str) -> None:
        self.scaling, self.cloudwatch = client("application-autoscaling"), client("cloudwatch")
        self._sagemaker, self.endpoint = client("sagemaker"), endpoint
        self.key = {
            "ServiceNamespace": "sagemaker",
            "ResourceId": f"endpoint/{endpoint}/variant/v1",
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        }

    def register(self, low: int, high: int) -> str:
        answer = self.scaling.register_scalable_target(**self.key, MinCapacity=low, MaxCapacity=high)
        arn: str = answer["ScalableTargetARN"]
        return arn

    def track(self, name: str = "track", **config: Any) -> dict[str, Any]:
        metric = {} if "CustomizedMetricSpecification" in config else {"PredefinedMetricSpecification": INVOCATIONS}
        tracking = {"TargetValue": 300.0} | metric | config
        answer: dict[str, Any] = self.scaling.put_scaling_policy(
            **self.key,
            PolicyName=name,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=tracking,
        )
        return answer

    def count(self) -> int:
        """The instances that serve, once nothing changes any more; -1 before."""
        endpoint = self._sagemaker.describe_endpoint(EndpointName=self.endpoint)
        variant = endpoint["ProductionVariants"][0]
        count: int = variant["CurrentInstanceCount"]
        return count if endpoint["EndpointStatus"] == "InService" else -1

    def wait_for(self, count: int) -> None:
        assert wait_until(lambda: self.count() == count, TIMEOUT_SECONDS, 0.3), self.activities()

    def activities(self) -> list[dict[str, Any]]:
        where = {name: self.key[name] for name in ("ServiceNamespace", "ResourceId")}
        found: list[dict[str, Any]] = self.scaling.describe_scaling_activities(**where)["ScalingActivities"]
        return found

    def wait_for_activity(self, cause: str) -> dict[str, Any]:
        """The last one, which has that in its Cause and is done."""

        def is_done() -> bool:
            last = self.activities()[:1]
            return bool(last) and cause in last[0]["Cause"] and last[0]["StatusCode"] == "Successful"

        assert wait_until(is_done, TIMEOUT_SECONDS, 0.3), self.activities()
        return self.activities()[0]

    def alarms(self) -> list[str]:
        found = self.cloudwatch.describe_alarms(AlarmNamePrefix=f"TargetTracking-{self.key['ResourceId']}-")
        return sorted(alarm["AlarmName"] for alarm in found["MetricAlarms"])


@pytest.fixture
def target(client: Make, sagemaker: Any, model: str, create_endpoint: Make) -> Iterator[Target]:
    name = create_endpoint(make_config(sagemaker, model), "scaled")["EndpointName"]
    target = Target(client, name)
    yield target
    try:
        target.scaling.deregister_scalable_target(**target.key)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ObjectNotFoundException"


def test_a_load_that_rises_and_falls_takes_an_endpoint_to_three_instances_and_back(
    client: Make, target: Target
) -> None:
    runtime = client("sagemaker-runtime")
    is_over = threading.Event()
    failures: list[Exception] = []

    def invoke() -> None:
        try:
            runtime.invoke_endpoint(EndpointName=target.endpoint, ContentType="text/csv", Body="1,2")
        except ClientError as error:
            failures.append(error)

    def load() -> None:
        while not is_over.is_set():
            invoke()

    target.register(1, 3)
    answer = target.track()
    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    try:
        target.wait_for(3)
    finally:
        is_over.set()
        thread.join(TIMEOUT_SECONDS)

    def is_one() -> bool:
        invoke()
        return target.count() == 1

    high, low = (alarm["AlarmName"] for alarm in answer["Alarms"])
    assert wait_until(is_one, TIMEOUT_SECONDS, 0.5), target.activities()
    assert not failures
    shrunk = target.wait_for_activity(f"monitor alarm {low} in state ALARM triggered policy track")
    grown = target.activities()[-1]
    assert high.startswith(f"TargetTracking-{target.key['ResourceId']}-AlarmHigh-")
    assert high in grown["Cause"] and grown["Description"].startswith("Setting desired instance count to ")
    assert shrunk["StatusMessage"] == (
        "Successfully set desired instance count to 1. Change successfully fulfilled by sagemaker."
    )


def test_an_alarm_of_ones_own_takes_the_step_for_how_far_it_is_beyond_however_soon_it_is_over(target: Target) -> None:
    target.register(1, 5)
    steps = [
        {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 10.0, "ScalingAdjustment": 4},
        {"MetricIntervalLowerBound": 10.0, "ScalingAdjustment": 1},
    ]
    policy = target.scaling.put_scaling_policy(
        **target.key,
        PolicyName="steps",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={"AdjustmentType": "ChangeInCapacity", "StepAdjustments": steps},
    )
    name = unique("alarm")
    target.cloudwatch.put_metric_alarm(
        AlarmName=name,
        AlarmActions=[policy["PolicyARN"]],
        MetricName="HasBacklogWithoutCapacity",
        Namespace="AWS/SageMaker",
        Statistic="Average",
        Period=60,
        EvaluationPeriods=2,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        Threshold=1,
    )

    seen = json.dumps({"recentDatapoints": [2.0, 21.0], "threshold": 1.0})
    by_hand = {"AlarmName": name, "StateReason": "by hand"}
    target.cloudwatch.set_alarm_state(**by_hand, StateValue="ALARM", StateReasonData=seen)
    target.cloudwatch.set_alarm_state(**by_hand, StateValue="OK")

    target.wait_for(2)
    assert target.wait_for_activity(name)["Cause"] == f"monitor alarm {name} in state ALARM triggered policy steps"
    target.cloudwatch.delete_alarms(AlarmNames=[name])


def test_provisioned_concurrency_follows_its_use(
    client: Make, sagemaker: Any, model: str, create_endpoint: Make
) -> None:
    config = make_serverless(sagemaker, model, ServerlessConfig=SERVERLESS | {"ProvisionedConcurrency": 1})
    target = Target(client, create_endpoint(config, "provisioned")["EndpointName"])
    runtime, of_instances = client("sagemaker-runtime"), target.key
    assert refusal(target.register, 1, 3)[0] == "ValidationException"  # it has none
    target.key = of_instances | {"ScalableDimension": "sagemaker:variant:DesiredProvisionedConcurrency"}
    assert refusal(target.register, 0, 3)[0] == "ValidationException"

    target.register(1, 3)
    assert refusal(target.track)[0] == "ValidationException"  # by a metric of instances
    used = {"PredefinedMetricType": "SageMakerVariantProvisionedConcurrencyUtilization"}
    policy = target.track(TargetValue=0.5, PredefinedMetricSpecification=used)

    def is_grown() -> bool:  # one request at a time uses all of one, and half of two
        runtime.invoke_endpoint(EndpointName=target.endpoint, ContentType="text/csv", Body="1,2")
        variant = sagemaker.describe_endpoint(EndpointName=target.endpoint)["ProductionVariants"][0]
        return bool(variant["CurrentServerlessConfig"]["ProvisionedConcurrency"] == 2)

    assert wait_until(is_grown, TIMEOUT_SECONDS, 0.1), target.activities()
    high = policy["Alarms"][0]["AlarmName"]
    grown = target.wait_for_activity(f"monitor alarm {high} in state ALARM triggered policy track")
    assert (grown["ScalableDimension"], grown["Description"][-2:]) == (target.key["ScalableDimension"], "2.")
    of_endpoint = {"ServiceNamespace": "sagemaker", "ResourceIds": [target.key["ResourceId"]]}
    described = target.scaling.describe_scalable_targets(
        **of_endpoint, ScalableDimension=of_instances["ScalableDimension"]
    )
    assert described["ScalableTargets"] == []
    assert refusal(target.scaling.deregister_scalable_target, **of_instances)[0] == "ObjectNotFoundException"
    target.scaling.deregister_scalable_target(**target.key)


def test_an_asynchronous_endpoint_goes_to_no_instance_and_back_and_answers_all(
    client: Make, sagemaker: Any, model: str, create_endpoint: Make, bucket: str, put: Make
) -> None:
    runtime, s3 = client("sagemaker-runtime"), client("s3")
    folder, asked, source = unique("scaled"), [], put("scaling/in.csv", "1,2")
    queue = {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": f"s3://{bucket}/{folder}"}}}
    target = Target(client, create_endpoint(make_config(sagemaker, model, together=queue), folder)["EndpointName"])
    backlog = {
        "MetricName": "ApproximateBacklogSizePerInstance",
        "Namespace": "AWS/SageMaker",
        "Dimensions": [{"Name": "EndpointName", "Value": target.endpoint}],
        "Statistic": "Average",
    }

    def ask() -> None:
        answer = runtime.invoke_endpoint_async(
            EndpointName=target.endpoint, ContentType="text/csv", InputLocation=source
        )
        asked.append(answer["OutputLocation"].rpartition("/")[2])

    def answered() -> list[str]:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{folder}/")
        return [entry["Key"].rpartition("/")[2] for page in pages for entry in page.get("Contents", ())]

    ask()  # from then on there is a queue, and its metrics
    target.register(0, 1)
    target.track(TargetValue=5.0, CustomizedMetricSpecification=backlog)
    target.wait_for(0)

    steps = [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}]
    policy = target.scaling.put_scaling_policy(
        **target.key,
        PolicyName="wake",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={"AdjustmentType": "ChangeInCapacity", "StepAdjustments": steps},
    )
    name = unique("alarm")
    target.cloudwatch.put_metric_alarm(
        AlarmName=name,
        AlarmActions=[policy["PolicyARN"]],
        MetricName="HasBacklogWithoutCapacity",
        Namespace="AWS/SageMaker",
        Dimensions=[{"Name": "EndpointName", "Value": target.endpoint}],
        Statistic="Average",
        Period=10,
        EvaluationPeriods=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        Threshold=1,
    )
    for _ in range(5):
        ask()
    assert target.wait_for_activity(name)["Description"] == "Setting desired instance count to 1."
    target.cloudwatch.delete_alarms(AlarmNames=[name])
    assert wait_until(lambda: sorted(answered()) == sorted(asked), TIMEOUT_SECONDS, 0.5)


def test_a_variant_that_is_scaled_keeps_its_instance_type(target: Target, sagemaker: Any, model: str) -> None:
    target.register(1, 1)
    config = make_config(sagemaker, model, InstanceType="ml.m5.xlarge")
    wanted = {"EndpointName": target.endpoint, "EndpointConfigName": config}
    assert refusal(sagemaker.update_endpoint, **wanted)[0] == "ValidationException"

    target.scaling.deregister_scalable_target(**target.key)
    sagemaker.update_endpoint(**wanted)


def test_limits_hold_at_once_and_schedules_change_them(target: Target) -> None:
    target.register(2, 3)
    target.wait_for(2)
    assert target.wait_for_activity("minimum capacity was set to 2")

    soon = datetime.now(UTC) + timedelta(seconds=2)
    target.scaling.put_scheduled_action(
        **target.key,
        ScheduledActionName="night",
        Schedule=f"at({soon:%Y-%m-%dT%H:%M:%S})",
        ScalableTargetAction={"MinCapacity": 1, "MaxCapacity": 1},
    )
    target.wait_for(1)
    assert target.wait_for_activity("maximum capacity was set to 1")
    shown = target.scaling.describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=[target.key["ResourceId"]]
    )
    assert (shown["ScalableTargets"][0]["MinCapacity"], shown["ScalableTargets"][0]["MaxCapacity"]) == (1, 1)


def test_all_is_shown_as_it_was_asked_and_goes_with_its_target(target: Target, sagemaker: Any) -> None:
    arn = target.register(1, 2)
    target.track("one", ScaleInCooldown=10)
    target.track("one", ScaleInCooldown=20)
    target.track("two", DisableScaleIn=True)
    for expression in ("rate(1 day)", "cron(0 3 ? * MON-FRI *)", "cron(0/5 1,2 L * ? 2030-2040)"):
        target.scaling.put_scheduled_action(
            **target.key,
            ScheduledActionName="calm",
            Schedule=expression,
            Timezone="Europe/Berlin",
            ScalableTargetAction={"MaxCapacity": 2},
        )
    target.scaling.tag_resource(ResourceARN=arn, Tags={"team": "a", "use": "b"})
    target.scaling.untag_resource(ResourceARN=arn, TagKeys=["use"])

    policies = target.scaling.describe_scaling_policies(**target.key)["ScalingPolicies"]
    first = target.scaling.describe_scaling_policies(**target.key, MaxResults=1)
    second = target.scaling.describe_scaling_policies(**target.key, MaxResults=1, NextToken=first["NextToken"])
    actions = target.scaling.describe_scheduled_actions(**target.key)["ScheduledActions"]
    assert [policy["PolicyName"] for policy in policies] == ["one", "two"]
    assert policies[0]["TargetTrackingScalingPolicyConfiguration"]["ScaleInCooldown"] == 20
    assert [first["ScalingPolicies"], second["ScalingPolicies"]] == [policies[:1], policies[1:]]
    assert "NextToken" not in second
    assert [(action["Schedule"], action["Timezone"]) for action in actions] == [
        ("cron(0/5 1,2 L * ? 2030-2040)", "Europe/Berlin")
    ]
    assert target.scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"team": "a"}
    assert target.alarms() == sorted(alarm["AlarmName"] for policy in policies for alarm in policy["Alarms"])
    assert len(target.alarms()) == 4

    target.scaling.delete_scaling_policy(**target.key, PolicyName="two")
    assert len(target.alarms()) == 2
    sagemaker.delete_endpoint(EndpointName=target.endpoint)
    assert wait_until(lambda: not target.alarms(), TIMEOUT_SECONDS, 0.3)
    assert not target.scaling.describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=[target.key["ResourceId"]]
    )["ScalableTargets"]


def test_what_is_not_there_is_said_in_awss_words(client: Make) -> None:
    target = Target(client, "none")
    named = (
        "service namespace: sagemaker, resource ID: endpoint/none/variant/v1, "
        "scalable dimension: sagemaker:variant:DesiredInstanceCount"
    )
    missing = f"No scalable target registered for {named}"

    assert refusal(target.track) == ("ObjectNotFoundException", missing)
    assert refusal(target.scaling.deregister_scalable_target, **target.key) == ("ObjectNotFoundException", missing)
    assert refusal(target.scaling.delete_scaling_policy, **target.key, PolicyName="p") == (
        "ObjectNotFoundException",
        f"No scaling policy found for {named}, policy name: p",
    )
    assert refusal(target.register, 1, 2)[0] == "ValidationException"


@pytest.mark.parametrize(
    ("members", "code", "words"),
    [
        ({"ServiceNamespace": "ecs"}, "UnsupportedByPreflight", "ServiceNamespace ecs"),
        (
            {"ScalableDimension": "sagemaker:inference-component:DesiredCopyCount"},
            "UnsupportedByPreflight",
            "DesiredCopyCount",
        ),
        (
            {"ScalableDimension": "ecs:service:DesiredCount"},
            "ValidationException",
            "Unsupported service namespace, resource type or scalable dimension",
        ),
        (
            {"ResourceId": "service/x"},
            "ValidationException",
            "Unsupported service namespace, resource type or scalable dimension",
        ),
        ({"ServiceNamespace": "x"}, "ValidationException", "Member must satisfy enum value set"),
    ],
)
def test_what_is_no_variant_is_refused(client: Make, members: dict[str, str], code: str, words: str) -> None:
    target = Target(client, "none")
    found, message = refusal(
        target.scaling.register_scalable_target, **target.key | members, MinCapacity=1, MaxCapacity=2
    )
    assert found == code
    assert words in message


@pytest.mark.parametrize(
    "schedule", ["at(tomorrow)", "rate(0 minutes)", "cron(* * * * * *)", "cron(61 * * * ? *)", "x"]
)
def test_schedules_that_are_none_are_refused(target: Target, schedule: str) -> None:
    target.register(1, 1)
    action = {"MinCapacity": 1}
    put = target.scaling.put_scheduled_action
    found = refusal(put, **target.key, ScheduledActionName="a", Schedule=schedule, ScalableTargetAction=action)
    assert found[0] == "ValidationException"
