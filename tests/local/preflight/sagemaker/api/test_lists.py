"""Lists filter, sort and page as AWS's do, also while what they list changes."""

import random
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.local.conftest import XGBOOST, Make, make_config, make_role, refusal, unique


class Models:
    """The models of an account of their own, in the order in which they were made."""

    def __init__(self, client: Make) -> None:
        account = f"{random.randrange(10**11, 10**12)}"
        self.sagemaker = client("sagemaker", account=account)
        self._role = make_role(client("iam", account=account), "sagemaker.amazonaws.com")
        self.prefix = unique("List")

    def make(self, name: str) -> str:
        full = f"{self.prefix}-{name}"
        self.sagemaker.create_model(ModelName=full, PrimaryContainer={"Image": XGBOOST}, ExecutionRoleArn=self._role)
        return full

    def delete(self, name: str) -> None:
        self.sagemaker.delete_model(ModelName=f"{self.prefix}-{name}")

    def page(self, **request: Any) -> tuple[list[str], str | None]:
        """The ends of the names on one page, and the token of the next."""
        answer = self.sagemaker.list_models(**request)
        return [model["ModelName"].rpartition("-")[2] for model in answer["Models"]], answer.get("NextToken")


@pytest.fixture
def models(client: Make) -> Models:
    return Models(client)


@pytest.fixture(scope="module")
def three(client: Make) -> Models:
    models = Models(client)
    for name in ("b", "C", "a"):
        models.make(name)
    return models


@pytest.mark.parametrize(
    ("request_", "names"),
    [
        ({}, "aCb"),
        ({"SortBy": "CreationTime"}, "aCb"),
        ({"SortOrder": "Ascending"}, "bCa"),
        ({"SortBy": "Name", "SortOrder": "Ascending"}, "Cab"),
        ({"SortBy": "Name"}, "baC"),
    ],
)
def test_the_newest_come_first_unless_asked_otherwise(three: Models, request_: dict[str, str], names: str) -> None:
    assert three.page(**request_) == (list(names), None)


def test_names_are_found_whatever_their_case(three: Models) -> None:
    assert three.page(NameContains=f"{three.prefix}-c".upper()) == (["C"], None)
    assert three.page(NameContains=f"{three.prefix}-d") == ([], None)


def test_times_filter_on_both_sides(three: Models) -> None:
    names = [f"{three.prefix}-{name}" for name in ("b", "C", "a")]
    times = [three.sagemaker.describe_model(ModelName=name)["CreationTime"] for name in names]
    hour = timedelta(hours=1)

    assert three.page(CreationTimeAfter=times[0] - hour, CreationTimeBefore=times[2] + hour)[0] == ["a", "C", "b"]
    assert three.page(CreationTimeAfter=times[2] + hour) == ([], None)
    assert three.page(CreationTimeBefore=times[0] - hour) == ([], None)


def test_ten_come_on_a_page_unless_asked_otherwise(models: Models) -> None:
    for place in range(11):
        models.make(f"{place}")

    names, token = models.page()
    assert (len(names), token is None) == (10, False)
    assert models.page(NextToken=token) == (["0"], None)
    assert len(models.page(MaxResults=11)[0]) == 11


def test_pages_skip_and_repeat_nothing_while_rows_come_and_go(models: Models) -> None:
    for name in "abcdef":
        models.make(name)
    first, token = models.page(MaxResults=2)

    models.delete(first[-1])  # the row the token names
    models.delete("c")
    models.make("g")
    rest, token = models.page(MaxResults=2, NextToken=token)

    assert (first, rest) == (["f", "e"], ["d", "b"])
    assert models.page(MaxResults=2, NextToken=token) == (["a"], None)


def test_a_name_is_looked_for_on_each_page_of_its_own_as_aws_does(models: Models) -> None:
    for name in ("wanted", "other", "another"):
        models.make(name)

    pages = [models.page(NameContains="wanted", MaxResults=2)]
    pages.append(models.page(NameContains="wanted", MaxResults=2, NextToken=pages[0][1]))

    assert [names for names, _ in pages] == [[], ["wanted"]]
    assert pages[1][1] is None


def test_a_token_is_good_for_its_own_list_and_order_only(three: Models) -> None:
    _, token = three.page(MaxResults=1)
    sagemaker = three.sagemaker

    for call, request in (
        (sagemaker.list_models, {"NextToken": token, "SortBy": "Name"}),
        (sagemaker.list_models, {"NextToken": token, "SortOrder": "Ascending"}),
        (sagemaker.list_endpoint_configs, {"NextToken": token}),
        (sagemaker.list_models, {"NextToken": "bWFkZSB1cA=="}),
    ):
        code, message = refusal(call, **request)
        assert (code, "NextToken" in message) == ("ValidationException", True), message
    assert three.page(NextToken="")[0] == ["a", "C", "b"]


@pytest.mark.parametrize("operation", ["list_training_jobs", "list_models", "list_endpoint_configs", "list_endpoints"])
def test_max_results_has_bounds(sagemaker: Any, operation: str) -> None:
    code, message = refusal(getattr(sagemaker, operation), MaxResults=101)

    assert (code, "Member must have value less than or equal to 100" in message) == ("ValidationException", True)


def test_endpoints_filter_by_status_and_modification(sagemaker: Any, model: str, create_endpoint: Make) -> None:
    endpoint = create_endpoint(make_config(sagemaker, model))
    name, modified = endpoint["EndpointName"], endpoint["LastModifiedTime"]
    hour = timedelta(hours=1)

    def found(**request: Any) -> list[str]:
        return [
            row["EndpointName"]
            for row in sagemaker.list_endpoints(NameContains=name, MaxResults=100, **request)["Endpoints"]
        ]

    assert found(StatusEquals="InService", SortBy="Status") == [name]
    assert found(StatusEquals="Failed") == []
    assert found(LastModifiedTimeAfter=modified - hour, LastModifiedTimeBefore=modified + hour) == [name]
    assert found(LastModifiedTimeAfter=modified + hour) == []
    assert found(LastModifiedTimeBefore=modified - hour) == []


@pytest.fixture
def crowd(client: Make, role: str) -> Iterator[list[tuple[Any, str]]]:
    """Two accounts and two regions, each with a client and a role."""
    other = "222222222222"
    their_role = make_role(client("iam", account=other), "sagemaker.amazonaws.com")
    yield [
        (client("sagemaker"), role),
        (client("sagemaker", region="eu-west-1"), role),
        (client("sagemaker", account=other), their_role),
    ]


def test_hundreds_of_calls_at_once_neither_lose_nor_mix(crowd: list[tuple[Any, str]]) -> None:
    prefix, count = unique("crowd"), 40
    images = {
        "us-east-1": XGBOOST,
        "eu-west-1": "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:3.2-0",
    }
    problems: list[Any] = []

    def work(sagemaker: Any, role: str, numbers: range) -> None:
        region = sagemaker.meta.region_name
        try:
            for number in numbers:
                name, tag = f"{prefix}-{number}", {"Key": "who", "Value": f"{role}{region}{number}"}
                arn = sagemaker.create_model(
                    ModelName=name,
                    PrimaryContainer={"Image": images[region], "Environment": {"WHO": tag["Value"]}},
                    ExecutionRoleArn=role,
                    Tags=[tag],
                )["ModelArn"]
                described = sagemaker.describe_model(ModelName=name)
                assert described["PrimaryContainer"]["Environment"] == {"WHO": tag["Value"]}
                assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [tag]
                sagemaker.list_models(NameContains=prefix)
        except Exception as problem:
            problems.append(problem)

    threads = [
        threading.Thread(target=work, args=(*member, range(start, count, 4))) for member in crowd for start in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert problems == []
    for sagemaker, _ in crowd:
        pages = sagemaker.get_paginator("list_models").paginate(NameContains=prefix, PaginationConfig={"PageSize": 7})
        names = [model["ModelName"] for page in pages for model in page["Models"]]
        assert sorted(names) == sorted(f"{prefix}-{number}" for number in range(count))


def test_another_account_or_region_does_not_reach_an_endpoint(
    client: Make, sagemaker: Any, model: str, create_endpoint: Make
) -> None:
    name = create_endpoint(make_config(sagemaker, model))["EndpointName"]

    for account, region in (("222222222222", "us-east-1"), ("000000000000", "eu-west-1")):
        runtime = client("sagemaker-runtime", account=account, region=region)
        code, message = refusal(runtime.invoke_endpoint, EndpointName=name, Body=b"1,2")
        assert (code, message) == ("ValidationError", f"Endpoint {name} of account {account} not found.")
        assert client("sagemaker", account=account, region=region).list_endpoints(NameContains=name)["Endpoints"] == []
