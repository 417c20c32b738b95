"""Each condition operator of "IAM JSON policy elements: Condition operators", met and not met."""

import json
from typing import Any

import pytest

from preflight.iam.conditions import parse_conditions, values_of
from preflight.iam.errors import MalformedPolicy
from preflight.iam.policy import read_policy

FUNCTION = "arn:aws:lambda:eu-west-1:111111111111:function:f"


def holds(condition: dict[str, Any], **keys: Any) -> bool:
    context = values_of({name.replace("__", ":"): value for name, value in keys.items()})
    return all(each.holds(context) for each in parse_conditions(condition, has_variables=True))


@pytest.mark.parametrize(
    ("operator", "wanted", "met", "not_met"),
    [
        ("StringEquals", "a*", "a*", "ab"),
        ("StringEquals", ["a", "b"], "b", "c"),
        ("StringNotEquals", ["a", "b"], "c", "b"),
        ("StringEqualsIgnoreCase", "True", "tRUE", "false"),
        ("StringNotEqualsIgnoreCase", "True", "false", "TRUE"),
        ("StringLike", "a?c*", "abcde", "ac"),
        ("StringLike", "a", "a", "A"),
        ("StringNotLike", "a*", "b", "ab"),
        ("NumericEquals", "10", "10.0", "11"),
        ("NumericNotEquals", 10, "11", "10"),
        ("NumericLessThan", "10", "9", "10"),
        ("NumericLessThanEquals", "10", "10", "10.5"),
        ("NumericGreaterThan", "10", "11", "10"),
        ("NumericGreaterThanEquals", "10", "10", "many"),
        ("DateEquals", "2026-01-01T00:00:00Z", "1767225600", "1767225601"),
        ("DateNotEquals", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "1767225600"),
        ("DateLessThan", "2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z"),
        ("DateLessThanEquals", "2026-01-01", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"),
        ("DateGreaterThan", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z", "2026-01-01T01:00:00+02:00"),
        ("DateGreaterThanEquals", "1767225600", "2026-01-01T00:00:00Z", "2025-01-01T00:00:00Z"),
        ("Bool", True, "true", "false"),
        ("Bool", "false", "False", "true"),
        ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", "binary"),
        ("IpAddress", "203.0.113.0/24", "203.0.113.7", "203.0.114.7"),
        ("IpAddress", "2001:db8::/32", "2001:db8::1", "203.0.113.7"),
        ("NotIpAddress", "203.0.113.0/24", "203.0.114.7", "203.0.113.7"),
        ("ArnEquals", FUNCTION, FUNCTION, f"{FUNCTION}g"),
        ("ArnLike", "arn:aws:lambda:*:*:function:*", f"{FUNCTION}:1", "arn:aws:lambda:x:function:f"),
        ("ArnNotEquals", FUNCTION, f"{FUNCTION}g", FUNCTION),
        ("ArnNotLike", "arn:aws:s3:::*", FUNCTION, "arn:aws:s3:::b/k"),
        ("StringEquals", "${aws:username}", "ann", "bob"),
        ("StringLike", "${aws:username}/*", "ann/x", "bob/x"),
    ],
)
def test_operators(operator: str, wanted: object, met: str, not_met: str) -> None:
    assert holds({operator: {"aws:key": wanted}}, aws__key=met, aws__username="ann")
    assert not holds({operator: {"AWS:Key": wanted}}, aws__key=not_met, aws__username="ann")


@pytest.mark.parametrize("positive", ["StringEquals", "StringLike", "NumericEquals", "DateEquals", "Bool", "ArnLike"])
def test_a_missing_key_fails_unless_the_operator_lets_it_be(positive: str) -> None:
    assert not holds({positive: {"aws:key": "1"}})
    assert holds({f"{positive}IfExists": {"aws:key": "1"}})


@pytest.mark.parametrize("negated", ["StringNotEquals", "StringNotLike", "NumericNotEquals", "ArnNotLike"])
def test_a_missing_key_is_different_from_every_value(negated: str) -> None:
    assert holds({negated: {"aws:key": "1"}})


def test_null_asks_whether_the_key_is_there() -> None:
    assert holds({"Null": {"aws:key": "true"}})
    assert not holds({"Null": {"aws:key": "true"}}, aws__key="x")
    assert holds({"Null": {"aws:key": False}}, aws__key="x")


@pytest.mark.parametrize(
    ("operator", "values", "is_met"),
    [
        ("ForAllValues:StringEquals", ["a", "b"], True),
        ("ForAllValues:StringEquals", ["a", "c"], False),
        ("ForAllValues:StringEquals", [], True),
        ("ForAnyValue:StringEquals", ["a", "c"], True),
        ("ForAnyValue:StringEquals", ["c", "d"], False),
        ("ForAnyValue:StringEquals", [], False),
        ("ForAllValues:StringNotEquals", ["c", "d"], True),
        ("ForAllValues:StringNotEquals", ["a", "c"], False),
        ("ForAnyValue:StringNotEquals", ["a", "c"], True),
        ("ForAnyValue:StringLikeIfExists", ["c"], False),
    ],
)
def test_sets_of_values(operator: str, values: list[str], is_met: bool) -> None:
    assert holds({operator: {"aws:TagKeys": ["a", "b"]}}, aws__TagKeys=values) is is_met


def test_all_operators_and_keys_must_hold() -> None:
    both = {"StringEquals": {"aws:one": "1", "aws:two": "2"}, "Bool": {"aws:three": "true"}}

    assert holds(both, aws__one="1", aws__two="2", aws__three="true")
    assert not holds(both, aws__one="1", aws__two="2", aws__three="false")
    assert not holds(both, aws__one="1", aws__two="x", aws__three="true")


@pytest.mark.parametrize(
    "document",
    [
        "{",
        "[]",
        '{"Statement": [{"Effect": "Maybe", "Action": "*", "Resource": "*"}]}',
        '{"Statement": [{"Effect": "Allow", "Resource": "*"}]}',
        '{"Statement": [{"Effect": "Allow", "Action": [1], "Resource": "*"}]}',
        json.dumps({"Statement": {"Effect": "Deny", "Action": "*", "Condition": {"StringIs": {"aws:key": "x"}}}}),
        json.dumps({"Statement": {"Effect": "Deny", "Action": "*", "Condition": {"NumericEquals": {"aws:key": "x"}}}}),
        json.dumps({"Statement": {"Effect": "Deny", "Action": "*", "Condition": {"IpAddress": {"aws:key": "x"}}}}),
        '{"Statement": {"Effect": "Allow", "Action": "*", "Principal": []}}',
    ],
)
def test_what_is_no_policy_is_refused(document: str) -> None:
    with pytest.raises(MalformedPolicy):
        read_policy(document)
