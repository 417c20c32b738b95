"""Changes of an endpoint: to another configuration, other weights, another capacity; and what forbids them."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from preflight.stack import Stack
from preflight.waiting import wait_until
from tests.local.conftest import Make, make_config, make_model, refusal, unique, wait_for_endpoint
from tests.local.preflight.sagemaker.hosting.test_hosting import endpoint, invoke, serving_processes

__all__ = ["endpoint"]


class Load:
    """Requests without end from some threads; every failure is kept."""

    def __init__(self, runtime: Any, endpoint: str, clients: int = 3) -> None:
        self.failures: list[str] = []
        self.count = 0
        self._done = threading.Event()
        self._runtime, self._endpoint = runtime, endpoint
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]

    def _run(self) -> None:
        while not self._done.is_set():
            try:
                invoke(self._runtime, self._endpoint)
                self.count += 1
            except ClientError as error:
                self.failures.append(str(error))

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()


@pytest.fixture
def change(sagemaker: Any) -> Callable[..., dict[str, Any]]:
    """UpdateEndpointWeightsAndCapacities of variant v1, or of ``variant``; returns the settled endpoint."""

    def change(endpoint: str, variant: str = "v1", **desired: Any) -> dict[str, Any]:
        sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=endpoint, DesiredWeightsAndCapacities=[{"VariantName": variant} | desired]
        )
        return wait_for_endpoint(sagemaker, endpoint)

    return change


@pytest.fixture
def two_variants(sagemaker: Any, model: str, create_endpoint: Make) -> str:
    name: str = create_endpoint(make_config(sagemaker, model, model))["EndpointName"]
    return name


def serving(stack: Stack) -> set[int]:
    return {process.pid for process in serving_processes(stack)}


def chosen_variants(runtime: Any, endpoint: str, requests: int = 30) -> set[str]:
    return {
        runtime.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body="1,1")["InvokedProductionVariant"]
        for _ in range(requests)
    }


@pytest.mark.launchers("process", "docker")
def test_weights_change_at_once_and_split_the_traffic(
    sagemaker: Any, runtime: Any, two_variants: str, change: Callable[..., dict[str, Any]]
) -> None:
    assert chosen_variants(runtime, two_variants) == {"v1", "v2"}

    description = change(two_variants, DesiredWeight=0)

    assert chosen_variants(runtime, two_variants) == {"v2"}
    assert [(v["CurrentWeight"], v["DesiredWeight"]) for v in description["ProductionVariants"]] == [(0, 0), (1, 1)]


def test_capacity_grows_and_shrinks_without_a_dropped_request(
    stack: Stack, runtime: Any, endpoint: str, change: Callable[..., dict[str, Any]]
) -> None:
    before = serving(stack)
    with Load(runtime, endpoint) as load:
        grown = change(endpoint, DesiredInstanceCount=3)
        added = serving(stack) - before
        shrunk = change(endpoint, DesiredInstanceCount=1)

    assert load.failures == []
    assert load.count > 0
    counts = [
        (v["CurrentInstanceCount"], v["DesiredInstanceCount"])
        for v in (grown["ProductionVariants"][0], shrunk["ProductionVariants"][0])
    ]
    assert counts == [(3, 3), (1, 1)]
    assert len(added) == 2
    assert wait_until(lambda: serving(stack) <= before, 20, 0.1)


def test_describe_shows_what_is_and_what_is_to_be_while_capacity_changes(sagemaker: Any, endpoint: str) -> None:
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=endpoint,
        DesiredWeightsAndCapacities=[{"VariantName": "v1", "DesiredInstanceCount": 2, "DesiredWeight": 5}],
    )

    description = sagemaker.describe_endpoint(EndpointName=endpoint)
    variant = description["ProductionVariants"][0]

    assert description["EndpointStatus"] == "Updating"
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"], variant["CurrentWeight"]) == (1, 2, 5)
    (status,) = variant["VariantStatus"]
    assert (status["Status"], status["StatusMessage"]) == ("Updating", "Scaling out desired instance count to 2.")
    assert "PendingDeploymentSummary" not in description
    wait_for_endpoint(sagemaker, endpoint)


@pytest.mark.parametrize(
    ("desired", "message"),
    [
        ({"VariantName": "v9", "DesiredWeight": 1}, "v9"),
        ({"VariantName": "v1"}, "DesiredWeight"),
        ({"VariantName": "v1", "DesiredInstanceCount": 0}, "DesiredInstanceCount"),
        (
            {"VariantName": "v1", "ServerlessUpdateConfig": {"MaxConcurrency": 5}},
            "ServerlessUpdateConfig",
        ),
    ],
)
def test_a_change_of_what_is_not_there_is_refused(
    sagemaker: Any, kept_endpoint: str, desired: dict[str, Any], message: str
) -> None:
    code, said = refusal(
        sagemaker.update_endpoint_weights_and_capacities,
        EndpointName=kept_endpoint,
        DesiredWeightsAndCapacities=[desired],
    )

    assert (code, message in said) == ("ValidationException", True), said


@pytest.fixture(scope="module")
def kept_endpoint(sagemaker: Any, role: str, artifact: str) -> Iterator[str]:
    """One endpoint for the tests that change nothing."""
    name = unique("kept")
    config = make_config(sagemaker, make_model(sagemaker, role, artifact))
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    wait_for_endpoint(sagemaker, name)
    yield name
    sagemaker.delete_endpoint(EndpointName=name)


def test_growth_beyond_the_quota_is_refused(sagemaker: Any, kept_endpoint: str) -> None:
    code, message = refusal(
        sagemaker.update_endpoint_weights_and_capacities,
        EndpointName=kept_endpoint,
        DesiredWeightsAndCapacities=[{"VariantName": "v1", "DesiredInstanceCount": 50}],
    )

    assert code == "ResourceLimitExceeded"
    assert "and a request delta of 49 Instances. " in message


def test_an_endpoint_under_way_can_be_neither_updated_nor_deleted(
    sagemaker: Any, model: str, create_endpoint: Make
) -> None:
    config, other = make_config(sagemaker, model), make_config(sagemaker, model)
    name = unique("endpoint")
    arn = sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)["EndpointArn"]
    weights = [{"VariantName": "v1", "DesiredWeight": 2}]

    expected = ("ValidationException", f'Cannot update in-progress endpoint "{arn}".')
    assert refusal(sagemaker.update_endpoint, EndpointName=name, EndpointConfigName=other) == expected
    assert refusal(sagemaker.delete_endpoint, EndpointName=name) == expected
    assert (
        refusal(
            sagemaker.update_endpoint_weights_and_capacities, EndpointName=name, DesiredWeightsAndCapacities=weights
        )
        == expected
    )
    wait_for_endpoint(sagemaker, name)
    sagemaker.delete_endpoint(EndpointName=name)


def test_a_failed_endpoint_can_only_be_deleted(
    sagemaker: Any, runtime: Any, role: str, put: Make, model: str, create_endpoint: Make
) -> None:
    broken = make_model(sagemaker, role, put("failed/model.tar.gz", b"not an archive"))
    endpoint = create_endpoint(make_config(sagemaker, broken))
    name = endpoint["EndpointName"]
    weights = [{"VariantName": "v1", "DesiredWeight": 2}]

    assert (endpoint["EndpointStatus"], "ProductionVariants" in endpoint) == ("Failed", False)
    for call, members in (
        (sagemaker.update_endpoint, {"EndpointConfigName": make_config(sagemaker, model)}),
        (sagemaker.update_endpoint_weights_and_capacities, {"DesiredWeightsAndCapacities": weights}),
    ):
        code, message = refusal(call, EndpointName=name, **members)
        assert (code, "failed endpoint" in message) == ("ValidationException", True)
    assert refusal(runtime.invoke_endpoint, EndpointName=name, Body=b"1,1")[0] == "ValidationError"
    sagemaker.delete_endpoint(EndpointName=name)
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})


def test_creation_and_update_show_the_pending_deployment(sagemaker: Any, model: str) -> None:
    name, config, other = unique("endpoint"), make_config(sagemaker, model), make_config(sagemaker, model)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)

    creating = sagemaker.describe_endpoint(EndpointName=name)
    created = wait_for_endpoint(sagemaker, name)
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=other)
    updating = sagemaker.describe_endpoint(EndpointName=name)
    updated = wait_for_endpoint(sagemaker, name)

    pending = creating["PendingDeploymentSummary"]
    assert (pending["EndpointConfigName"], "ProductionVariants" in creating) == (config, False)
    assert pending["ProductionVariants"][0]["InstanceType"] == "ml.m5.large"
    assert pending["ProductionVariants"][0]["VariantStatus"][0]["StatusMessage"] == "Launching 1 instance(s)."
    assert (updating["EndpointConfigName"], updating["EndpointStatus"]) == (config, "Updating")
    assert updating["PendingDeploymentSummary"]["EndpointConfigName"] == other
    assert updated["EndpointConfigName"] == other
    assert "PendingDeploymentSummary" not in {**created, **updated}
    assert created["LastModifiedTime"] < updated["LastModifiedTime"]
    sagemaker.delete_endpoint(EndpointName=name)


def test_retained_properties_are_what_the_variants_have_now(
    sagemaker: Any, model: str, endpoint: str, change: Callable[..., dict[str, Any]]
) -> None:
    change(endpoint, DesiredInstanceCount=2, DesiredWeight=7)

    sagemaker.update_endpoint(
        EndpointName=endpoint,
        EndpointConfigName=make_config(sagemaker, model),
        RetainAllVariantProperties=True,
        ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DesiredWeight"}],
    )
    variant = wait_for_endpoint(sagemaker, endpoint)["ProductionVariants"][0]

    assert (variant["CurrentInstanceCount"], variant["CurrentWeight"]) == (2, 1.0)


def test_an_endpoint_goes_on_without_its_configuration_and_model_but_cannot_be_updated(
    sagemaker: Any, runtime: Any, role: str, artifact: str, model: str, create_endpoint: Make
) -> None:
    own = make_model(sagemaker, role, artifact)
    config = make_config(sagemaker, own)
    name = create_endpoint(config)["EndpointName"]
    arn = sagemaker.describe_endpoint_config(EndpointConfigName=config)["EndpointConfigArn"]

    sagemaker.delete_model(ModelName=own)
    sagemaker.delete_endpoint_config(EndpointConfigName=config)

    assert invoke(runtime, name)["predictions"]
    assert sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"] == config
    assert refusal(sagemaker.update_endpoint, EndpointName=name, EndpointConfigName=make_config(sagemaker, model)) == (
        "ValidationException",
        f'Could not find endpoint configuration "{arn}".',
    )


def test_an_update_to_the_configuration_in_use_is_refused(sagemaker: Any, kept_endpoint: str) -> None:
    config = sagemaker.describe_endpoint(EndpointName=kept_endpoint)["EndpointConfigName"]

    assert refusal(sagemaker.update_endpoint, EndpointName=kept_endpoint, EndpointConfigName=config)[0] == (
        "ValidationException"
    )


def test_concurrent_creates_of_one_name_leave_one_endpoint(
    stack: Stack, sagemaker: Any, model: str, create_endpoint: Make
) -> None:
    before = serving(stack)
    name, config = unique("endpoint"), make_config(sagemaker, model)
    messages: list[str] = []

    def create() -> None:
        try:
            sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        except ClientError as error:
            messages.append(error.response["Error"]["Message"])

    _at_once(create, 8)
    arn = wait_for_endpoint(sagemaker, name)["EndpointArn"]

    assert messages == [f'Cannot create already existing endpoint "{arn}".'] * 7
    assert len(serving(stack) - before) == 1
    sagemaker.delete_endpoint(EndpointName=name)


def test_concurrent_updates_and_deletes_of_one_name_leave_no_process(
    stack: Stack, sagemaker: Any, model: str, create_endpoint: Make
) -> None:
    before = serving(stack)
    name = create_endpoint(make_config(sagemaker, model))["EndpointName"]
    configs = [make_config(sagemaker, model) for _ in range(4)]
    codes: list[str] = []

    def work() -> None:
        for call in (
            lambda: sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=configs.pop()),
            lambda: sagemaker.delete_endpoint(EndpointName=name),
        ):
            try:
                call()
            except ClientError as error:
                codes.append(error.response["Error"]["Code"])

    _at_once(work, 4)
    _delete_until_gone(sagemaker, name)

    assert set(codes) == {"ValidationException"}
    assert wait_until(lambda: serving(stack) <= before, 20, 0.1)


def _at_once(work: Callable[[], None], count: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _delete_until_gone(sagemaker: Any, name: str) -> None:
    """Whatever it is in: an update that has won must end before it can be deleted."""
    while True:
        try:
            sagemaker.delete_endpoint(EndpointName=name)
        except ClientError as error:
            if "Could not find endpoint" in str(error):
                return


def traffic(kind: str, wait: int = 0, **sizes: Any) -> dict[str, Any]:
    routing = {"Type": kind, "WaitIntervalInSeconds": wait} | sizes
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}


def percent(value: int) -> dict[str, Any]:
    return {"Type": "CAPACITY_PERCENT", "Value": value}


ROLLING = {"RollingUpdatePolicy": {"MaximumBatchSize": percent(50), "WaitIntervalInSeconds": 0}}


@pytest.mark.parametrize(
    "deployment",
    [
        traffic("ALL_AT_ONCE"),
        traffic("CANARY", CanarySize=percent(10)),
        traffic("LINEAR", LinearStepSize=percent(40)),
        ROLLING,
    ],
    ids=["all at once", "canary", "linear", "rolling"],
)
def test_a_deployment_of_every_kind_drops_no_request(
    stack: Stack, sagemaker: Any, runtime: Any, model: str, create_endpoint: Make, deployment: dict[str, Any]
) -> None:
    before = serving(stack)
    name = create_endpoint(make_config(sagemaker, model, InitialInstanceCount=2))["EndpointName"]
    config = make_config(sagemaker, model, InitialInstanceCount=2)
    with Load(runtime, name) as load:
        sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=config, DeploymentConfig=deployment)
        description = wait_for_endpoint(sagemaker, name)

    assert load.failures == []
    assert (description["EndpointStatus"], description["EndpointConfigName"]) == ("InService", config)
    assert description["LastDeploymentConfig"] == deployment
    assert description["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    sagemaker.delete_endpoint(EndpointName=name)  # waits for the old fleet
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    assert wait_until(lambda: serving(stack) <= before, 20, 0.1)


@pytest.mark.parametrize("kind", ["canary", "rolling"])
def test_an_alarm_turns_a_deployment_back(
    client: Make, sagemaker: Any, runtime: Any, model: str, create_endpoint: Make, kind: str
) -> None:
    name = create_endpoint(make_config(sagemaker, model, InitialInstanceCount=2))["EndpointName"]
    old = sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    alarm = make_alarm(client("cloudwatch"))
    deployment = traffic("CANARY", wait=600, CanarySize=percent(50))
    if kind == "rolling":
        deployment = {"RollingUpdatePolicy": {"MaximumBatchSize": percent(50), "WaitIntervalInSeconds": 600}}
    with Load(runtime, name) as load:
        sagemaker.update_endpoint(
            EndpointName=name,
            EndpointConfigName=make_config(sagemaker, model, InitialInstanceCount=2),
            DeploymentConfig=deployment | {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]}},
        )
        wait_until_baking(sagemaker, name)
        client("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="test")
        description = wait_for_endpoint(sagemaker, name)

    assert load.failures == []
    assert (description["EndpointStatus"], description["EndpointConfigName"]) == ("InService", old)
    assert alarm in description["FailureReason"]
    assert description["ProductionVariants"][0]["CurrentInstanceCount"] == 2


def make_alarm(cloudwatch: Any) -> str:
    name = unique("alarm")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    return name


def wait_until_baking(sagemaker: Any, name: str) -> None:
    while True:
        description = sagemaker.describe_endpoint(EndpointName=name)
        assert description["EndpointStatus"] == "Updating", description
        variant = description["PendingDeploymentSummary"]["ProductionVariants"][0]
        if variant.get("VariantStatus", [{}])[0].get("Status") == "Baking":
            return


@pytest.mark.parametrize(
    ("deployment", "message"),
    [
        (ROLLING, "Cannot update endpoint with single instance using RollingUpdatePolicy"),
        (ROLLING | traffic("ALL_AT_ONCE"), "Only one of BlueGreenUpdatePolicy and RollingUpdatePolicy"),
        (traffic("CANARY"), "CanarySize must be specified"),
        (traffic("ALL_AT_ONCE", CanarySize=percent(10)), "CanarySize must be specified"),
        (traffic("CANARY", CanarySize=percent(60)), "CanarySize must be 0% to 50%"),
        (traffic("LINEAR", LinearStepSize=percent(5)), "LinearStepSize must be 10% to 50%"),
        (
            {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "nope"}]}},
            "nope",
        ),
    ],
)
def test_a_deployment_aws_would_refuse_is_refused(
    sagemaker: Any, model: str, kept_endpoint: str, deployment: dict[str, Any], message: str
) -> None:
    config = make_config(sagemaker, model)

    for call, name in ((sagemaker.create_endpoint, unique("e")), (sagemaker.update_endpoint, kept_endpoint)):
        code, said = refusal(call, EndpointName=name, EndpointConfigName=config, DeploymentConfig=deployment)
        assert (code, message in said) == ("ValidationException", True), said
