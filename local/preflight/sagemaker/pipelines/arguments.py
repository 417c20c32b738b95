"""Checks the Arguments of steps against the requests that are made of them, as far as they are known beforehand."""

from typing import Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from preflight.sagemaker.api.operation import RefusedCase
from preflight.sagemaker.api.service_model import service_model
from preflight.sagemaker.pipelines.definition import RetriedStep
from preflight.sagemaker.pipelines.parsing import unable
from preflight.sagemaker.pipelines.steps.requests import REQUESTS

OWN_NAME = RefusedCase("CreatePipeline", "the job's or model's own name among a step's Arguments")


def require_arguments(step: RetriedStep) -> None:
    """Raises ValidationException, in AWS's words, for members and enum values that the request does not have."""
    made = REQUESTS[step.type]  # type: ignore[attr-defined]
    if made.name in step.arguments and made.is_named:
        raise OWN_NAME.error(f"{made.name} of step {step.name}")
    shape = service_model().operation_model(made.operation).input_shape
    for name, value in step.arguments.items():
        if name not in shape.members or name == made.name:
            raise unable(f"Unknown Argument member '{name}'.")
        _require(shape.members[name], value)


def _require(shape: Shape, value: Any) -> None:
    match shape, value:
        case StructureShape(), dict():
            for name, item in value.items():
                if name not in shape.members:
                    raise unable(f"Unknown Argument member '{name}'.")
                _require(shape.members[name], item)
        case ListShape(), list():
            for item in value:
                _require(shape.member, item)
        case MapShape(), dict():
            for item in value.values():
                _require(shape.value, item)
        case StringShape(), str() if shape.enum and value not in shape.enum:
            raise unable(
                f"Model Validation failed: Value '{value}' for '{shape.name}' failed to satisfy enum value set: "
                f"[{', '.join(shape.enum)}]"
            )
