"""Endpoints that serve, change without stopping, and fail with a reason."""

import contextlib
import json
import threading
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

from preflight.sagemaker.launching.ports import free_port
from preflight.stack import Stack
from tests.local.conftest import Make, make_config, make_model, refusal, wait_for_endpoint


@pytest.fixture
def endpoint(sagemaker: Any, model: str, create_endpoint: Make) -> str:
    description = create_endpoint(make_config(sagemaker, model))
    assert description["EndpointStatus"] == "InService", description
    name: str = description["EndpointName"]
    return name


def serving_processes(stack: Stack) -> list[psutil.Process]:
    """The first process of each server; its workers are forks of it."""
    process = stack.process()
    assert process is not None
    found = []
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # it ends while we look
            command = child.cmdline()
            parent = child.parent()
            is_fork = parent is not None and parent.cmdline() == command
            if "guard.py" not in " ".join(command) and "serve" in command and not is_fork:
                found.append(child)
    return found


def invoke(runtime: Any, endpoint: str, body: str = "4,1", **members: Any) -> Any:
    answer = runtime.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body=body, **members)
    return json.loads(answer["Body"].read())


@pytest.mark.launchers("process", "docker")
def test_an_endpoint_answers_with_the_models_prediction(runtime: Any, endpoint: str) -> None:
    labels = [invoke(runtime, endpoint, row)["predictions"][0]["predicted_label"] for row in ("0,1", "5,1")]

    assert labels == [0, 1]


def test_describe_shows_the_variants_that_serve(sagemaker: Any, endpoint: str) -> None:
    variant = sagemaker.describe_endpoint(EndpointName=endpoint)["ProductionVariants"][0]

    assert (variant["VariantName"], variant["CurrentWeight"], variant["CurrentInstanceCount"]) == ("v1", 1.0, 1)
    assert variant["DeployedImages"][0]["SpecifiedImage"].endswith("linear-learner:1")


@pytest.mark.launchers("process", "docker")
def test_a_bad_row_is_a_model_error_with_the_containers_words(runtime: Any, endpoint: str) -> None:
    with pytest.raises(ClientError) as caught:
        invoke(runtime, endpoint, "4,abc")

    answer = caught.value.response
    assert answer["Error"]["Code"] == "ModelError"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert answer["OriginalStatusCode"] == 400
    assert answer["OriginalMessage"].startswith("unable to evaluate payload provided")
    assert answer["OriginalMessage"] in answer["Error"]["Message"]
    assert answer["Error"]["Message"].startswith("Received client error (400) from primary with message ")
    assert answer["LogStreamArn"].endswith(f":log-group:/aws/sagemaker/Endpoints/{endpoint}")


def test_a_target_variant_gets_the_request(sagemaker: Any, runtime: Any, model: str, create_endpoint: Make) -> None:
    name = create_endpoint(make_config(sagemaker, model, model))["EndpointName"]

    answer = runtime.invoke_endpoint(EndpointName=name, ContentType="text/csv", Body="1,1", TargetVariant="v2")

    assert answer["InvokedProductionVariant"] == "v2"
    assert (
        refusal(runtime.invoke_endpoint, EndpointName=name, ContentType="text/csv", Body="1,1", TargetVariant="v3")[0]
        == "ValidationError"
    )


@pytest.mark.launchers("process", "docker")
def test_a_model_that_cannot_load_fails_the_endpoint(
    sagemaker: Any, role: str, put: Make, create_endpoint: Make, empty_archive: bytes
) -> None:
    archive = bytearray(empty_archive)
    archive[-6] ^= 0xFF  # in gzip's checksum
    for uri in (
        put("bad/model.tar.gz", b"not an archive"),
        put("empty/model.tar.gz", empty_archive),
        put("corrupt/model.tar.gz", bytes(archive)),
    ):
        model = make_model(sagemaker, role, uri)

        endpoint = create_endpoint(make_config(sagemaker, model))

        assert endpoint["EndpointStatus"] == "Failed"
        assert endpoint["FailureReason"]


@pytest.mark.launchers("process", "docker")
def test_an_update_drops_no_request(sagemaker: Any, runtime: Any, model: str, endpoint: str) -> None:
    failures: list[str] = []
    done = threading.Event()

    def load() -> None:
        while not done.is_set():
            try:
                invoke(runtime, endpoint)
            except ClientError as error:
                failures.append(str(error))

    clients = [threading.Thread(target=load) for _ in range(3)]
    for client in clients:
        client.start()
    config = make_config(sagemaker, model)
    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    description = wait_for_endpoint(sagemaker, endpoint)
    done.set()
    for client in clients:
        client.join()

    assert (description["EndpointStatus"], description["EndpointConfigName"]) == ("InService", config)
    assert failures == []


def test_a_failed_update_leaves_the_old_fleet_serving(
    sagemaker: Any, runtime: Any, role: str, put: Make, endpoint: str
) -> None:
    broken = make_model(sagemaker, role, put("broken/model.tar.gz", b"not an archive"))
    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=make_config(sagemaker, broken))

    description = wait_for_endpoint(sagemaker, endpoint)

    assert description["EndpointStatus"] == "InService"
    assert "broken/model.tar.gz" in description["FailureReason"]
    assert invoke(runtime, endpoint)["predictions"]


def test_an_instance_that_dies_is_replaced(stack: Stack, runtime: Any, endpoint: str) -> None:
    before = serving_processes(stack)
    for process in before:
        workers = process.children()  # they die with it, but may take a request first
        for killed in (process, *workers):
            killed.kill()

    assert invoke(runtime, endpoint)["predictions"]
    assert not {process.pid for process in serving_processes(stack)} & {process.pid for process in before}


def test_deleting_an_endpoint_stops_its_process(
    stack: Stack, sagemaker: Any, model: str, create_endpoint: Make
) -> None:
    before = {process.pid for process in serving_processes(stack)}
    name = create_endpoint(make_config(sagemaker, model))["EndpointName"]
    own = [process for process in serving_processes(stack) if process.pid not in before]
    assert own

    sagemaker.delete_endpoint(EndpointName=name)
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})

    assert not any(process.is_running() for process in own)


def test_an_endpoint_under_way_cannot_be_deleted(sagemaker: Any, model: str, create_endpoint: Make) -> None:
    config = make_config(sagemaker, model)
    sagemaker.create_endpoint(EndpointName="under-way", EndpointConfigName=config)

    code, message = refusal(sagemaker.delete_endpoint, EndpointName="under-way")

    assert (code, message.startswith("Cannot update in-progress endpoint")) == ("ValidationException", True)
    wait_for_endpoint(sagemaker, "under-way")
    sagemaker.delete_endpoint(EndpointName="under-way")


def test_more_instances_than_the_quota_are_refused(sagemaker: Any, model: str) -> None:
    config = make_config(sagemaker, model, InitialInstanceCount=100)

    code, message = refusal(sagemaker.create_endpoint, EndpointName="too-many", EndpointConfigName=config)

    assert code == "ResourceLimitExceeded"
    assert message.startswith("The account-level service limit 'ml.m5.large for endpoint usage' is 20 Instances, with ")
    assert message.endswith("is not available, contact AWS support to request an increase for this quota.")


def test_a_second_stack_does_not_disturb_the_first(tmp_path: Any, runtime: Any, endpoint: str) -> None:
    second = Stack(port=free_port(), home=tmp_path)
    try:
        second.up()
        assert second.health() is not None
    finally:
        second.down()

    assert invoke(runtime, endpoint)["predictions"]
