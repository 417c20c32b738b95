"""The wheel in a stranger's hands: an empty folder, an environment with nothing else in it, no clone anywhere near."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from preflight.client_environment import client_environment
from preflight.sagemaker.launching.ports import free_port
from tests.conftest import REPOSITORY

UV = Path(sys.executable).with_name("uv")
TEST_OF_A_STRANGER = """
pytest_plugins = ["preflight.testing.fixtures"]

def test_a_bucket(preflight):
    preflight.client("s3").create_bucket(Bucket="mine")
    assert [bucket["Name"] for bucket in preflight.client("s3").list_buckets()["Buckets"]] == ["mine"]
"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def execute(*command: str | Path, cwd: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """What a command of a stranger's does, who has no variables of ours and no clone in sight."""
    passed_on = {name: value for name, value in os.environ.items() if not name.startswith(("PREFLIGHT_", "AWS_"))}
    del passed_on["PATH"]
    variables = passed_on | {"PATH": f"{UV.parent}:/usr/bin:/bin"} | variables
    return subprocess.run(
        command, cwd=cwd, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = execute(
        UV, "build", "--quiet", "--wheel", "--python", sys.executable, "--out-dir", folder, REPOSITORY, cwd=folder
    )
    assert built.returncode == 0, built.stdout
    [wheel] = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder."""
    return tmp_path_factory.mktemp("stranger")


@pytest.fixture(scope="module")
def installed(wheel: Path, empty: Path) -> Path:
    """The programs of a new environment with the wheel in it."""
    commands: list[list[str]] = [["venv", "--python", sys.executable, "venv"], ["pip", "install", f"{wheel}[testing]"]]
    for command in commands:
        done = execute(UV, *command, cwd=empty, VIRTUAL_ENV=str(empty / "venv"))
        assert done.returncode == 0, done.stdout
    return empty / "venv" / "bin"


@pytest.fixture
def run(installed: Path, empty: Path, tmp_path: Path) -> Iterator[Run]:
    """Runs a program of that environment, with a stack of this test's own that is gone at the end."""
    port = str(free_port())

    def run(program: str, *arguments: str | Path, **variables: str) -> "subprocess.CompletedProcess[str]":
        variables = {"PREFLIGHT_PORT": port, "PREFLIGHT_HOME": str(tmp_path)} | variables
        return execute(installed / program, *arguments, cwd=empty, **variables)

    yield run
    run("preflight", "down")


def processes_of(folder: Path) -> list[psutil.Process]:
    """What runs that has to do with ``folder``."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        if any(str(folder) in word for word in [*(process.info["cmdline"] or []), process.info["cwd"] or ""]):
            found.append(process)
    return found


def test_the_wheel_brings_two_packages_and_nothing_else(wheel: Path) -> None:
    names = execute(sys.executable, "-m", "zipfile", "--list", wheel, cwd=wheel.parent).stdout.splitlines()[1:]
    tops = {name.split("/")[0].split(" ")[0] for name in names}

    assert {top for top in tops if not top.endswith(".dist-info")} == {"preflight", "preflight_container"}


def test_what_it_needs_is_light(installed: Path, empty: Path) -> None:
    packages = execute(UV, "pip", "list", "--format=freeze", cwd=empty, VIRTUAL_ENV=str(empty / "venv")).stdout

    assert "preflight-sagemaker" in packages
    assert not {"localstack-core", "moto-ext", "numpy", "scipy", "xgboost-cpu"} & {
        line.split("==")[0] for line in packages.splitlines()
    }
    assert len(packages.splitlines()) < 40, packages


def test_a_stack_for_a_stranger_from_the_first_up_to_down(run: Run, tmp_path: Path) -> None:
    cache = {"PREFLIGHT_CACHE": str(tmp_path / "cache")}
    up = run("preflight", "up", **cache)
    assert up.returncode == 0, up.stdout
    assert up.stdout.startswith("Setting up the environment 'stack'")
    [endpoint_url] = [word for word in up.stdout.split() if word.startswith("http://localhost:")]

    flow = run("python", REPOSITORY / "tests" / "kit" / "flow.py", **client_environment(endpoint_url))
    assert flow.stdout.startswith("Completed"), flow.stdout

    assert "is down" in run("preflight", "down", **cache).stdout
    assert processes_of(tmp_path) == []
    again = run("preflight", "up", **cache, UV_OFFLINE="1", PIP_NO_INDEX="1")
    assert again.stdout.startswith("The stack is up"), again.stdout
    run("preflight", "down", **cache)
    shutil.rmtree(tmp_path / "cache")


def test_the_fixture_in_a_strangers_test(run: Run, empty: Path, tmp_path: Path) -> None:
    (empty / "test_app.py").write_text(TEST_OF_A_STRANGER)
    temporary = {"TMPDIR": str(tmp_path)}

    tested = run("python", "-m", "pytest", "-q", "test_app.py", PREFLIGHT_TEST_STACK="process", **temporary)

    assert "1 passed" in tested.stdout, tested.stdout
    assert processes_of(tmp_path) == []


def test_a_project_of_a_table_is_whole_without_a_clone(run: Run, empty: Path) -> None:
    rows = "".join(f"{number % 7 + 0.5},{'yes' if number % 7 > 3 else 'no'}\n" for number in range(60))
    (empty / "tiny.csv").write_text(f"size,large\n{rows}")

    made = run("preflight", "init", "tiny.csv")

    assert made.returncode == 0, made.stdout
    project = empty / "tiny"
    assert 'positive = "yes"\n' in (project / "preflight.toml").read_text()
    for folder in ("aws", "data_prep", "lambda"):  # one source of truth: the clone's
        ours = {path.relative_to(REPOSITORY) for path in (REPOSITORY / folder).rglob("*") if path.suffix != ".pyc"}
        assert {path.relative_to(project) for path in (project / folder).rglob("*")} >= ours - {
            path for path in ours if path.name == "__pycache__"
        }
    help_of_make = execute("make", "-C", project, cwd=empty).stdout
    assert "make demo" in help_of_make and (project / ".gitignore").is_file()
    assert "is not empty" in run("preflight", "init", "tiny.csv").stdout


def test_the_coverage_report_needs_nothing_more_than_the_stack(run: Run) -> None:
    assert "operations supported" in run("preflight", "coverage").stdout


def test_uvx_on_a_machine_with_uv_alone(wheel: Path, empty: Path, tmp_path: Path) -> None:
    variables = {"PREFLIGHT_HOME": str(tmp_path), "PREFLIGHT_PORT": str(free_port())}
    uvx: list[str | Path] = [UV, "tool", "run", "--python", sys.executable, "--from", wheel, "preflight"]

    up, down = (execute(*uvx, command, cwd=empty, **variables) for command in ("up", "down"))

    assert "The stack is up" in up.stdout, up.stdout
    assert "The stack is down." in down.stdout, down.stdout
