"""`deploy --autoscale` and `--async`: the variant scales, keeps its count, and goes before others can change it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from preflight.waiting import wait_until
from tests.aws.conftest import Project
from tests.aws.faults import Faults

VARIANT = "endpoint/scaled/variant/AllTraffic"
OF_SAGEMAKER = {"ServiceNamespace": "sagemaker"}


@pytest.fixture(scope="module")
def project(make_project: Callable[[str], Project]) -> Project:
    return make_project("scaled")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--async", "--serverless"), "AWS has no endpoint that is both"),
        (("--async", "--capture"), "in the bucket already"),
        (("--autoscale", "1:2", "--serverless"), "scales by itself"),
        (("--autoscale", "0:2"), "for --async alone"),
        (("--autoscale", "3:2"), "not the fewest and the most instances"),
        (("--autoscale", "2"), "not the fewest and the most instances"),
    ],
)
def test_what_does_not_go_together_is_refused_before_any_call(
    project: Project, faults: Faults, options: tuple[str, ...], why: str
) -> None:
    result = project.run("deploy", *options)

    assert (result.exit_code, faults.sent) == (2, [])
    assert why in result.stderr


def test_burstable_instances_are_refused_before_any_call(project: Project, faults: Faults) -> None:
    project.configure('endpoint.instance_type = "ml.t2.medium"\n')

    result = project.run("deploy", "--autoscale", "1:2")
    project.configure()

    assert (result.exit_code, faults.sent) == (2, [])
    assert "AWS scales no burstable instances" in result.stderr


def test_a_variant_that_scales_keeps_its_count_and_is_released_to_be_retyped(
    project: Project, faults: Faults, client: Callable[..., Any]
) -> None:
    scaling, sagemaker = client("application-autoscaling"), client("sagemaker")

    def count() -> int:
        endpoint = sagemaker.describe_endpoint(EndpointName="scaled")
        return int(endpoint["ProductionVariants"][0]["CurrentInstanceCount"])

    def changes(*options: str) -> list[str]:
        faults.sent.clear()
        result = project.run("deploy", *options)
        assert result.exit_code == 0, result.output
        return [call.split()[1] for call in faults.changes]

    assert "RegisterScalableTarget" in changes("--autoscale", "2:3")
    again = project.run("deploy", "--autoscale", "2:3", "--plan")
    assert wait_until(lambda: count() == 2, 60, 0.2)
    updated = changes("--autoscale", "2:3", "--capture")
    kept = count()
    project.configure('endpoint.instance_type = "ml.m5.xlarge"\n')
    retyped = changes("--autoscale", "1:3", "--capture")
    [policy] = scaling.describe_scaling_policies(**OF_SAGEMAKER, ResourceId=VARIANT)["ScalingPolicies"]
    released = changes("--capture")

    assert "There is nothing to change." in again.stdout
    assert (updated, kept) == (["CreateEndpointConfig", "UpdateEndpoint"], 2)
    assert retyped == [
        "CreateEndpointConfig",
        "DeregisterScalableTarget",
        "UpdateEndpoint",
        "RegisterScalableTarget",
        "PutScalingPolicy",
    ]
    followed = policy["TargetTrackingScalingPolicyConfiguration"]
    assert followed["PredefinedMetricSpecification"] == {
        "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
    }
    assert released == ["DeregisterScalableTarget"]


def test_an_asynchronous_endpoint_is_asked_through_the_url_and_destroyed_with_all_it_has(
    project: Project, client: Callable[..., Any]
) -> None:
    project.configure()
    url = project.url
    deployed = project.run("deploy", "--async", "--autoscale", "0:2")
    asked = project.run("predict", "--rows", "8", "--json")
    again = project.run("deploy", "--async", "--autoscale", "0:2", "--plan")
    api = json.loads((project.record.parent / "openapi.json").read_text())
    destroyed = project.run("destroy", "--yes")

    assert "DeregisterScalableTarget" not in deployed.stdout and "DeleteEndpoint, CreateEndpoint" in deployed.stdout
    assert f"URL: {url}" in deployed.stdout
    assert asked.exit_code == 0, asked.output
    said = json.loads(asked.stdout)
    assert said["rows"] == 8 and said["accuracy"] > 0.5
    assert "There is nothing to change." in again.stdout
    answer = api["paths"]["/predict"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer["oneOf"][0]["required"] == ["output", "failure"]
    assert "a last look found none" in destroyed.stdout
    assert (
        client("application-autoscaling").describe_scalable_targets(**OF_SAGEMAKER, ResourceIds=[VARIANT])[
            "ScalableTargets"
        ]
        == []
    )
    alarms = client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert [alarm["AlarmName"] for alarm in alarms if "scaled" in alarm["AlarmName"]] == []
