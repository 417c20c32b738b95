"""From a table to a URL in one go: a stack on this machine, the data, the deployment, and test rows through the URL.

Runs the programs that do each by itself, as a person would type them, once all that was given has been checked.
"""

import sys

if __name__ == "__main__":  # Ctrl-C while this loads is no error to explain
    sys.excepthook = lambda kind, *rest: None if kind is KeyboardInterrupt else sys.__excepthook__(kind, *rest)

import os
import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import click

from aws import options
from aws.config import load_settings
from aws.deployment import record_path
from aws.errors import EXIT_INTERRUPTED, InputError, explained
from aws.steps import algorithms

LONGEST_SILENCE_SECONDS = 4.0


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("data", required=False, type=click.Path(path_type=Path, exists=True))
@click.option("--algorithm", type=click.Choice(list(algorithms.ALGORITHMS)), default="linear-learner")
@click.option("--features", type=click.Choice(["ordinal", "engineered"]), default="ordinal")
@click.option("--rows", type=click.IntRange(min=1), default=200, show_default=True, help="Test rows to send.")
@options.config
@options.build
@explained
def main(data: Path | None, algorithm: str, features: str, rows: int, config_path: Path, build_folder: Path) -> None:
    """Go from DATA, or a generated sample, to a URL that answers, on the stack of PREFLIGHT_PORT.

    The data of this run are kept beside its record, so that another port or project does not meet them.
    """
    settings = load_settings(config_path)
    prepared = record_path(build_folder, settings.name, "local").parent / "data"
    table = [*([str(data)] if data else []), "--config", str(config_path)]
    project = ["--config", str(config_path), "--build", str(build_folder)]
    prepare = ["-m", "data_prep", *table, "--features", features, "--output", str(prepared)]
    try:
        run("Checking the table", sys.executable, *prepare, "--check")
        run("Starting the stack", *_preflight(), "up")
        run("Preparing the data", sys.executable, *prepare)
        run("Deploying", sys.executable, "aws/deploy.py", "--algorithm", algorithm, "--data", str(prepared), *project)
        run("Asking the URL", sys.executable, "aws/predict.py", "--rows", str(rows), *project)
    except KeyboardInterrupt:  # what was under way has said so itself
        raise SystemExit(EXIT_INTERRUPTED) from None


def _preflight() -> list[str]:
    """The kit's command: beside this Python, else wherever it was installed."""
    if find_spec("preflight"):
        return [sys.executable, "-m", "preflight"]
    if found := shutil.which("preflight"):
        return [found]
    raise InputError("The command preflight is not found: install it (`uv tool install`, `pipx install`).")


def run(doing: str, *command: str) -> None:
    """Run one of the programs before a person's eyes; ends this one with its exit code if it fails."""
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    if sys.stdout.isatty():  # it shows that it works by itself
        code = subprocess.run(command, env=environment).returncode
    else:
        code = _run_audibly(doing, command, environment)
    if code:
        raise SystemExit(code)


def _run_audibly(doing: str, command: Sequence[str], environment: dict[str, str]) -> int:
    """Where nothing turns, a line tells now and then that it still works."""
    started = time.monotonic()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as program:
        lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=_pass_on, args=(program, lines), daemon=True).start()
        while True:
            try:
                line = lines.get(timeout=LONGEST_SILENCE_SECONDS)
            except queue.Empty:
                print(f"{doing}: {time.monotonic() - started:.0f} s ...", flush=True)
                continue
            if line is None:
                return program.wait()
            print(line, end="", flush=True)


def _pass_on(program: "subprocess.Popen[str]", lines: "queue.Queue[str | None]") -> None:
    assert program.stdout
    for line in program.stdout:
        lines.put(line)
    lines.put(None)


if __name__ == "__main__":
    main()
