"""Search: operators, nested filters, subexpressions, order, pages, tags, and what AWS refuses."""

from typing import Any

import pytest

from preflight.stack import Stack
from tests.local.conftest import Make, refusal, unique
from tests.local.raw import call


class Searcher:
    """Searches among the resources that one test has made: those with ``mark`` in a tag."""

    def __init__(self, sagemaker: Any, resource: str, name: str, mark: str) -> None:
        self._sagemaker, self._resource, self._name, self._mark = sagemaker, resource, name, mark

    def __call__(self, *filters: tuple[str, ...], **members: Any) -> list[str]:
        """The names of those that pass all ``filters``: name, operator, value."""
        return [each[self._name] for each in self.records(*filters, **members)]

    def records(self, *filters: tuple[str, ...], **members: Any) -> list[dict[str, Any]]:
        expression = {"Filters": [_filter("Tags.mark", "Equals", self._mark), *(_filter(*each) for each in filters)]}
        answer = self._sagemaker.search(
            Resource=self._resource, SearchExpression=expression, SortBy="CreationTime", MaxResults=100, **members
        )
        assert answer["TotalHits"] == {"Value": len(answer["Results"]), "Relation": "EqualTo"}
        return [each[self._resource] for each in answer["Results"]]


def _filter(name: str, operator: str, value: str | None = None) -> dict[str, str]:
    return {"Name": name, "Operator": operator} | ({} if value is None else {"Value": value})


@pytest.fixture(scope="module")
def mark() -> str:
    return unique("mark")


@pytest.fixture(scope="module")
def jobs(train: Make, mark: str) -> list[str]:
    """Two training jobs, the second with a smaller learning rate and another channel."""
    names = []
    for rate, color in (("0.5", "red"), ("0.05", "blue")):
        parameters = {"predictor_type": "binary_classifier", "feature_dim": "2", "epochs": "2", "learning_rate": rate}
        tags = [{"Key": "mark", "Value": mark}, {"Key": "color", "Value": color}]
        job = train(hyperparameters=parameters, Tags=tags)
        assert job["TrainingJobStatus"] == "Completed", job
        names.append(job["TrainingJobName"])
    return names


@pytest.fixture(scope="module")
def search_jobs(sagemaker: Any, mark: str, jobs: list[str]) -> Searcher:
    return Searcher(sagemaker, "TrainingJob", "TrainingJobName", mark)


def test_filters_compare_as_aws_has_it(search_jobs: Searcher, jobs: list[str], sagemaker: Any) -> None:
    first, second = jobs
    created, later = (  # in the same second, where the machine is quick
        sagemaker.describe_training_job(TrainingJobName=job)["CreationTime"].replace(microsecond=0) for job in jobs
    )
    accuracy = "Metrics.train:binary_classification_accuracy"

    expected: list[tuple[tuple[str, ...], list[str]]] = [
        (("TrainingJobName", "Equals", first), [first]),
        (("TrainingJobName", "NotEquals", first), [second]),
        (("TrainingJobName", "Contains", first[4:]), [first]),
        (("TrainingJobName", "In", f"{first}, none"), [first]),
        (("TrainingJobStatus", "Equals", "Completed"), [second, first]),
        (("Tags.color", "Equals", "blue"), [second]),
        (("Tags.color", "Exists"), [second, first]),
        (("Tags.none", "NotExists"), [second, first]),
        (("HyperParameters.learning_rate", "LessThan", "0.2"), [second]),
        (("HyperParameters.learning_rate", "LessThan", "1"), [second, first]),
        (("HyperParameters.predictor_type", "Equals", "binary_classifier"), [second, first]),
        ((accuracy, "GreaterThan", "0.2"), [second, first]),
        ((accuracy, "GreaterThan", "1.5"), []),
        (("ResourceConfig.InstanceCount", "GreaterThanOrEqualTo", "1"), [second, first]),
        (("InputDataConfig.ChannelName", "Equals", "train"), [second, first]),
        (
            ("CreationTime", "LessThanOrEqualTo", created.strftime("%Y-%m-%dT%H:%M:%S")),
            [second, first][created < later :],
        ),
        (("CreationTime", "GreaterThan", "2001-01-01T00:00:00"), [second, first]),
    ]
    assert {asked: search_jobs(asked) for asked, _ in expected} == dict(expected)


def test_results_are_what_describe_answers_with_the_tags(
    search_jobs: Searcher, jobs: list[str], sagemaker: Any
) -> None:
    found = search_jobs.records(("TrainingJobName", "Equals", jobs[0]))[0]
    described = sagemaker.describe_training_job(TrainingJobName=jobs[0])

    assert {"Key": "color", "Value": "red"} in found.pop("Tags")
    assert found == {key: described[key] for key in found}
    assert {"ModelArtifacts", "FinalMetricDataList", "HyperParameters"} <= found.keys()


def test_expressions_are_combined_and_nested(sagemaker: Any, jobs: list[str]) -> None:
    first, second = jobs
    channel = [
        _filter("InputDataConfig.ChannelName", "Equals", "train"),
        _filter("InputDataConfig.DataSource.S3DataSource.S3Uri", "Contains", "train.csv"),
    ]
    nested = {"NestedPropertyName": "InputDataConfig", "Filters": channel}
    either = {"Filters": [_filter("TrainingJobName", "Equals", name) for name in jobs], "Operator": "Or"}

    def search(expression: dict[str, Any]) -> list[str]:
        answer = sagemaker.search(Resource="TrainingJob", SearchExpression=expression, SortBy="CreationTime")
        return [each["TrainingJob"]["TrainingJobName"] for each in answer["Results"]]

    assert search({"SubExpressions": [either], "NestedFilters": [nested]}) == [second, first]
    blue = {"Filters": [_filter("Tags.color", "Equals", "blue")]}
    assert search({"SubExpressions": [either, blue]}) == [second]
    other = {**nested, "Filters": [channel[1], _filter("InputDataConfig.ChannelName", "Equals", "test")]}
    assert search({"SubExpressions": [either], "NestedFilters": [other]}) == []


def test_pages_follow_each_other_in_the_order_asked_for(sagemaker: Any, register: Make, group: str) -> None:
    arns = [register() for _ in range(5)]
    request = {
        "Resource": "ModelPackage",
        "SearchExpression": {"Filters": [_filter("ModelPackageGroupName", "Equals", group)]},
        "SortBy": "ModelPackageVersion",
        "SortOrder": "Ascending",
    }

    pages = [page["Results"] for page in sagemaker.get_paginator("search").paginate(**request, MaxResults=2)]

    assert [[each["ModelPackage"]["ModelPackageArn"] for each in page] for page in pages] == [
        arns[:2],
        arns[2:4],
        arns[4:],
    ]
    token = sagemaker.search(**request, MaxResults=2)["NextToken"]
    refused = refusal(sagemaker.search, **request | {"SortOrder": "Descending"}, NextToken=token)
    assert refused[0] == "ValidationException"


def test_every_kind_that_is_here_is_found(sagemaker: Any, role: str, model: str, group: str) -> None:
    found = sagemaker.search(
        Resource="ModelPackageGroup",
        SearchExpression={"Filters": [_filter("ModelPackageGroupName", "Equals", group)]},
    )["Results"]
    assert [each["ModelPackageGroup"]["ModelPackageGroupName"] for each in found] == [group]
    found = sagemaker.search(
        Resource="Model", SearchExpression={"Filters": [_filter("Model.ModelName", "Equals", model)]}
    )["Results"]
    assert found[0]["Model"]["Model"]["PrimaryContainer"]["Image"]
    assert "Results" in sagemaker.search(Resource="Endpoint")
    assert refusal(sagemaker.search, Resource="FeatureGroup")[0] == "UnsupportedByPreflight"


def test_what_aws_refuses_is_refused(sagemaker: Any, stack: Stack) -> None:
    def refused(*filters: dict[str, str], **members: Any) -> tuple[str, str]:
        return refusal(sagemaker.search, Resource="TrainingJob", SearchExpression={"Filters": list(filters), **members})

    assert refused(_filter("Nothing", "Equals", "1")) == ("ValidationException", "Unknown property name: Nothing")
    twice = _filter("TrainingJobName", "Contains", "a")
    assert refused(twice, twice) == ("ValidationException", "'CONTAINS' operator usage limit of 1 exceeded.")
    for bad in (
        _filter("CreationTime", "Equals", "yesterday"),
        _filter("TrainingJobName", "GreaterThan", "a"),
        _filter("ResourceConfig.InstanceCount", "Equals", "one"),
        _filter("CreationTime", "Contains", "2"),
        _filter("TrainingJobName", "Equals"),
    ):
        assert refused(bad)[0] == "ValidationException", bad
    assert refusal(sagemaker.search, Resource="TrainingJob", SortBy="Nothing")[0] == "ValidationException"
    expression: dict[str, Any] = {"Filters": [_filter("TrainingJobName", "Equals", "a")]}
    for _ in range(60):
        expression = {"SubExpressions": [expression]}
    assert refusal(sagemaker.search, Resource="TrainingJob", SearchExpression=expression)[0] == "ValidationException"
    for _ in range(900):
        expression = {"SubExpressions": [expression]}
    status, answer = call(stack.port, "Search", {"Resource": "TrainingJob", "SearchExpression": expression})
    assert (status, answer["__type"]) == (400, "SerializationException")


def test_suggestions_name_the_properties_there_are(sagemaker: Any, jobs: list[str]) -> None:
    def suggested(hint: str) -> list[str]:
        query = {"PropertyNameQuery": {"PropertyNameHint": hint}}
        answer = sagemaker.get_search_suggestions(Resource="TrainingJob", SuggestionQuery=query)
        return [each["PropertyName"] for each in answer["PropertyNameSuggestions"]]

    assert "HyperParameters.learning_rate" in suggested("HyperParameters.l")
    assert "Tags.color" in suggested("Tags.c")
    assert suggested("TrainingJobNa") == ["TrainingJobName"]
