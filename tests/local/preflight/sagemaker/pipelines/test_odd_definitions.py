"""Definitions that nobody means, and expressions that lead nowhere: refused, or a step that fails, and no more."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.local.conftest import Make, refusal, unique
from tests.local.preflight.sagemaker.api.test_property import JUNK, Json, fuzzed
from tests.local.preflight.sagemaker.pipelines.conftest import ALWAYS, compare, condition, fail, get

ODD: list[Any] = [
    *JUNK,
    *(
        {"Get": path}
        for path in (None, "", "Parameters", "Steps.Run", "Steps.Run.x[99999999999999999999]", "Execution.x")
    ),
    {"Get": "Parameters.Text", "x": 1},
    *({"Std:Join": value} for value in (None, {}, {"On": 1, "Values": []}, {"On": "", "Values": [[1, {"a": None}]]})),
    *({"Std:JsonGet": value} for value in ({}, {"PropertyFile": "x", "Path": "a"}, {"S3Uri": get("Parameters.Text")})),
    {"Std:Nothing": 1},
    "Condition",
    {"Type": "Not"},
]
REPORT = {"Std:JsonGet": {"PropertyFile": get("Steps.Run.PropertyFiles.Report"), "Path": "a.b[0]"}}
GOOD: dict[str, Any] = {
    "Version": "2020-12-01",
    "Parameters": [{"Name": "Text", "Type": "String", "DefaultValue": "a", "EnumValues": ["a"]}],
    "Steps": [
        {
            "Name": "Run",
            "Type": "Processing",
            "Arguments": {
                "AppSpecification": {"ImageUri": get("Parameters.Text")},
                "ProcessingInputs": [{"InputName": "x", "S3Input": {"S3Uri": "s3://b/k", "S3InputMode": "File"}}],
            },
            "PropertyFiles": [{"PropertyFileName": "Report", "OutputName": "out", "FilePath": "report.json"}],
            "CacheConfig": {"Enabled": True, "ExpireAfter": "P30D"},
            "RetryPolicies": [{"ExceptionType": ["Step.THROTTLING"], "IntervalSeconds": 1, "MaxAttempts": 3}],
        },
        {"Name": "Call", "Type": "Lambda", "Arguments": {"a": 1}, "FunctionArn": "arn", "DependsOn": ["Run"]},
        {"Name": "Ask", "Type": "Callback", "Arguments": {"a": 1}, "SqsQueueUrl": "url", "OutputParameters": []},
        {"Name": "Make", "Type": "Model", "Arguments": {"PrimaryContainer": {"Image": "image"}}},
        condition(
            "Check", compare("LessThan", REPORT, 1), {"Type": "Not", "Expression": ALWAYS}, then=[fail("Bad", "x")]
        ),
    ],
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield (*path, key)
        yield from places(value[key], (*path, key))


PLACES = list(places(GOOD))


@fuzzed
@given(changes=st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(ODD) | Json), min_size=1, max_size=3))
def test_a_definition_is_taken_or_refused_in_awss_way(sagemaker: Any, role: str, changes: list[Any]) -> None:
    definition = copy.deepcopy(GOOD)
    for path, odd in changes:
        change(definition, path, copy.deepcopy(odd))
    request = {"PipelineName": unique("odd"), "RoleArn": role, "PipelineDefinition": json.dumps(definition)}

    try:
        sagemaker.create_pipeline(**request)
    except sagemaker.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] in ("ValidationException", "UnsupportedByPreflight"), error
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    else:
        sagemaker.delete_pipeline(PipelineName=request["PipelineName"], ClientRequestToken="t" * 32)


def change(value: Any, path: tuple[Any, ...], odd: Any) -> None:
    """Put ``odd`` there, unless an earlier change has done away with the place."""
    for key in path[:-1]:
        if not isinstance(value, dict | list) or (isinstance(value, list) != isinstance(key, int)):
            return
        if key not in (value if isinstance(value, dict) else range(len(value))):
            return
        value = value[key]
    if isinstance(value, dict) or (isinstance(value, list) and path[-1] in range(len(value))):
        value[path[-1]] = odd


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[" * 200_000, "not JSON"),
        (json.dumps(GOOD).replace('"x"', "NaN"), "NaN"),
        (
            json.dumps({**GOOD, "Steps": [condition("A", ALWAYS, DependsOn=["B"]), condition("B", DependsOn=["A"])]}),
            "Cycle",
        ),
        (json.dumps({**GOOD, "Steps": [condition("A", ALWAYS, DependsOn=["A"])]}), "Cycle"),
        (
            json.dumps({**GOOD, "Steps": [{"Name": "A", "Type": "Model", "Arguments": get("Parameters.Text")}]}),
            "Arguments",
        ),
        (json.dumps({**GOOD, "Steps": [{"Name": "A", "Type": "Model", "Arguments": {"": 1}}]}), "member ''"),
    ],
)
def test_what_is_wrong_is_named(sagemaker: Any, role: str, text: str, word: str) -> None:
    code, message = refusal(
        sagemaker.create_pipeline, PipelineName=unique("odd"), RoleArn=role, PipelineDefinition=text
    )

    assert code == "ValidationException"
    assert word in message


def test_expressions_without_a_value_fail_their_steps_only(run: Make, bucket: str) -> None:
    """Every step starts at once, so that each comes to its own end."""
    json_get = [
        {"Std:JsonGet": {"S3Uri": uri, "Path": "a"}}
        for uri in (f"s3://{bucket}/none", "no uri", "s3://é/\U0001f600", 5)
    ]
    odd = [
        compare("LessThan", "a", 1),
        compare("LessThan", "a", True),
        compare("LessThan", True, False),
        compare("GreaterThan", [1], [0]),
        compare("LessThan", None, None),
        *(compare("Equals", value, 1) for value in json_get),
    ]
    many = {"Std:Join": {"On": ",", "Values": [[1, 2], {"a": "é"}, None, 1.5, True, "\U0001f600"]}}
    steps = [condition(f"Odd{place}", each) for place, each in enumerate(odd)]
    steps += [fail("Join", many), fail("List", ["é", None])]
    steps += [{"Name": "Call", "Type": "Lambda", "FunctionArn": ""}]
    steps += [
        {"Name": f"Job{place}", "Type": "Model", "Arguments": {"Tags": tags}}
        for place, tags in enumerate((5, {"a": 1}))
    ]
    steps += [{"Name": "Register", "Type": "RegisterModel", "Arguments": {"MetadataProperties": 5}}]

    _, ended = run(*steps)

    assert ended.keys() == {step["Name"] for step in steps}
    reasons = {name: step["FailureReason"] for name, step in ended.items()}
    assert reasons.pop("Join") == '[1, 2],{"a": "é"},null,1.5,true,\U0001f600'
    assert reasons.pop("List") == '["é", null]'
    assert all(reason.startswith("ClientError: ") for reason in reasons.values()), reasons


def test_two_hundred_steps_run(run: Make) -> None:
    steps = [condition(f"S{n}", ALWAYS, DependsOn=[f"S{n - 1}"] if n % 10 else []) for n in range(200)]

    execution, ended = run(*steps)

    assert execution["PipelineExecutionStatus"] == "Succeeded"
    assert len(ended) == 200
