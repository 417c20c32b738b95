"""Numbers read digit by digit are those that `float` reads, bit for bit; what is not plain is left to others."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight_container.formats.decimals import parse_decimals

PLAIN = st.from_regex(r"\A-?([0-9]{1,7}(\.[0-9]{0,8})?|\.[0-9]{1,15})\Z")


@given(st.lists(st.lists(PLAIN, min_size=1, max_size=4), min_size=1, max_size=4))
def test_plain_numbers_are_the_nearest_doubles(rows: list[list[str]]) -> None:
    numbers = parse_decimals("\n".join(map(",".join, rows)).encode())
    assert numbers is not None
    expected = [float(text) for row in rows for text in row]
    assert [(number, math.copysign(1, number)) for number in numbers] == [
        (number, math.copysign(1, number)) for number in expected
    ]


def test_an_empty_number_is_missing() -> None:
    numbers = parse_decimals(b"1,,2\n,3,")
    assert numbers is not None
    assert [None if math.isnan(number) else number for number in numbers] == [1, None, 2, None, 3, None]


@pytest.mark.parametrize(
    "text", ["", "-", ".", "-.", "1-2", "--1", "1.2.3", "+1", "1e5", "nan", " 1", "1\r", "1/2", "1:"]
)
def test_what_is_not_plain_is_left(text: str) -> None:
    assert parse_decimals(text.encode()) is None
    assert parse_decimals(f"1,{text or '9' * 16}".encode()) is None
