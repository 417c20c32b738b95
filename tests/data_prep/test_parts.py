"""A table in parts becomes what the whole does: quoted line ends, blank lines, packed tables, medians between parts."""

import gzip
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from data_prep.parts import ENCODED, Parts, encode, gather, medians

CONFIG = """[data]
columns = [
    { name = "size", kind = "number" },
    { name = "stars", kind = "rating" },
    { name = "note", kind = "category", values = ["a", "b\\nc", "d,e"] },
]
[data.label]
column = "good"
positive = "yes"
negative = "no"
"""


def run(*arguments: object) -> str:
    done = subprocess.run([sys.executable, "-m", *map(str, arguments)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def odd_table(rows: int) -> bytes:
    """Cells with line ends, commas and nothing in them; blank lines; CRLF; no line end at the end."""
    draw = random.Random(7)
    notes = ["a", '"b\nc"', '"d,e"', ""]
    lines = ["size,stars,note,good"]
    for _ in range(rows):
        size = draw.choice(["", f"{draw.random():.3f}", "-7"])
        lines.append(f"{size},{draw.choice(['', '5', '2'])},{draw.choice(notes)},{draw.choice(['yes', 'no'])}")
        lines += [""] * draw.randrange(2)
    while not lines[-1]:
        lines.pop()
    return "\r\n".join(lines).encode()


@pytest.mark.parametrize(("count", "name"), [(7, "odd.csv"), (3, "odd.csv.gz")])
def test_parts_put_together_are_the_whole(tmp_path: Path, count: int, name: str) -> None:
    content = odd_table(400)
    table, config, described = tmp_path / name, tmp_path / "odd.toml", tmp_path / "description.json"
    table.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    config.write_text(CONFIG)
    whole, folder = tmp_path / "whole", tmp_path / "parts"
    run("data_prep", table, "--config", config, "--output", whole)
    run("data_prep", table, "--config", config, "--check", "--describe", described)
    run("data_prep.in_parts", "cut", table, described, count, folder)
    parts, description = Parts.read(folder / "parts.json"), json.loads(described.read_text())

    for part in parts.parts:
        gather(parts, part, folder, description, tmp_path / "gathered")
    found = medians(parts, tmp_path / "gathered", description)
    for part in reversed(parts.parts):
        encode(parts, part, folder, description, found, tmp_path / "made")
    run("data_prep.in_parts", "join", folder / "parts.json", tmp_path / "made", described, tmp_path / "joined")

    assert len(parts.parts) == count
    for file in (*ENCODED, "schema.json"):
        assert (tmp_path / "joined" / file).read_bytes() == (whole / file).read_bytes(), file
