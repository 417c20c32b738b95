"""Answers have the shapes of AWS's service model: every required member, no other, each of its type."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from preflight.sagemaker.api.service_model import service_model
from preflight.stack import Stack
from tests.local.conftest import Make, make_config, make_model, unique, wait_for_endpoint
from tests.local.raw import call

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float),
}


def misfits(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """Where ``value`` is not what the model says."""
    match shape:
        case StructureShape():
            for name in shape.required_members:
                if value.get(name) is None:
                    yield f"{path}.{name} is missing"
            for name, item in value.items():
                if name not in shape.members:
                    yield f"{path}.{name} is not in the model"
                else:
                    yield from misfits(shape.members[name], item, f"{path}.{name}")
        case ListShape():
            for place, item in enumerate(value):
                yield from misfits(shape.member, item, f"{path}[{place}]")
        case MapShape():
            for key, item in value.items():
                yield from misfits(shape.value, item, f"{path}[{key}]")
        case _:
            if not isinstance(value, TYPES[shape.type_name]):
                yield f"{path} is {value!r}, not a {shape.type_name}"
            elif isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
                yield f"{path} is {value!r}, not one of {shape.enum}"


@pytest.fixture(scope="module")
def made(sagemaker: Any, role: str, artifact: str, train: Make) -> Iterator[dict[str, str]]:
    """One of each resource, with what it may have."""
    job = train(Tags=[{"Key": "k", "Value": "v"}], Environment={"A": "b"})
    model = make_model(sagemaker, role, artifact)
    config = make_config(sagemaker, model)
    endpoint = unique("endpoint")
    sagemaker.create_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    description = wait_for_endpoint(sagemaker, endpoint)
    assert description["EndpointStatus"] == "InService"
    yield {
        "TrainingJobName": job["TrainingJobName"],
        "ModelName": model,
        "EndpointConfigName": config,
        "EndpointName": endpoint,
        "ResourceArn": job["TrainingJobArn"],
    }
    sagemaker.delete_endpoint(EndpointName=endpoint)


@pytest.mark.parametrize(
    "operation",
    [
        "DescribeTrainingJob",
        "DescribeModel",
        "DescribeEndpointConfig",
        "DescribeEndpoint",
        "ListTrainingJobs",
        "ListModels",
        "ListEndpointConfigs",
        "ListEndpoints",
        "ListTags",
    ],
)
def test_an_answer_has_the_models_shape(stack: Stack, made: dict[str, str], operation: str) -> None:
    model = service_model().operation_model(operation)
    asked = {name: value for name, value in made.items() if name in model.input_shape.members}

    status, answer = call(stack.port, operation, asked)

    assert status == 200, answer
    assert list(misfits(model.output_shape, answer, operation)) == []
