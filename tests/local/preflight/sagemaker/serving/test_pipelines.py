"""Models of several containers: inference pipelines, and containers that are called directly."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from preflight.stack import Stack
from tests.local.conftest import LINEAR_LEARNER, XGBOOST, Make, make_config, refusal, unique, wait_for_endpoint
from tests.local.preflight.sagemaker.hosting.test_hosting import serving_processes


@pytest.fixture(scope="module")
def containers(train: Make, artifact: str) -> list[dict[str, Any]]:
    """XGBoost, whose answer is one number, and a Linear Learner that takes one number."""
    specification = {"TrainingImage": XGBOOST, "TrainingInputMode": "File"}
    scorer = train(
        hyperparameters={"num_round": "5", "objective": "binary:logistic"}, AlgorithmSpecification=specification
    )
    rows = "\n".join(f"{i % 2},{0.1 + 0.8 * (i % 2)}" for i in range(200))
    judge = train(rows, {"predictor_type": "binary_classifier", "feature_dim": "1", "epochs": "3"})
    return [
        {"Image": image, "ModelDataUrl": job["ModelArtifacts"]["S3ModelArtifacts"]}
        for image, job in ((XGBOOST, scorer), (LINEAR_LEARNER, judge))
    ]


@pytest.fixture(scope="module")
def make_pipeline(sagemaker: Any, role: str, containers: list[dict[str, Any]]) -> Iterator[Make]:
    """An endpoint of a model of both containers; ``names`` are their hostnames."""
    made: list[str] = []

    def make(*names: str, **members: Any) -> str:
        name = unique("pipeline")
        named = [one | ({"ContainerHostname": names[place]} if names else {}) for place, one in enumerate(containers)]
        sagemaker.create_model(ModelName=name, Containers=named, ExecutionRoleArn=role, **members)
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=make_config(sagemaker, name))
        made.append(name)
        description = wait_for_endpoint(sagemaker, name)
        assert description["EndpointStatus"] == "InService", description
        return name

    yield make
    for name in made:
        sagemaker.delete_endpoint(EndpointName=name)


@pytest.fixture(scope="module")
def pipeline(make_pipeline: Make) -> str:
    name: str = make_pipeline()
    return name


@pytest.fixture(scope="module")
def direct(make_pipeline: Make) -> str:
    name: str = make_pipeline("score", "judge", InferenceExecutionConfig={"Mode": "Direct"})
    return name


def ask(runtime: Any, endpoint: str, body: str = "4,1", **members: Any) -> Any:
    answer = runtime.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body=body, **members)
    return json.loads(answer["Body"].read())


@pytest.mark.launchers("process", "docker")
def test_a_pipelines_last_container_answers_for_all(runtime: Any, pipeline: str) -> None:
    labels = [ask(runtime, pipeline, row)["predictions"][0]["predicted_label"] for row in ("0,1", "5,1")]

    assert labels == [0, 1]


@pytest.mark.launchers("process", "docker")
def test_a_pipelines_error_names_the_container_it_came_from(runtime: Any, pipeline: str) -> None:
    code, message = refusal(ask, runtime, pipeline, body="4,abc")

    assert code == "ModelError"
    assert message.startswith("Received client error (") and ") from container-1 with message " in message


def test_each_container_of_a_pipeline_has_a_log_stream(client: Make, pipeline: str) -> None:
    group = f"/aws/sagemaker/Endpoints/{pipeline}"
    parts: list[list[str]] = []
    logs = client("logs")
    while len(parts) < 2:  # they are written in the background
        with contextlib.suppress(logs.exceptions.ResourceNotFoundException):
            streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
            parts = sorted(stream["logStreamName"].split("/") for stream in streams)

    assert [(variant, name) for variant, _, name in parts] == [("v1", "container-1"), ("v1", "container-2")]
    assert parts[0][1] == parts[1][1]  # one instance


def test_describe_shows_all_containers(sagemaker: Any, pipeline: str) -> None:
    model = sagemaker.describe_model(ModelName=pipeline)
    variant = sagemaker.describe_endpoint(EndpointName=pipeline)["ProductionVariants"][0]

    assert [container["Image"] for container in model["Containers"]] == [XGBOOST, LINEAR_LEARNER]
    assert "PrimaryContainer" not in model
    assert [image["SpecifiedImage"] for image in variant["DeployedImages"]] == [XGBOOST, LINEAR_LEARNER]


def test_a_container_of_a_pipeline_that_dies_is_replaced(stack: Stack, runtime: Any, pipeline: str) -> None:
    for process in serving_processes(stack):
        process.kill()

    assert ask(runtime, pipeline)["predictions"]


def test_a_direct_request_reaches_the_container_it_names(runtime: Any, direct: str) -> None:
    assert ask(runtime, direct, "5,1", TargetContainerHostname="score") > 0.5
    assert ask(runtime, direct, "0.9", TargetContainerHostname="judge")["predictions"][0]["predicted_label"] == 1


def test_a_direct_request_must_name_a_container_that_is_there(runtime: Any, direct: str, pipeline: str) -> None:
    for endpoint, members in (
        (direct, {}),
        (direct, {"TargetContainerHostname": "other"}),
        (pipeline, {"TargetContainerHostname": "container-1"}),
    ):
        assert refusal(ask, runtime, endpoint, **members)[0] == "ValidationError"


def test_a_direct_error_names_its_container(runtime: Any, direct: str) -> None:
    _, message = refusal(ask, runtime, direct, body="x", TargetContainerHostname="judge")

    assert " from judge with message " in message


def test_a_pipeline_that_cannot_load_names_the_container(
    sagemaker: Any, role: str, put: Make, containers: list[dict[str, Any]], empty_archive: bytes
) -> None:
    name = unique("pipeline")
    broken = containers[1] | {"ModelDataUrl": put(f"{name}/model.tar.gz", empty_archive)}
    sagemaker.create_model(ModelName=name, Containers=[containers[0], broken], ExecutionRoleArn=role)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=make_config(sagemaker, name))

    description = wait_for_endpoint(sagemaker, name)

    assert description["FailureReason"].startswith("The container-2 container for production variant v1 did not pass")
    sagemaker.delete_endpoint(EndpointName=name)


IMAGE = {"Image": XGBOOST}


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "Containers"),
        (
            {"PrimaryContainer": IMAGE, "Containers": [IMAGE]},
            "PrimaryContainer and Containers",
        ),
        ({"Containers": [IMAGE, IMAGE | {"ContainerHostname": "a"}]}, "ContainerHostname must be specified for all"),
        ({"Containers": [IMAGE | {"ContainerHostname": "a"}] * 2}, "ContainerHostname must be unique"),
        (
            {"Containers": [IMAGE, IMAGE], "InferenceExecutionConfig": {"Mode": "Direct"}},
            "ContainerHostname",
        ),
        ({"Containers": [IMAGE] * 16}, "1 validation error detected: Value '["),
        ({"Containers": [IMAGE, {"Environment": {}}]}, "Containers[1]"),
        (
            {"Containers": [IMAGE | {"Environment": {f"K{n}": "v" * 1000 for n in range(17)}}] * 2},
            "environment variables",
        ),
    ],
)
def test_containers_that_do_not_go_together_are_refused(
    sagemaker: Any, role: str, members: dict[str, Any], message: str
) -> None:
    code, said = refusal(sagemaker.create_model, ModelName=unique("m"), ExecutionRoleArn=role, **members)

    assert (code, message in said) == ("ValidationException", True), said
