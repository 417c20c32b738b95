"""What serving costs: both containers beside a bare Flask app that answers a constant under the same server.

    python -m benchmarks.serving

Prints p50 in milliseconds and requests per second for one row and a thousand rows per request, with 1, 8 and 32
clients that keep their connections, and the ratio of each p50 to the bare app's.
"""

import json
import multiprocessing
import os
import random
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.load import Target, latencies_of, measure
from preflight.environments import kit_path, stack_python
from preflight.sagemaker.launching.ports import free_port

FEATURES = 22
TRAIN_ROWS = 5000
CLIENTS = (1, 8, 32)
ROWS = (1, 1000)
REQUESTS = {1: 3200, 1000: 320}  # of each measurement
CLIENT_PROCESSES = 2  # so that the clients are not what is measured
DEADLINE_SECONDS = 60

BARE_APP = """
import logging, os, waitress
from flask import Flask, Response, request
app = Flask(__name__)
@app.post("/invocations")
def invoke():
    request.get_data(cache=False)
    return Response(b"0", mimetype="text/csv")
logging.getLogger("waitress.queue").setLevel(logging.ERROR)
waitress.serve(app, host="127.0.0.1", port=int(os.environ["SAGEMAKER_BIND_TO_PORT"]), threads=4,
               connection_limit=1000, inbuf_overflow=1 << 27, _quiet=True)
"""
HYPERPARAMETERS = {
    "linear-learner": {"predictor_type": "binary_classifier"},
    "xgboost": {"num_round": "100", "objective": "binary:logistic"},
}


def report(console: Console) -> None:
    """Trains a model of each algorithm, measures, prints the table."""
    table = Table("rows", "clients", "server", "p50 ms", "requests/s", "p50 over the bare app", title="Serving alone")
    with tempfile.TemporaryDirectory() as folder:
        bases = {algorithm: _trained(Path(folder) / algorithm, algorithm) for algorithm in HYPERPARAMETERS}
        for rows in ROWS:
            body = _csv(rows, labelled=False)
            for clients in CLIENTS:
                _compare(table, bases, body, rows, clients)
    console.print(table)


def _compare(table: Table, bases: dict[str, Path], body: bytes, rows: int, clients: int) -> None:
    bare: float | None = None
    for name in ("bare Flask", *bases):
        with _serving(bases.get(name)) as port:
            target = Target(name, f"http://127.0.0.1:{port}/invocations", body, {"Content-Type": "text/csv"})
            measure(target, 1, 20)  # warm
            p50, rate = _measure(target, clients, REQUESTS[rows] // clients)
        bare = bare or p50
        ratio = f"{p50 / bare:.1f}x, +{p50 - bare:.2f} ms"
        table.add_row(str(rows), str(clients), name, f"{p50:.2f}", f"{rate:.0f}", ratio)


def _measure(target: Target, clients: int, requests_per_client: int) -> tuple[float, float]:
    """(p50 in milliseconds, requests per second); the clients are spread over a few processes."""
    processes = min(clients, CLIENT_PROCESSES)
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        results = pool.starmap(latencies_of, [(target, clients // processes, requests_per_client)] * processes)
    latencies = [latency for found, _ in results for latency in found]
    return statistics.median(latencies), sum(len(found) / seconds for found, seconds in results)


@contextmanager
def _serving(base: Path | None) -> Iterator[int]:
    """The port of a running server: the container on `base`, or the bare app without one."""
    port = free_port()
    command = ["-m", "preflight_container", "serve"] if base else ["-c", BARE_APP]
    environment = _program() | {"SAGEMAKER_BIND_TO_PORT": str(port), "PREFLIGHT_BIND_ADDRESS": "127.0.0.1"}
    if base:
        environment["SAGEMAKER_BASE_DIR"] = str(base)
    process = subprocess.Popen([stack_python(), *command], env=environment, stdout=subprocess.DEVNULL)
    with ExitStack() as stack:
        stack.callback(process.wait)
        stack.callback(process.send_signal, signal.SIGTERM)
        _wait(port, process)
        yield port


def _program() -> dict[str, str]:
    """The variables with which the stack's Python finds the container's program, as in a job."""
    return {**os.environ, "PYTHONPATH": str(kit_path())}


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except ConnectionError:
            time.sleep(0.02)
    raise SystemExit("the server did not start")


def _trained(base: Path, algorithm: str) -> Path:
    """A base folder with a model trained on random rows."""
    config, channel = base / "input/config", base / "input/data/train"
    config.mkdir(parents=True)
    channel.mkdir(parents=True)
    (channel / "train.csv").write_bytes(_csv(TRAIN_ROWS, labelled=True))
    (config / "hyperparameters.json").write_text(json.dumps(HYPERPARAMETERS[algorithm]))
    (config / "inputdataconfig.json").write_text(json.dumps({"train": {"ContentType": "text/csv"}}))
    subprocess.run(
        [stack_python(), "-m", "preflight_container", "train"],
        env=_program() | {"SAGEMAKER_BASE_DIR": str(base), "PREFLIGHT_ALGORITHM": algorithm},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return base


def _csv(rows: int, *, labelled: bool) -> bytes:
    numbers = random.Random(0)
    lines = []
    for _ in range(rows):
        features = [numbers.randint(0, 5) for _ in range(FEATURES)]
        label = [int(sum(features) + numbers.gauss(0, 5) > 2.5 * FEATURES)] if labelled else []
        lines.append(",".join(map(str, label + features)))
    return "\n".join(lines).encode()


if __name__ == "__main__":
    report(Console(soft_wrap=True))
