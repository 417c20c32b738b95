"""The coverage tables tell the truth: about the models they are made for, and about what the service answers."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from preflight.cli.main import main
from preflight.sagemaker.api.service_model import service_model
from preflight.sagemaker.service import OPERATIONS, RUNTIME_OPERATIONS, SCALING_OPERATIONS
from preflight.stack import Stack
from tests.conftest import REPOSITORY
from tests.local.raw import call

REGENERATE = "preflight coverage --markdown > docs/coverage.md"


def printed(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["coverage", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_document_is_up_to_date() -> None:
    assert (REPOSITORY / "docs" / "coverage.md").read_text() == printed("--markdown"), f"Make it anew: {REGENERATE}"


def test_every_operation_of_both_models_is_listed() -> None:
    listed = json.loads(printed("--json"))

    for service, operations in listed.items():
        assert set(operations) == set(service_model(service).operation_names)
    assert listed["sagemaker"]["DescribeModel"] == {"state": "supported", "missing": [], "described": []}
    assert listed["sagemaker"]["CreateApp"]["state"] == "not"
    assert "ExplainerConfig" in listed["sagemaker"]["CreateEndpointConfig"]["missing"]
    assert "ListApps" in printed() and "InvokeEndpointAsync" in printed()


@pytest.mark.parametrize("operation", SCALING_OPERATIONS)
def test_a_member_that_scaling_knows_is_one_of_the_models(operation: str) -> None:
    shape = service_model("application-autoscaling").operation_model(operation).input_shape

    require_members(shape, SCALING_OPERATIONS[operation].known)


@pytest.mark.parametrize("operation", [*OPERATIONS, *RUNTIME_OPERATIONS])
def test_a_member_that_is_known_is_one_of_the_models(operation: str) -> None:
    service = "sagemaker" if operation in OPERATIONS else "sagemaker-runtime"
    shape = service_model(service).operation_model(operation).input_shape

    require_members(shape, (OPERATIONS | RUNTIME_OPERATIONS)[operation].known)


def require_members(shape: Any, known: dict[str, Any]) -> None:
    for name, below in known.items():
        assert name in shape.members, f"{shape.name} has no {name}"
        if below:
            member = shape.members[name]
            require_members(getattr(member, "member", member), below)


def test_the_service_refuses_by_name_just_the_operations_that_are_not_listed(stack: Stack) -> None:
    for operation in service_model().operation_names:
        status, answer = call(stack.port, operation, {})

        if operation in OPERATIONS:
            assert answer.get("__type") != "UnsupportedByPreflight", operation
        else:
            message = f"{operation} is not supported by Preflight yet."
            assert (status, answer) == (501, {"__type": "UnsupportedByPreflight", "message": message})


def test_a_member_that_is_not_listed_is_refused_by_name(stack: Stack) -> None:
    variant = {"VariantName": "v", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    request = {"EndpointConfigName": "c", "ProductionVariants": [variant | {"AcceleratorType": "ml.eia1.medium"}]}

    assert call(stack.port, "CreateEndpointConfig", request) == (
        501,
        {
            "__type": "UnsupportedByPreflight",
            "message": "CreateEndpointConfig with ProductionVariants[].AcceleratorType is not supported by Preflight "
            "yet.",
        },
    )
