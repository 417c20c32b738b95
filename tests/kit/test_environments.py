"""Environments of pinned requirements, as two commands, a killed one, and one without a network make them."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

MAKE = """
import sys
from preflight.environments import Environment, EnvironmentProblem
try:
    print(Environment("small", sys.argv[1]).ensure(print))
except EnvironmentProblem as problem:
    sys.exit(f"problem: {problem}")
"""
SIX = "six==1.17.0"
NOTHING_LISTENS = "http://127.0.0.1:9/simple"

Make = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Starts a command that makes an environment, in a cache of the test's own."""

    def make(requirements: str = SIX, **variables: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-c", MAKE, requirements],
            env=os.environ | {"PREFLIGHT_CACHE": str(tmp_path / "cache")} | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return make


@pytest.fixture
def offline(tmp_path: Path) -> dict[str, str]:
    """The variables with which neither uv nor pip finds an index, nor what it has fetched before."""
    indexes = {"UV_DEFAULT_INDEX": NOTHING_LISTENS, "PIP_INDEX_URL": NOTHING_LISTENS, "PIP_RETRIES": "0"}
    return indexes | {"UV_CACHE_DIR": str(tmp_path / "uv"), "UV_HTTP_RETRIES": "0", "PIP_CONFIG_FILE": os.devnull}


def said(command: "subprocess.Popen[str]") -> str:
    return command.communicate(timeout=120)[0]


def test_it_is_made_once_and_used_without_a_network(make: Make, offline: dict[str, str]) -> None:
    first, second = said(make()).splitlines(), said(make(**offline)).splitlines()

    assert first[0].startswith("Setting up the environment 'small': 1 packages")
    assert second == [first[-1]]
    assert subprocess.run([second[0], "-c", "import six"]).returncode == 0


def test_other_pins_are_another_environment(make: Make) -> None:
    assert said(make(SIX)).splitlines()[-1] != said(make("six==1.16.0")).splitlines()[-1]


def test_of_two_at_once_one_makes_it_and_both_have_it(make: Make) -> None:
    lines = [said(command).splitlines() for command in [make(), make()]]

    assert sum(line.startswith("Setting up") for printed in lines for line in printed) == 1
    assert lines[0][-1] == lines[1][-1]


def test_one_that_was_killed_in_the_middle_leaves_nothing_that_runs_and_the_next_one_makes_it(
    make: Make, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as index:  # takes the question, never answers
        url = f"http://127.0.0.1:{index.getsockname()[1]}/simple"
        killed = make(UV_DEFAULT_INDEX=url, UV_CACHE_DIR=str(tmp_path / "uv"))
        connection, _ = index.accept()
        killed.kill()
        while connection.recv(4096):  # until uv has ended, too
            pass
        connection.close()
        said(killed)

    assert Path(said(make()).splitlines()[-1]).exists()


def test_an_index_out_of_reach_is_said_with_what_to_do(make: Make, offline: dict[str, str], tmp_path: Path) -> None:
    printed = said(make(**offline))

    assert "problem: The environment 'small' cannot be made: the package index cannot be reached." in printed
    assert "UV_DEFAULT_INDEX" in printed
    assert [path.suffix for path in (tmp_path / "cache" / "environments").iterdir()] == [".lock"]


def test_a_version_that_the_index_lacks_is_named(make: Make) -> None:
    assert "the package index does not have six==99.0 for this Python" in said(make("six==99.0"))


def test_pip_helps_where_only_pip_knows_the_index(make: Make, offline: dict[str, str]) -> None:
    of_uv = {name: value for name, value in offline.items() if name.startswith("UV_")}

    printed = said(make(**of_uv)).splitlines()

    assert "uv cannot install it; pip tries, which may know of another index." in printed
    assert Path(printed[-1]).exists()


def test_a_cache_that_cannot_be_one_is_named(make: Make, tmp_path: Path) -> None:
    (tmp_path / "cache").touch()

    assert "Not a directory. PREFLIGHT_CACHE names another folder." in said(make())
