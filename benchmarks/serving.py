"""What serving costs: both containers beside a bare Flask app that answers a constant on granian.

    python -m benchmarks.serving

Prints p50 in milliseconds and requests per second for one row and a thousand rows per request, with 1, 8 and 32
clients that keep their connections, and the ratio of the requests to the bare app's. Each figure is the median of a few
rounds in which all take turns. Before them: how long each takes to start, and the memory of each of its processes.
"""

import json
import multiprocessing
import os
import random
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks import wrk
from benchmarks.load import Target, latencies_of, measure
from preflight.environments import Environment, kit_path, stack_python
from preflight.sagemaker.launching.ports import free_port

FEATURES = 22
TRAIN_ROWS = 5000
CLIENTS = (1, 8, 32)
ROWS = (1, 1000)
ROUNDS = 3
SECONDS = 2  # of each measurement
REQUESTS = {1: 3200, 1000: 320}  # instead, where wrk is not installed
CLIENT_PROCESSES = 2  # so that the clients are not what is measured
DEADLINE_SECONDS = 60

PEERS = Path(__file__).parent / "peers"
BARE = "bare Flask on granian"
HYPERPARAMETERS = {
    "linear-learner": {"predictor_type": "binary_classifier"},
    "xgboost": {"num_round": "100", "objective": "binary:logistic"},
}


def report(console: Console) -> None:
    """Trains a model of each algorithm, measures, prints the tables."""
    starts = Table("server", "seconds to the first answer", "memory of each process, MB (PSS)", title="Serving alone")
    columns = ("rows", "clients", "server", "p50 ms", "requests/s", "of the bare app's", "load")
    table = Table(*columns)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        commands = {BARE: _bare()}
        for algorithm in HYPERPARAMETERS:
            commands[algorithm] = _container(_trained(Path(folder) / algorithm, algorithm))
        ports = {}
        for name, (command, environment) in commands.items():
            started = time.perf_counter()
            process, ports[name] = stack.enter_context(_serving(command, environment))
            starts.add_row(name, f"{time.perf_counter() - started:.2f}", _memory(process))
        for rows in ROWS:
            for clients in CLIENTS:
                _compare(table, ports, rows, clients)
    console.print(starts, table)


def _compare(table: Table, ports: Mapping[str, int], rows: int, clients: int) -> None:
    body = _csv(rows, labelled=False)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ports}
    for name, port in ports.items():
        measure(_target(name, port, body), clients, 20)  # warm
    for _ in range(ROUNDS):
        for name, port in ports.items():
            found[name].append(_measure(_target(name, port, body), clients, REQUESTS[rows] // clients))
    for name, results in found.items():
        p50, rate = (statistics.median(values) for values in zip(*results, strict=True))
        ratios = [mine[1] / bare[1] for mine, bare in zip(results, found[BARE], strict=True)]
        ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        table.add_row(str(rows), str(clients), name, f"{p50:.2f}", f"{rate:.0f}", ratio, f"{os.getloadavg()[0]:.1f}")


def _target(name: str, port: int, body: bytes) -> Target:
    return Target(name, f"http://127.0.0.1:{port}/invocations", body, {"Content-Type": "text/csv"})


def _measure(target: Target, clients: int, requests_per_client: int) -> tuple[float, float]:
    """(p50 in milliseconds, requests per second); without wrk the clients are spread over a few processes."""
    if wrk.is_installed():
        result = wrk.measure(target, clients, SECONDS)
        return result.p50, result.requests_per_second
    processes = min(clients, CLIENT_PROCESSES)
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        results = pool.starmap(latencies_of, [(target, clients // processes, requests_per_client)] * processes)
    latencies = [latency for found, _ in results for latency in found]
    return statistics.median(latencies), sum(len(found) / seconds for found, seconds in results)


def _bare() -> tuple[list[str], dict[str, str]]:
    python = Environment("peer-bare-flask", (PEERS / "bare_flask.txt").read_text()).ensure()
    workers = str(os.cpu_count())
    options = ["--interface", "wsgi", "--workers", workers, "--host", "127.0.0.1", "--no-log", "bare_flask:app"]
    return [str(python), "-m", "granian", *options], {**os.environ, "PYTHONPATH": str(PEERS)}


def _container(base: Path) -> tuple[list[str], dict[str, str]]:
    environment = _program() | {"PREFLIGHT_BIND_ADDRESS": "127.0.0.1", "SAGEMAKER_BASE_DIR": str(base)}
    return [str(stack_python()), "-m", "preflight_container", "serve"], environment


@contextmanager
def _serving(command: list[str], environment: Mapping[str, str]) -> Iterator[tuple[psutil.Process, int]]:
    """A server that answers, and its port."""
    port = free_port()
    settings = {**environment, "SAGEMAKER_BIND_TO_PORT": str(port), "GRANIAN_PORT": str(port)}
    process = psutil.Popen(command, env=settings, stdout=subprocess.DEVNULL)
    with ExitStack() as stack:
        stack.callback(process.wait)
        stack.callback(process.send_signal, signal.SIGTERM)
        _wait(port, process)
        yield process, port


def _memory(process: psutil.Process) -> str:
    found = [one.memory_full_info() for one in (process, *process.children(recursive=True))]
    return ", ".join(str(getattr(one, "pss", one.uss) >> 20) for one in found)


def _program() -> dict[str, str]:
    """The variables with which the stack's Python finds the container's program, as in a job."""
    return {**os.environ, "PYTHONPATH": str(kit_path())}


def _wait(port: int, process: psutil.Process) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while process.is_running() and time.monotonic() < deadline:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/ping")
            connection.getresponse().read()
            return
        except (OSError, HTTPException):
            time.sleep(0.02)
        finally:
            connection.close()
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
