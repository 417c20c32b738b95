"""What the launcher without Docker holds of a container that has ended, and what it runs for a spec."""

from pathlib import Path

import psutil
import pytest

from preflight.sagemaker.launching.container import Container, ContainerSpec
from preflight.sagemaker.launching.process.launcher import ProcessLauncher
from preflight.sagemaker.launching.programs import Programs
from tests.local.conftest import LINEAR_LEARNER


@pytest.fixture
def lines() -> list[str]:
    return []


def run(folder: Path, lines: list[str], entrypoint: list[str] | None, *arguments: str) -> Container:
    return ProcessLauncher(Programs()).launch(
        ContainerSpec(
            image=LINEAR_LEARNER,
            region="us-east-1",
            owner_arn="arn:aws:sagemaker:us-east-1:000000000000:training-job/test",
            folder=folder,
            on_line=lines.append,
            entrypoint=entrypoint,
            arguments=arguments,
        )
    )


def test_a_job_that_has_ended_holds_no_file_thread_or_process(tmp_path: Path, lines: list[str]) -> None:
    this = psutil.Process()
    files, threads, children = this.num_fds(), this.num_threads(), this.children(recursive=True)

    containers = [run(tmp_path, lines, ["sh", "-c"], f"echo {code}; exit {code}") for code in range(4)]

    assert [container.wait(10) for container in containers] == [0, 1, 2, 3]
    assert this.num_fds() <= files and this.num_threads() <= threads
    assert set(this.children(recursive=True)) <= set(children)


def test_the_arguments_go_to_the_images_program(tmp_path: Path, lines: list[str]) -> None:
    assert run(tmp_path, lines, None, "--help").wait(30) == 0
    assert lines[0].startswith("usage: python -m preflight_container")


def test_an_entrypoint_takes_the_programs_place_and_has_its_variables(tmp_path: Path, lines: list[str]) -> None:
    assert run(tmp_path, lines, ["sh", "-c", 'echo "$PREFLIGHT_ALGORITHM $0"'], "first").wait(10) == 0
    assert lines == ["linear-learner first"]
