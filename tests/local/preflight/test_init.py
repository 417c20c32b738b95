"""`preflight init`: a table that cannot be used is told in one sentence, and no folder is touched."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from preflight.cli.main import main


def init(folder: Path, content: str | bytes, *options: str) -> Result:
    table = folder / "table.csv"
    table.write_bytes(content if isinstance(content, bytes) else content.encode())
    return CliRunner().invoke(main, ["init", str(table), str(folder / "made"), *options])


def configuration(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "made" / "preflight.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("a,b\n", "has no rows below its header"),
        ("1,2\n3,4\n", "put a header above them"),
        ("a\n1\n", "one column, 'a'"),
        ("a;b\n1;2\n", "separated by semicolons"),
        ("a,a,b\n1,2,3\n", "column 'a' is there 2 times"),
        (b"a,b\nM\xfcller,0\n", "line 2, column 'a': not UTF-8"),
        ("a,b\n1,2,3\n", "line 2: the row has 3 cells"),
        ("a,b\n1,2\n3,2\n", "'b' is always '2'"),
        ("a,b\n1,2\n3,\n", "line 3: 'b' has no value"),
        ("when,y\n2024-01-02,0\n2024-01-03,1\n", "no column is left to predict 'y' from"),
    ],
)
def test_a_table_that_cannot_be_used(tmp_path: Path, content: str | bytes, said: str) -> None:
    refused = init(tmp_path, content)

    assert refused.exit_code == 1
    assert refused.output.startswith("Error: ") and said in refused.output
    assert refused.output.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_what_it_makes_of_columns(tmp_path: Path) -> None:
    lines = ["\ufeffrow_id,when,colour,stars,size,mostly,note,target"]
    for number in range(40):
        mostly = "n/a" if number == 7 else str(number * 1.5)
        colour = "" if number == 3 else ("red", "green")[number % 2]
        cells = (
            f"K{number}",
            f"2024-01-{number % 28 + 1:02}",
            colour,
            number % 6,
            number / 3,
            mostly,
            f"text {number}",
        )
        lines.append(",".join(map(str, (*cells, number % 3))))

    assert init(tmp_path, "\n".join(lines)).exit_code == 0

    data = configuration(tmp_path)["data"]
    assert {column["name"]: column["kind"] for column in data["columns"]} == {
        "colour": "category",
        "stars": "number",
        "size": "number",
    }
    assert data["ignored"] == ["row_id", "when", "mostly", "note"]
    assert data["label"] == {"column": "target", "kind": "multiclass", "classes": ["0", "1", "2"]}
    text = (tmp_path / "made" / "preflight.toml").read_text()
    for note in ("an id", "dates", '"n/a" in line 9', 'kind = "rating", highest = 5', "guessed", "taken for classes"):
        assert note in text


def test_names_are_kept_whatever_they_hold(tmp_path: Path) -> None:
    names = ['say "x" # no', "back\\slash", "zeile\x7f"]
    header = ",".join('"' + name.replace('"', '""') + '"' for name in names)
    rows = "".join(f"{number % 7},{number % 5},{number % 2}\n" for number in range(30))

    assert init(tmp_path, f"{header}\n{rows}", "--label", names[0]).exit_code == 0

    data = configuration(tmp_path)["data"]
    assert data["label"]["column"] == names[0]
    assert [column["name"] for column in data["columns"]] == names[1:]


def test_ten_thousand_columns(tmp_path: Path) -> None:
    header = ",".join([*(f"c{number}" for number in range(10_000)), "y"])
    rows = "".join(",".join([*["0.5", "1.5"][row % 2 :][:1] * 10_000, str(row % 2)]) + "\n" for row in range(4))

    assert init(tmp_path, f"{header}\n{rows}").exit_code == 0

    assert len(configuration(tmp_path)["data"]["columns"]) == 10_000


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "mine.txt").write_text("mine")

    refused = init(tmp_path, "a,b\n1,0\n2,1\n")

    assert refused.exit_code == 1 and "is not empty" in refused.output
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["mine.txt"]
    assert "no column 'z'" in init(tmp_path / "made", "a,b\n1,0\n2,1\n", "--label", "z").output
