"""Quick readers and writers of numbers give what the careful ones give, or leave it to them."""

import json

import numpy as np
import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from preflight_container.errors import DataError
from preflight_container.formats import csv_rows, json_rows, whole_numbers
from preflight_container.formats.number_texts import write_numbers

WRITTEN = st.one_of(
    st.integers(-9, 9).map(str),
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(allow_nan=False, allow_infinity=False, width=32).map(repr),
    st.floats(-1e6, 1e6).map(lambda value: f"{value:.4f}"),
    st.sampled_from(
        ["-0", "-0.0", "+1", ".5", "5.", "01", "1e5", "1E-7", "1e400", "nan", "", " 7", "7 ", "7\r", "1 2"]
    ),
    st.sampled_from(["null", "true", "[1]", '"3"', "-", "1_0", "٣", "18446744073709551616", "9007199254740993"]),
    st.text(alphabet="0123456789.-+eE \r", max_size=8),
)
PLAIN = st.integers(0, 5).map(str) | st.floats(-1e6, 1e6).map(repr)


def tables(values):
    return st.integers(1, 4).flatmap(
        lambda width: st.lists(st.lists(values, min_size=width, max_size=width), min_size=1, max_size=5)
    )


def quickly(body, missing):
    """The rows' bits, or the error."""
    try:
        return csv_rows.parse_csv(body, missing=missing).tobytes()
    except DataError as error:
        return str(error)


def carefully(body, missing):
    """The same of the reader that goes value by value."""
    try:
        return csv_rows._parse_carefully(body, missing, True, b",", 1).tobytes()
    except DataError as error:
        return str(error)


@given(rows=tables(WRITTEN) | tables(PLAIN), times=st.sampled_from([1, 400]), missing=st.booleans())
@example(rows=[["-0"]], times=1, missing=False)
@example(rows=[["0", " ", "1e5"]], times=1, missing=False)
@example(rows=[["\r0"]], times=1, missing=False)
@example(rows=[["\t", "0"]], times=400, missing=True)
@settings(max_examples=400, deadline=None, derandomize=True)
def test_rows_of_csv_are_the_same_bits_and_the_same_errors(rows, times, missing):
    body = "\n".join(",".join(row) for row in rows * times).encode()
    assert quickly(body, missing) == carefully(body, missing)


WHOLE = st.integers(0, 99) | st.integers(0, 10**10) | st.sampled_from(["", "007", "16777217", "-1", "1\n2"])


@given(rows=tables(WHOLE.map(str)), missing=st.booleans())
@settings(max_examples=50, deadline=None, derandomize=True)
def test_whole_numbers_over_many_blocks_are_the_same_bits(rows, missing):
    lines = "\n".join(",".join(row) for row in rows).encode() + b"\n"
    times = whole_numbers.BLOCK_BYTES * 2 // len(lines)
    expected = carefully(lines, missing)
    assert quickly(lines * times, missing) == (expected if isinstance(expected, str) else expected * times)


@pytest.mark.parametrize("last", [b"1,2", b"1,2\n\n", b"1,", b"1", b"1,2,3", b"1,x", b"1\n2,3,4"])
def test_the_last_block_of_whole_numbers_is_read_as_ever(last):
    body = b"10,20\n" * (whole_numbers.BLOCK_BYTES // 6) + last
    assert quickly(body, False) == carefully(body, False)


NUMBERS = st.floats(width=32) | st.floats(0.25, 1, width=32)


@given(st.lists(NUMBERS, max_size=30), st.integers(1, 2))
@example([1e-4, 9.999e-05, 1e-5, 1e16, 9.999e15, 0.0, -0.0, float("nan"), float("inf"), 1e-45], 1)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_numbers_are_written_as_repr_writes_them(values, columns):
    array = np.array(values, np.float32)
    if columns > 1:
        array = array[: len(array) // columns * columns].reshape(-1, columns)
    texts = [repr(value) for value in array.tolist()]
    labels = np.arange(len(texts)) % 2
    ends = [b', "label": 0}\n', b', "label": 1}\n']
    assert write_numbers(array, b"", [b"\n"]).decode() == "".join(f"{text}\n" for text in texts)
    assert write_numbers(array, b'{"score": ', ends, labels).decode() == "".join(
        f'{{"score": {text}, "label": {label}}}\n' for text, label in zip(texts, labels, strict=True)
    )


@pytest.mark.parametrize(
    "values", ["[1, 2.5]", "[-0, 1]", "[1e400, 1]", "[NaN, 1]", "[18446744073709551616, 9007199254740993]", "[1, true]"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_that_the_quick_reader_refuses_is_read_as_ever(values, encoding, monkeypatch):
    body = f'{{"instances": [{{"features": {values}}}]}}'.encode(encoding)
    quick = outcome(body)
    monkeypatch.setattr(orjson, "loads", json.loads)
    assert quick == outcome(body)


def outcome(body):
    try:
        return np.asarray(json_rows.parse_json(body, 2)).tobytes()
    except DataError as error:
        return str(error)
