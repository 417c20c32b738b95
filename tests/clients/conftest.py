"""Runs scripts that use AWS's own clients, as their reader would: ``eval "$(preflight env)"``, then the script.

The clients are as their makers ship them, in environments of their own (``./setup.sh clients``), and have no way out
to the network: ``no_network/sitecustomize.py``. A test names its script: ``@pytest.mark.flow(environment, script)``.
All that a group of tests wants run side by side, because such clients mostly sleep between two looks.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from preflight.sagemaker.launching.framework_images import framework_images
from preflight.stack import Stack
from tests.conftest import REPOSITORY
from tests.local.conftest import separable_rows

HERE = Path(__file__).parent
ENVIRONMENTS = REPOSITORY / ".venv-clients"
TIMEOUT_SECONDS = 600
_RUN = 'eval "$("$0" -m preflight env)" && exec "$@"'


@dataclass
class Flow:
    """A script that runs, and what came of it."""

    process: "subprocess.Popen[bytes]"
    folder: Path

    def wait(self) -> None:
        self.process.wait(TIMEOUT_SECONDS)

    @property
    def output(self) -> str:
        """What it printed, errors included."""
        return (self.folder / "output").read_text(errors="replace")

    def require_success(self) -> None:
        """It ended well, and reached for nothing beyond this machine."""
        assert self.process.returncode == 0, "\n".join(self.output.splitlines()[-60:])
        assert self.asked_outside == set()

    @property
    def asked_outside(self) -> set[str]:
        """The hosts beyond this machine that it tried to reach."""
        return set((self.folder / "attempts").read_text().split())


@pytest.fixture(scope="session")
def flows() -> Iterator[dict[tuple[str, str], Flow]]:
    """The scripts that were started."""
    started: dict[tuple[str, str], Flow] = {}
    yield started
    for flow in started.values():
        if flow.process.poll() is None:
            os.killpg(flow.process.pid, signal.SIGKILL)
            flow.process.wait()


@pytest.fixture
def flow(
    request: pytest.FixtureRequest,
    flows: dict[tuple[str, str], Flow],
    stack: Stack,
    tmp_path_factory: pytest.TempPathFactory,
) -> Flow:
    """The test's own script, at its end; the first test of a group starts those of all its tests."""
    marker = request.node.get_closest_marker("flow")
    if marker.args not in flows:
        group = _group(request.node)  # another group's tests run in another process, which starts theirs
        items = [item for item in request.session.items if _group(item) == group]
        for arguments in sorted({marker.args for item in items for marker in item.iter_markers("flow")}):
            flows[arguments] = start(stack, tmp_path_factory.mktemp("flow"), *arguments)
    flow = flows[marker.args]
    flow.wait()
    return flow


def _group(item: pytest.Item) -> tuple[object, ...]:
    marker = item.get_closest_marker("xdist_group")
    return marker.args if marker else ()


def start(stack: Stack, folder: Path, environment: str, script: str) -> Flow:
    """Start ``script`` in ``folder``, beside a train.csv, with the programs of ``environment`` first on its path.

    That is one of .venv-clients, or that of a framework's image (``base-python:310``).
    """
    if environment == "preflight":
        programs = Path(sys.executable).parent
    elif ":" in environment:
        image = next(image for image in framework_images() if image.name == environment)
        programs = image.environment.ensure().parent
    else:
        programs = ENVIRONMENTS / environment / "bin"
        if not programs.exists():
            pytest.fail(f"{programs} is missing: run ./setup.sh clients", pytrace=False)
    (folder / "train.csv").write_text(separable_rows())
    (folder / "attempts").touch()
    variables = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(folder),
        "PYTHONPATH": str(HERE / "no_network"),
        "NETWORK_ATTEMPTS": str(folder / "attempts"),
        "PREFLIGHT_PORT": str(stack.port),
        "PREFLIGHT_HOME": str(stack.home),
    }
    interpreter = "python" if script.endswith(".py") else "bash"
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            ["bash", "-c", _RUN, sys.executable, interpreter, str(HERE / "scripts" / script)],
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Flow(process, folder)
