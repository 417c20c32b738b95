"""What a client may send for one passenger, and what it is told otherwise."""

import json
from pathlib import Path
from typing import Any

import pytest

from data_prep.encoder import Encoder, EncodingError, format_row
from tests.data_prep.conftest import Cells, DataPrep, to_csv


@pytest.fixture
def encoder(data_prep: DataPrep, passengers: Cells, tmp_path: Path) -> Encoder:
    (tmp_path / "flights.csv").write_text(to_csv(passengers))
    assert data_prep("flights.csv").returncode == 0
    return Encoder(json.loads((tmp_path / "out/schema.json").read_text()))


@pytest.fixture
def passenger(passengers: Cells) -> dict[str, Any]:
    return dict(zip(passengers[0], passengers[1], strict=True))


def test_numbers_and_their_texts_mean_the_same(encoder: Encoder, passenger: dict[str, Any]) -> None:
    for age in (52, 52.0, "52", "52.0", " 52 "):
        assert encoder.encode(passenger | {"Age": age})[2] == 52.0


def test_null_and_empty_numbers_become_the_median(encoder: Encoder, passenger: dict[str, Any]) -> None:
    encoded = [encoder.encode(passenger | {"Arrival Delay in Minutes": value}) for value in (None, "", "  ")]

    assert encoded[0] == encoded[1] == encoded[2]


def test_null_and_empty_categories_become_the_median(encoder: Encoder, passenger: dict[str, Any]) -> None:
    encoded = [encoder.encode(passenger | {"Class": value}) for value in (None, "", "  ")]

    assert encoded[0] == encoded[1] == encoded[2]
    assert encoded[0] in [encoder.encode(passenger | {"Class": value}) for value in ("Eco", "Eco Plus", "Business")]


def test_index_id_and_label_may_be_left_out(encoder: Encoder, passenger: dict[str, Any]) -> None:
    bare = {name: value for name, value in passenger.items() if name not in ("", "id", "satisfaction")}

    assert encoder.encode(bare) == encoder.encode(passenger)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Age", "abc"),
        ("Age", True),
        ("Age", float("nan")),
        ("Age", "1_000"),
        ("Age", 10**400),
        ("Age", [52]),
        ("Age", -1),
        ("Cleanliness", 2.5),
        ("Cleanliness", 6),
        ("Class", "eco"),
        ("Class", {"a": 1}),
        ("Colour", "red"),
    ],
)
def test_a_bad_value_is_refused_by_name(field: str, value: object, encoder: Encoder, passenger: dict[str, Any]) -> None:
    with pytest.raises(EncodingError, match=field) as error:
        encoder.encode(passenger | {field: value})
    assert error.value.field == field


def test_a_missing_field_is_refused_by_name(encoder: Encoder, passenger: dict[str, Any]) -> None:
    del passenger["Seat comfort"]

    with pytest.raises(EncodingError, match="'Seat comfort' is missing"):
        encoder.encode(passenger)


@pytest.mark.parametrize("record", [[1, 2], "text", None, 5])
def test_what_is_no_record_is_refused(record: Any, encoder: Encoder) -> None:
    with pytest.raises(EncodingError, match="record"):
        encoder.encode(record)


def test_whole_numbers_are_written_without_a_point() -> None:
    assert format_row([1.0, 0.5, -3.0, 0.0]) == "1,0.5,-3,0"
