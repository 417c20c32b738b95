"""``python -m benchmarks`` (``make bench``): what each step takes, what the emulator adds to a request, what
serving itself costs.

Everything runs on a stack of its own. The figures are for people and hold no thresholds: compare the ratios, which
are of one run, not the times, which are of one machine.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks import layers, requests, serving, wrk
from benchmarks.load import Target
from benchmarks.requests import Figures
from preflight.sagemaker.launching.ports import free_port
from preflight.stack import Stack

WIDTH = 150  # of what goes into a file
REPOSITORY = Path(__file__).resolve().parent.parent
console = Console(soft_wrap=True, width=None if sys.stdout.isatty() else WIDTH)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--algorithm", type=click.Choice(["linear-learner", "xgboost"]), default="linear-learner")
@click.option("--data", type=click.Path(exists=True), help="A survey CSV or folder; without it a generated sample.")
@click.option("--seconds", default=3, show_default=True, help="Of each measurement.")
@click.option("--rounds", default=3, show_default=True, help="How often each is made.")
@click.option(
    "--compare",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An earlier run's figures.",
)
@click.option("--serving/--no-serving", "with_serving", default=True, help="Whether to measure serving alone, too.")
def main(algorithm: str, data: str | None, seconds: int, rounds: int, compare: Path | None, with_serving: bool) -> None:
    """Measure the stack's start, every step of the flow, and what each layer of a request costs."""
    earlier = read(compare) if compare else {}
    if not wrk.is_installed():
        console.print("wrk is not installed: this program sends the requests, which takes from what it measures.")
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(port=free_port(), home=Path(folder) / "home")
        steps = Table("step", "seconds")
        try:
            with timed(steps, "stack up"):
                stack.up()
            deploy = [
                "aws/deploy.py",
                "--algorithm",
                algorithm,
                "--data",
                f"{folder}/data",
                "--build",
                f"{folder}/build",
            ]
            prepare = ["-m", "data_prep", *([data] if data else []), "--output", f"{folder}/data"]
            for name, command in (("prepare data", prepare), ("deploy", deploy), ("deploy again", deploy)):
                with timed(steps, name):
                    run(stack, command)
            record = json.loads(next(Path(folder).glob("build/*/*/deployment.json")).read_text())
            layers.lift_throttle(stack, record["api_url"])
            process = stack.process()
            assert process is not None
            measured = targets(stack, record, Path(folder) / "data")
            figures = requests.measure(measured, process, seconds=seconds, rounds=rounds)
            requests.show(console, figures, earlier)
            console.print(f"Kept in {keep(figures)}.")
        finally:
            with timed(steps, "stack down"):
                stack.down()
            console.print(steps)
    if with_serving:
        serving.report(console)


@contextmanager
def timed(steps: Table, name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    steps.add_row(name, f"{time.perf_counter() - started:.1f}")


def run(stack: Stack, command: list[str]) -> None:
    """One command of the flow. Raises SystemExit with its output if it fails."""
    environment = os.environ | {"AWS_ENDPOINT_URL": stack.endpoint_url}
    done = subprocess.run([sys.executable, *command], cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def targets(stack: Stack, record: dict[str, str], data: Path) -> list[Target]:
    """The same row, asked of the serving process itself, of InvokeEndpoint, of the URL's layers, and of the URL."""
    row = (data / "test_aws.csv").read_text().splitlines()[0].split(",", 1)[1]
    csv = {"Content-Type": "text/csv"}
    # The stack reads account and region from the header and does not check the signature.
    scope = "Credential=test/20260101/us-east-1/sagemaker/aws4_request"
    signed = csv | {"Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=none"}
    question = json.dumps({"data": row}).encode()
    return [
        Target("serving process", f"http://127.0.0.1:{serving_port(stack)}/invocations", row.encode(), csv),
        Target(
            "InvokeEndpoint",
            f"http://127.0.0.1:{stack.port}/endpoints/{record['endpoint_name']}/invocations",
            row.encode(),
            signed,
        ),
        *layers.targets(stack, question),
        Target("URL", record["api_url"], question, {"Content-Type": "application/json"}),
    ]


def serving_port(stack: Stack) -> int:
    process = stack.process()
    assert process is not None
    for child in process.children(recursive=True):
        if child.cmdline()[-2:] == ["preflight_container", "serve"] and "guard.py" not in " ".join(child.cmdline()):
            for connection in child.net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN:
                    return int(connection.laddr[1])
    raise SystemExit("No serving process is running.")


def read(path: Path) -> dict[tuple[str, int], Figures]:
    """Figures of an earlier run, by target and clients."""
    return {(one["name"], one["clients"]): Figures(**one) for one in json.loads(path.read_text())["figures"]}


def keep(figures: list[Figures]) -> Path:
    """Write them below ``build/bench``, named after the commit."""
    found = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=REPOSITORY, capture_output=True, text=True)
    path = REPOSITORY / "build" / "bench" / f"{found.stdout.strip() or 'unknown'}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    about = {"python": sys.version.split()[0], "cpus": os.cpu_count(), "sent_by": "wrk" if wrk.is_installed() else "us"}
    path.write_text(json.dumps(about | {"figures": [one.plain() for one in figures]}, indent=1))
    return path


if __name__ == "__main__":
    main()
