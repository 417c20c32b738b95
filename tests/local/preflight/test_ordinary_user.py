"""A stack of an ordinary user, beside those of root: it trains in an /opt/ml of its own, too."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from preflight.environments import cache_folder, stack_python
from preflight.sagemaker.launching.ports import free_port
from preflight.sagemaker.launching.process.guarded_process import GuardedProcess, View
from preflight.sagemaker.launching.process.private_folders import private_folders
from preflight.stack import Stack
from tests.conftest import REPOSITORY

NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
STORY = """
set -e
cd "$HOME"
"$0" -m preflight up
eval "$("$0" -m preflight env)"
"$0" -m preflight status --services
"$0" "$1"
"$0" -m preflight down
"""

pytestmark = [
    pytest.mark.skipif(os.getuid() != 0, reason="only root becomes another user"),
    pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed"),
    pytest.mark.skipif(bool(private_folders().problem), reason=private_folders().problem),
]


@pytest.fixture
def home() -> Iterator[Path]:
    """The user's, outside pytest's folders, which are root's alone."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        os.chown(name, 65534, 65534)
        yield Path(name)


def test_an_ordinary_users_stack_trains_beside_roots(stack: Stack, home: Path, tmp_path: Path) -> None:
    roots = tmp_path / "root"
    roots.mkdir(mode=0o755)
    script = home / "flow.py"
    shutil.copy(REPOSITORY / "tests" / "kit" / "flow.py", script)
    # What root alone may look into is shown to the user: the interpreter, what stacks run on, and the code.
    shown = (Path(sys.base_prefix), cache_folder(), REPOSITORY)
    view = View(binds={str(Path.home()): roots, **{str(folder): folder for folder in shown}})
    environment = {
        "PATH": os.defpath,
        "HOME": str(home),
        "PREFLIGHT_HOME": str(home / "stacks"),
        "PREFLIGHT_CACHE": str(cache_folder()),
        "PREFLIGHT_STACK_PYTHON": str(stack_python()),
        "PREFLIGHT_PORT": str(free_port()),
    }

    command = [*NOBODY, "sh", "-c", STORY, sys.executable, str(script)]
    with GuardedProcess.start(command, env=environment, stdout=subprocess.PIPE, view=view) as process:
        assert process.stdout is not None
        output = process.stdout.read().decode()
        code = process.wait()

    assert code == 0, output
    assert any("Completed" in line for line in output.splitlines()), output
    assert "Every job and endpoint has an /opt/ml of its own." in output
    assert stack.health() is not None
