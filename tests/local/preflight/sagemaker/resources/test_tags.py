"""Tags, on create and after: what AWS keeps, merges and refuses."""

from typing import Any

import pytest

from preflight.stack import Stack
from tests.local.conftest import XGBOOST, Make, refusal, unique
from tests.local.raw import call


@pytest.fixture(scope="module")
def make(sagemaker: Any, role: str) -> Make:
    """Makes a model; returns its ARN."""

    def make(**members: Any) -> str:
        arn: str = sagemaker.create_model(
            ModelName=unique("model"), PrimaryContainer={"Image": XGBOOST}, ExecutionRoleArn=role, **members
        )["ModelArn"]
        return arn

    return make


@pytest.fixture(scope="module")
def arn(make: Make) -> str:
    return make(Tags=[{"Key": "team", "Value": "a"}])  # type: ignore[no-any-return]


def test_adding_tags_answers_with_all_of_them(make: Make, sagemaker: Any) -> None:
    arn = make(Tags=[{"Key": "team", "Value": "a"}])
    added = [{"Key": "team", "Value": "b"}, {"Key": "empty", "Value": ""}, {"Key": "Team", "Value": "ä"}]

    assert sagemaker.add_tags(ResourceArn=arn, Tags=added)["Tags"] == added
    assert sagemaker.add_tags(ResourceArn=arn, Tags=[])["Tags"] == added


def test_deleting_takes_away_what_is_there(make: Make, sagemaker: Any) -> None:
    arn = make(Tags=[{"Key": "team", "Value": "a"}, {"Key": "stage", "Value": "b"}])

    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["team", "never-there"])

    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "stage", "Value": "b"}]


@pytest.mark.parametrize(
    "tags",
    [
        [{"Key": "aws:mine", "Value": "v"}],
        [{"Key": "AWS:mine", "Value": "v"}],
        [{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}],
        [{"Key": f"k{place}", "Value": "v"} for place in range(51)],
        [{"Key": "k*", "Value": "v"}],
        [{"Key": "k" * 129, "Value": "v"}],
        [{"Key": "k", "Value": "v" * 257}],
    ],
    ids=["reserved", "reserved in capitals", "twice", "too many", "odd character", "long key", "long value"],
)
def test_tags_that_aws_does_not_take_are_refused_on_create_and_after(
    make: Make, sagemaker: Any, arn: str, tags: list[dict[str, str]]
) -> None:
    assert refusal(sagemaker.add_tags, ResourceArn=arn, Tags=tags)[0] == "ValidationException"
    assert refusal(make, Tags=tags)[0] == "ValidationException"
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "a"}]


@pytest.mark.parametrize(
    "foreign",
    [
        "arn:aws:sagemaker:us-east-1:000000000000:model/none",
        "arn:aws:sagemaker:us-east-1:000000000000:app/d/u/t/n",
        "arn:aws:sagemaker:eu-west-1:000000000000:model/none",
        "arn:aws:sagemaker:us-east-1:111111111111:model/none",
    ],
)
def test_a_resource_that_is_not_there_has_no_tags(sagemaker: Any, foreign: str) -> None:
    for operation, request in (
        (sagemaker.list_tags, {}),
        (sagemaker.add_tags, {"Tags": [{"Key": "k", "Value": "v"}]}),
        (sagemaker.delete_tags, {"TagKeys": ["k"]}),
    ):
        code, message = refusal(operation, ResourceArn=foreign, **request)
        assert (code, foreign in message) == ("ValidationException", True)


def test_another_accounts_or_regions_caller_does_not_reach_a_resource(client: Make, arn: str) -> None:
    for other in (client("sagemaker", account="111111111111"), client("sagemaker", region="eu-west-1")):
        assert refusal(other.list_tags, ResourceArn=arn)[0] == "ValidationException"


def test_a_malformed_arn_breaks_the_models_constraint(sagemaker: Any) -> None:
    code, message = refusal(sagemaker.list_tags, ResourceArn="model/m")

    assert code == "ValidationException"
    assert message.startswith("1 validation error detected: Value 'model/m' at 'resourceArn' failed to satisfy")


def test_all_tags_come_at_once(stack: Stack, arn: str) -> None:
    assert call(stack.port, "ListTags", {"ResourceArn": arn, "MaxResults": 50})[1] == {
        "Tags": [{"Key": "team", "Value": "a"}]
    }
    for request in ({"MaxResults": 49}, {"NextToken": "x"}):
        status, answer = call(stack.port, "ListTags", {"ResourceArn": arn} | request)
        assert (status, answer["__type"]) == (400, "ValidationException")


def test_tags_go_with_their_resource(sagemaker: Any, role: str) -> None:
    request = {"ModelName": unique("model"), "PrimaryContainer": {"Image": XGBOOST}, "ExecutionRoleArn": role}
    arn = sagemaker.create_model(**request, Tags=[{"Key": "k", "Value": "v"}])["ModelArn"]
    sagemaker.delete_model(ModelName=request["ModelName"])

    assert refusal(sagemaker.list_tags, ResourceArn=arn)[0] == "ValidationException"
    sagemaker.create_model(**request)
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == []
