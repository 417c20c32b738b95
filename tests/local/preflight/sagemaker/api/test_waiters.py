"""boto3's waiters where what they wait for does not come, and paginators that go on from where one ended."""

from typing import Any

import pytest
from botocore.exceptions import WaiterError

from tests.local.conftest import XGBOOST, Make, make_config, make_model, unique

FAST = {"Delay": 1, "MaxAttempts": 60}
MISSING = "Waiter encountered a terminal failure state: Matched expected service error code: ValidationException"


def failure(sagemaker: Any, waiter: str, **names: str) -> WaiterError:
    with pytest.raises(WaiterError) as caught:
        sagemaker.get_waiter(waiter).wait(WaiterConfig=FAST, **names)
    return caught.value


@pytest.mark.parametrize(
    ("waiter", "names", "words"),
    [
        ("endpoint_in_service", {"EndpointName": "none"}, "Could not find endpoint "),
        ("training_job_completed_or_stopped", {"TrainingJobName": "none"}, "Requested resource not found."),
        (
            "processing_job_completed_or_stopped",
            {"ProcessingJobName": "none"},
            "Could not find requested job with name",
        ),
    ],
)
def test_what_is_not_there_ends_the_wait(sagemaker: Any, waiter: str, names: dict[str, str], words: str) -> None:
    error = failure(sagemaker, waiter, **names)

    assert error.kwargs["reason"] == MISSING
    assert error.last_response["Error"]["Message"].startswith(words)


def test_waiting_for_a_failed_job_ends_with_its_status(sagemaker: Any, train: Make) -> None:
    job = train("1,no,2")

    error = failure(sagemaker, "training_job_completed_or_stopped", TrainingJobName=job["TrainingJobName"])

    assert error.kwargs["reason"] == (
        'Waiter encountered a terminal failure state: For expression "TrainingJobStatus" we matched expected path: '
        '"Failed"'
    )
    assert error.last_response["FailureReason"] == job["FailureReason"]


@pytest.mark.parametrize("waiter", ["endpoint_in_service", "endpoint_deleted"])
def test_waiting_for_a_failed_endpoint_ends_with_its_status(
    sagemaker: Any, role: str, put: Make, create_endpoint: Make, waiter: str
) -> None:
    model = make_model(sagemaker, role, put("waited/model.tar.gz", b"not an archive"))
    name = create_endpoint(make_config(sagemaker, model))["EndpointName"]

    error = failure(sagemaker, waiter, EndpointName=name)

    assert error.kwargs["reason"] == (
        'Waiter encountered a terminal failure state: For expression "EndpointStatus" we matched expected path: '
        '"Failed"'
    )
    assert "waited/model.tar.gz" in error.last_response["FailureReason"]


def test_an_endpoint_that_is_not_there_is_deleted(sagemaker: Any) -> None:
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName="none", WaiterConfig=FAST)


@pytest.mark.parametrize("sort_order", ["Ascending", "Descending"])
def test_a_paginator_goes_on_from_where_another_ended(sagemaker: Any, role: str, sort_order: str) -> None:
    model, prefix = unique("model"), unique("paged")
    sagemaker.create_model(ModelName=model, PrimaryContainer={"Image": XGBOOST}, ExecutionRoleArn=role)
    variant = {"VariantName": "v", "ModelName": model, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    for number in range(5):
        sagemaker.create_endpoint_config(EndpointConfigName=f"{prefix}-{number}", ProductionVariants=[variant])
    paginator = sagemaker.get_paginator("list_endpoint_configs")

    def numbers(**paging: Any) -> tuple[str, str | None]:
        pages = paginator.paginate(NameContains=prefix, SortOrder=sort_order, PaginationConfig={"PageSize": 2} | paging)
        found = pages.build_full_result()
        names = "".join(config["EndpointConfigName"][-1] for config in found["EndpointConfigs"])
        return names, found.get("NextToken")

    first, token = numbers(MaxItems=3)

    assert first + numbers(StartingToken=token)[0] == ("01234" if sort_order == "Ascending" else "43210")
