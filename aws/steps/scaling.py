"""Automatic scaling of the endpoint's variant: the target, what it follows, and what goes before others can.

https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html
https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-autoscale.html
"""

from typing import Any

from aws.client import Aws
from aws.config import ScalingSettings
from aws.names import VARIANT, Names
from aws.wanted import Wanted

SERVICE = "application-autoscaling"
KEEP, WAKE = "keep-up", "wake-up"  # policies: near the target value; from no instance to one
OF_POLICY = {
    "TargetTrackingScaling": "TargetTrackingScalingPolicyConfiguration",
    "StepScaling": "StepScalingPolicyConfiguration",
}


def find_target(aws: Aws, names: Names) -> dict[str, Any] | None:
    """The variant as a scalable target, if it is registered as one."""
    of = {"ServiceNamespace": "sagemaker", "ResourceIds": [_variant(names)["ResourceId"]]}
    found = aws.find(SERVICE, "DescribeScalableTargets", **of) or {}
    return next(iter(found.get("ScalableTargets", [])), None)


def find_alarm(aws: Aws, names: Names) -> dict[str, Any] | None:
    """The alarm that wakes the endpoint up. Target tracking has alarms of its own, which come and go with it."""
    found = aws.find("cloudwatch", "DescribeAlarms", AlarmNames=[names.backlog_alarm]) or {}
    return next(iter(found.get("MetricAlarms", [])), None)


def ensure_scaling(aws: Aws, names: Names, wanted: Wanted, target: dict[str, Any] | None) -> str:
    """Have the variant scale as ``wanted`` by the policies for its kind. Returns what it does, for a person."""
    assert wanted.autoscale is not None
    low, high = wanted.autoscale
    variant, limits = _variant(names), {"MinCapacity": low, "MaxCapacity": high}
    if target is None:
        why = "the number of instances follows the traffic"
        aws.change(SERVICE, "RegisterScalableTarget", why=why, **variant, **limits, Tags=names.tags)
    elif {name: target[name] for name in limits} != limits:
        why = f"it is {target['MinCapacity']} to {target['MaxCapacity']} instances"
        aws.change(SERVICE, "RegisterScalableTarget", why=why, **variant, **limits)
    there = _policies(aws, variant) if target else {}
    keep = _keep_up(names, wanted.settings.scaling, asynchronous=wanted.asynchronous)
    _ensure_policy(aws, variant, there, KEEP, "TargetTrackingScaling", keep)
    if low == 0:
        policy_arn = _ensure_policy(aws, variant, there, WAKE, "StepScaling", WAKE_UP)
        _ensure_alarm(aws, names, policy_arn)
    else:
        if WAKE in there:
            why = "there is always an instance"
            aws.change(SERVICE, "DeleteScalingPolicy", why=why, PolicyName=WAKE, **variant)
        _delete_alarm(aws, names, why="its policy is not there any more")
    return f"{low} to {high} instances"


def release(aws: Aws, names: Names, *, why: str = "") -> None:
    """Have the variant scale no more: until then AWS changes neither its instance type nor its kind.

    The target's policies, and the alarms that AWS made for them, go with it.
    https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html
    """
    aws.change(SERVICE, "DeregisterScalableTarget", why=why, **_variant(names))
    _delete_alarm(aws, names, why="its policy goes with the target")


def _variant(names: Names) -> dict[str, str]:
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{names.endpoint}/variant/{VARIANT}",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }


def _keep_up(names: Names, settings: ScalingSettings, *, asynchronous: bool) -> dict[str, Any]:
    """Calls for each instance; an asynchronous endpoint has no such metric, but a queue."""
    if not asynchronous:
        predefined = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
        return {"TargetValue": settings.invocations_per_instance, "PredefinedMetricSpecification": predefined}
    metric = {
        "MetricName": "ApproximateBacklogSizePerInstance",
        "Namespace": "AWS/SageMaker",
        "Dimensions": [{"Name": "EndpointName", "Value": names.endpoint}],
        "Statistic": "Average",
    }
    return {"TargetValue": settings.backlog_per_instance, "CustomizedMetricSpecification": metric}


WAKE_UP = {
    "AdjustmentType": "ChangeInCapacity",
    "MetricAggregationType": "Average",
    "Cooldown": 300,
    "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}],
}


def _policies(aws: Aws, variant: dict[str, str]) -> dict[str, dict[str, Any]]:
    listed = aws.list(SERVICE, "DescribeScalingPolicies", "ScalingPolicies", **variant)
    return {policy["PolicyName"]: policy for policy in listed}


def _ensure_policy(
    aws: Aws, variant: dict[str, str], there: dict[str, dict[str, Any]], name: str, kind: str, wanted: dict[str, Any]
) -> str:
    """The policy's ARN. AWS fills in what is not said: what is said must be as wanted."""
    found = there.get(name, {})
    if wanted.items() <= found.get(OF_POLICY[kind], {}).items():
        return str(found["PolicyARN"])
    why = "it says something else" if found else "it says when there are more, and when fewer"
    put = aws.change(
        SERVICE, "PutScalingPolicy", why=why, PolicyName=name, PolicyType=kind, **variant, **{OF_POLICY[kind]: wanted}
    )
    return str(put["PolicyARN"])


def _ensure_alarm(aws: Aws, names: Names, policy_arn: str) -> None:
    """Target tracking cannot leave 0 instances: this alarm says that somebody waits."""
    wanted: dict[str, Any] = {
        "Namespace": "AWS/SageMaker",
        "MetricName": "HasBacklogWithoutCapacity",
        "Dimensions": [{"Name": "EndpointName", "Value": names.endpoint}],
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 2,
        "DatapointsToAlarm": 2,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "missing",
        "AlarmActions": [policy_arn],
    }
    found = find_alarm(aws, names)
    if found is None or not wanted.items() <= found.items():
        why = "requests that wait without an instance bring the first one"
        tags = {} if found else {"Tags": names.tag_list}
        aws.change("cloudwatch", "PutMetricAlarm", why=why, AlarmName=names.backlog_alarm, **wanted, **tags)


def _delete_alarm(aws: Aws, names: Names, *, why: str) -> None:
    if find_alarm(aws, names) is not None:
        aws.change("cloudwatch", "DeleteAlarms", why=why, AlarmNames=[names.backlog_alarm])
