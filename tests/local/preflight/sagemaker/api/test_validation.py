"""Requests are checked as AWS checks them, before anything is done. Raw HTTP: boto3 would refuse some by itself."""

from typing import Any

import pytest

from preflight.stack import Stack
from tests.local.raw import call, send, signature

VARIANT = {"VariantName": "v", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


def violations(stack: Stack, operation: str, request: Any) -> list[str]:
    """What a ValidationException of the model says, one entry a violation."""
    status, answer = call(stack.port, operation, request)
    assert (status, answer["__type"]) == (400, "ValidationException"), answer
    count, _, rest = answer["message"].partition(": ")
    found: list[str] = rest.split("; Value ")
    assert count == f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected"
    return [found[0].removeprefix("Value "), *found[1:]]


def test_required_members_are_named_in_the_models_order(stack: Stack) -> None:
    assert violations(stack, "CreateTrainingJob", {"AlgorithmSpecification": {}}) == [
        f"null at '{path}' failed to satisfy constraint: Member must not be null"
        for path in (
            "trainingJobName",
            "algorithmSpecification.trainingInputMode",
            "roleArn",
            "outputDataConfig",
        )
    ]


@pytest.mark.parametrize("null", [{"ModelName": None}, {}], ids=["null", "absent"])
def test_null_is_absent(stack: Stack, null: dict[str, None]) -> None:
    assert violations(stack, "DescribeModel", null) == [
        "null at 'modelName' failed to satisfy constraint: Member must not be null"
    ]


def test_a_name_too_long_and_of_the_wrong_form_breaks_two_constraints(stack: Stack) -> None:
    name = "a_" * 40

    assert violations(stack, "DescribeTrainingJob", {"TrainingJobName": name}) == [
        f"'{name}' at 'trainingJobName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
        f"'{name}' at 'trainingJobName' failed to satisfy constraint: Member must have length less than or equal to 63",
    ]


def test_numbers_have_ranges(stack: Stack) -> None:
    variant = VARIANT | {"InitialInstanceCount": 0, "InitialVariantWeight": -0.5, "VolumeSizeInGB": 513}

    assert violations(
        stack, "CreateEndpointConfig", {"EndpointConfigName": "c", "ProductionVariants": [VARIANT, variant]}
    ) == [
        "'0' at 'productionVariants.2.member.initialInstanceCount' failed to satisfy constraint: "
        "Member must have value greater than or equal to 1",
        "'-0.5' at 'productionVariants.2.member.initialVariantWeight' failed to satisfy constraint: "
        "Member must have value greater than or equal to 0",
        "'513' at 'productionVariants.2.member.volumeSizeInGB' failed to satisfy constraint: "
        "Member must have value less than or equal to 512",
    ]


def test_an_enum_prints_its_values(stack: Stack) -> None:
    assert violations(stack, "ListEndpoints", {"SortOrder": "Sideways", "MaxResults": 101}) == [
        "'Sideways' at 'sortOrder' failed to satisfy constraint: "
        "Member must satisfy enum value set: [Ascending, Descending]",
        "'101' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 100",
    ]


def test_a_map_is_printed_whole_with_every_constraint_of_its_values(stack: Stack) -> None:
    request = {"TrainingJobName": "j", "HyperParameters": {"a": "b", "big": "x" * 2501}, "RoleArn": "r" * 30}

    found = violations(stack, "CreateTrainingJob", request)

    # As AWS prints it: aws-samples/amazon-sagemaker-pytorch-detectron2 issue 10.
    assert found[0] == (
        f"'{{a=b, big={'x' * 2501}}}' at 'hyperParameters' failed to satisfy constraint: Map value must satisfy "
        "constraint: [Member must have length less than or equal to 2500, Member must have length greater than or "
        "equal to 0, Member must satisfy regular expression pattern: .*]"
    )
    assert "at 'roleArn' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:" in found[1]


def test_a_maps_keys_are_checked_too(stack: Stack) -> None:
    found = violations(stack, "CreateTrainingJob", {"TrainingJobName": "j", "Environment": {"not-a-name": "v"}})

    assert any("at 'environment' failed to satisfy constraint: Map keys must satisfy constraint: [" in v for v in found)


def test_a_list_of_plain_values_is_one_value(stack: Stack) -> None:
    request = {"ResourceArn": "arn:aws:sagemaker:us-east-1:000000000000:model/m", "TagKeys": ["fine", "", "a*b"]}

    assert violations(stack, "DeleteTags", request) == [
        "'[fine, , a*b]' at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: "
        "[Member must have length less than or equal to 128, Member must have length greater than or equal to 1, "
        "Member must satisfy regular expression pattern: ([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*), Member must not be null]"
    ]


def test_an_empty_list_is_too_short(stack: Stack) -> None:
    found = violations(stack, "CreateEndpointConfig", {"EndpointConfigName": "c", "ProductionVariants": []})

    assert found == [
        "'[]' at 'productionVariants' failed to satisfy constraint: Member must have length greater than or equal to 1"
    ]


def test_a_null_among_structures_is_named_by_its_place(stack: Stack) -> None:
    found = violations(
        stack, "CreateEndpointConfig", {"EndpointConfigName": "c", "ProductionVariants": [VARIANT, None]}
    )

    assert found == [
        "null at 'productionVariants.2.member' failed to satisfy constraint: Member must not be null",
    ]


@pytest.mark.parametrize("value", ["two\nlines", "two\rlines", "two\u2028lines"])
def test_a_line_end_is_no_character_to_a_dot(stack: Stack, value: str) -> None:
    found = violations(stack, "CreateTrainingJob", {"TrainingJobName": "j", "HyperParameters": {"a": value}})

    assert found[0].startswith(f"'{{a={value}}}' at 'hyperParameters' failed to satisfy constraint: Map value must")


@pytest.mark.parametrize(
    ("operation", "request_", "message"),
    [
        ("ListModels", {"MaxResults": "10"}, "STRING_VALUE can not be converted to an Integer"),
        ("ListModels", {"MaxResults": True}, "TRUE_VALUE can not be converted to an Integer"),
        ("ListModels", {"MaxResults": [1]}, "Start of list found where not expected"),
        ("ListModels", {"MaxResults": {"a": 1}}, "Start of structure or map found where not expected."),
        ("DescribeModel", {"ModelName": 1}, "NUMBER_VALUE can not be converted to a String"),
        ("DescribeModel", {"ModelName": False}, "FALSE_VALUE can not be converted to a String"),
        ("DescribeModel", {"ModelName": ["m"]}, "Start of list found where not expected"),
        ("DescribeModel", [], "Start of list found where not expected"),
        ("CreateModel", {"PrimaryContainer": "x"}, "Expected null"),
        ("CreateModel", {"PrimaryContainer": {"Environment": []}}, "Start of list found where not expected"),
        ("CreateModel", {"EnableNetworkIsolation": "maybe"}, "STRING_VALUE can not be converted to an Boolean"),
        ("CreateEndpointConfig", {"ProductionVariants": "v"}, "Expected list or null"),
        ("CreateEndpointConfig", {"ProductionVariants": [1]}, "Expected null"),
        ("DeleteTags", {"TagKeys": [1]}, "NUMBER_VALUE can not be converted to a String"),
    ],
)
def test_a_value_of_another_type_is_refused_before_any_constraint(
    stack: Stack, operation: str, request_: Any, message: str
) -> None:
    assert call(stack.port, operation, request_) == (
        400,
        {"__type": "SerializationException", "message": message},
    )


def test_a_member_that_only_newer_clients_know_is_refused_by_name(stack: Stack) -> None:
    request = {"EndpointConfigName": "c", "ProductionVariants": [{"VariantName": "v", "NewerThanThis": {"deep": [1]}}]}

    status, answer = call(stack.port, "CreateEndpointConfig", request)

    assert (status, answer["__type"]) == (501, "UnsupportedByPreflight")
    assert answer["message"] == "NewerThanThis of ProductionVariant is not supported by Preflight yet."


def test_words_can_be_booleans(stack: Stack) -> None:
    status, answer = call(stack.port, "CreateModel", {"ModelName": "m", "EnableNetworkIsolation": "TRUE"})
    assert (status, answer["__type"]) == (400, "ValidationException")  # of what is missing, not of the word


NOT_A_REQUEST = {
    "nothing": b"",
    "null": b"null",
    "a number": b"1",
    "a string": b'"x"',
    "half an object": b"{",
    "a comma too many": b'{"NameContains": "m",}',
    "not a number": b'{"MaxResults": NaN}',
    "not UTF-8": b'{"NameContains": "\xff"}',
    "half a surrogate pair": b'{"NameContains": "\\ud800"}',
    "a null character": b'{"NameContains": "\\u0000"}',
    "deep": b"[" * 100_000,
    "deep and closed": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a long number": b'{"MaxResults": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("body", NOT_A_REQUEST.values(), ids=NOT_A_REQUEST)
def test_a_body_that_is_not_a_json_object_is_refused(stack: Stack, body: bytes) -> None:
    status, answer = call(stack.port, "ListModels", body)

    assert (status, answer["__type"], bool(answer["message"])) == (400, "SerializationException", True)


@pytest.mark.parametrize(
    ("method", "path", "target"),
    [
        ("POST", "/", "SageMaker.Nope"),
        ("POST", "/", "SageMaker"),
        ("POST", "/", "AmazonSageMaker.ListModels"),
        ("GET", "/", "SageMaker.ListModels"),
        ("POST", "/other", "SageMaker.ListModels"),
        ("POST", "/", ""),
        ("GET", "/endpoints/e/invocations", ""),
    ],
)
def test_what_names_no_operation_is_an_unknown_operation(stack: Stack, method: str, path: str, target: str) -> None:
    headers = {"Authorization": signature(), "Content-Type": "application/x-amz-json-1.1"}

    status, _, body = send(stack.port, method, path, b"{}", headers | ({"X-Amz-Target": target} if target else {}))

    assert (status, b'"__type": "UnknownOperationException"' in body) == (400, True), body


@pytest.mark.parametrize("header", [{"Content-Type": "text/plain"}, {"Authorization": "garbage"}, {"Accept": "text/x"}])
def test_other_headers_do_not_matter(stack: Stack, header: dict[str, str]) -> None:
    status, answer = call(stack.port, "ListModels", {}, **{name.replace("-", "_"): v for name, v in header.items()})

    assert (status, "Models" in answer) == (200, True)


@pytest.mark.parametrize(
    ("path", "headers", "message"),
    [
        ("under_score", {}, "at 'endpointName' failed to satisfy constraint: Member must satisfy regular expression"),
        ("e", {"X-Amzn-SageMaker-Target-Variant": "a_b"}, "Value 'a_b' at 'targetVariant' failed to satisfy"),
        ("e", {"X-Amzn-SageMaker-Inference-Id": ""}, "Member must have length greater than or equal to 1"),
        ("e", {"Content-Type": "x" * 1025}, "Member must have length less than or equal to 1024"),
    ],
)
def test_the_runtimes_headers_are_checked_too(stack: Stack, path: str, headers: dict[str, str], message: str) -> None:
    headers = {"Authorization": signature()} | headers

    status, answered, body = send(stack.port, "POST", f"/endpoints/{path}/invocations", b"1", headers)

    assert (status, answered["x-amzn-errortype"], message in body.decode()) == (400, "ValidationError", True), body


def test_a_pattern_may_have_javas_pairs_of_characters(stack: Stack) -> None:
    catalog = {"Catalog": "\x01", "Database": "d", "QueryString": "q", "OutputS3Uri": "s3://b", "OutputFormat": "ORC"}
    definition = {"InputName": "i", "DatasetDefinition": {"AthenaDatasetDefinition": catalog}}

    status, answer = call(stack.port, "CreateProcessingJob", {"ProcessingInputs": [definition]})

    assert (status, answer["__type"]) == (400, "ValidationException")
    assert "athenaDatasetDefinition.catalog' failed to satisfy constraint" in answer["message"]
