"""A project made of a table: the example application, and a configuration that describes the table.

The example is this repository's own ``aws/``, ``data_prep/`` and ``lambda/``. A wheel brings them as data; in a clone
they are where they are. Its programs are run here, never imported.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
TEMPLATE = Path(__file__).resolve().parent / "template"
FOLDERS = ("aws", "data_prep", "lambda")
REQUIREMENTS = "requirements/run.txt"
LONGEST_NAME = 30


class ProjectProblem(Exception):
    """Why no project was made, in a sentence."""


def create(table: Path, folder: Path, label: str | None) -> None:
    """Make ``folder`` a project of ``table``; all of it or nothing.

    Raises:
        ProjectProblem: the table is none, or the folder is in use.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ProjectProblem(f"{folder} is not empty; a project gets a folder of its own. Nothing was written.")
    configuration = _describe(table, folder, label)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as staging:
        _fill(Path(staging) / "project", configuration)
        (Path(staging) / "project").replace(folder)  # an empty folder gives way, one that has been filled does not


def default_folder(table: Path) -> Path:
    """Named after the table, where one is."""
    return Path(project_name(table.name.partition(".")[0]))


def project_name(text: str) -> str:
    """The nearest name that every resource on AWS can begin with."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    name = "-".join(words)[:LONGEST_NAME].strip("-")
    return name if name[:1].isalpha() else f"table-{name}"[:LONGEST_NAME].strip("-")


def _describe(table: Path, folder: Path, label: str | None) -> str:
    command = [sys.executable, "-m", "data_prep.describe", str(table), "--name", project_name(folder.resolve().name)]
    command += ["--table-path", os.path.relpath(table.resolve(), folder.resolve())]
    command += ["--label", label] if label is not None else []
    environment = os.environ | {
        "PYTHONPATH": str(_example()),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8",
    }
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8")
    if done.returncode:
        raise ProjectProblem(f"{done.stderr.strip().removeprefix('Error: ')} Nothing was written.")
    return done.stdout


def _fill(project: Path, configuration: str) -> None:
    shutil.copytree(TEMPLATE, project, ignore=shutil.ignore_patterns("__pycache__"))
    (project / "gitignore").rename(project / ".gitignore")
    for name in FOLDERS:
        shutil.copytree(_example() / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(_example() / REQUIREMENTS, project / "requirements.txt")
    (project / "preflight.toml").write_text(configuration, encoding="utf-8")


def _example() -> Path:
    """Where the example application is: in an installed kit, or in the clone around it."""
    installed = PACKAGE / "example"
    return installed if installed.is_dir() else PACKAGE.parents[1]
