"""Instances of a variant: which one a request gets, and what becomes of an endpoint when one cannot start."""

import json
import threading
from collections import Counter
from typing import Any

from tests.local.odd_service import OddService


def pid(odd: OddService, endpoint: str, **orders: Any) -> int:
    """The process that answered."""
    return int(json.loads(odd.ask(endpoint, {"show": True} | orders)["Body"].read())["pid"])


def test_requests_go_to_every_instance(odd: OddService) -> None:
    endpoint = odd.endpoint(odd.config(odd.model(), InitialInstanceCount=2))

    assert len({pid(odd, endpoint) for _ in range(30)}) == 2


def test_least_outstanding_requests_spreads_what_comes_at_once_evenly(odd: OddService) -> None:
    routing = {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}
    endpoint = odd.endpoint(odd.config(odd.model(), InitialInstanceCount=3, RoutingConfig=routing))
    answered: list[int] = []
    clients = [threading.Thread(target=lambda: answered.append(pid(odd, endpoint, delay=1))) for _ in range(6)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()

    variant = odd.call("DescribeEndpoint", EndpointName=endpoint)["ProductionVariants"][0]
    assert sorted(Counter(answered).values()) == [2, 2, 2]
    assert variant["RoutingConfig"] == routing


def test_growth_that_fails_is_rolled_back_and_the_endpoint_answers(odd: OddService) -> None:
    endpoint = odd.endpoint(odd.config(odd.model()))
    odd.launcher.is_broken = True
    try:
        odd.call(
            "UpdateEndpointWeightsAndCapacities",
            EndpointName=endpoint,
            DesiredWeightsAndCapacities=[{"VariantName": "v1", "DesiredInstanceCount": 3, "DesiredWeight": 5}],
        )
        description = odd.settled(endpoint)
    finally:
        odd.launcher.is_broken = False

    variant = description["ProductionVariants"][0]
    assert description["EndpointStatus"] == "InService"
    assert "did not pass the ping health check" in description["FailureReason"]
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"], variant["CurrentWeight"]) == (1, 1, 1.0)
    assert "VariantStatus" not in variant
    assert odd.ask(endpoint, {"body": "still here"})["Body"].read() == b"still here"


def test_a_batch_that_fails_rolls_a_rolling_update_back(odd: OddService) -> None:
    old = odd.config(odd.model(), InitialInstanceCount=2)
    endpoint = odd.endpoint(old)
    before = {container.pid for container in odd.launcher.running()}
    policy = {"MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1}, "WaitIntervalInSeconds": 0}
    odd.launcher.is_broken = True
    try:
        odd.call(
            "UpdateEndpoint",
            EndpointName=endpoint,
            EndpointConfigName=odd.config(odd.model(), InitialInstanceCount=2),
            DeploymentConfig={"RollingUpdatePolicy": policy},
        )
        description = odd.settled(endpoint)
    finally:
        odd.launcher.is_broken = False

    assert (description["EndpointStatus"], description["EndpointConfigName"]) == ("InService", old)
    assert description["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    assert {container.pid for container in odd.launcher.running()} == before
